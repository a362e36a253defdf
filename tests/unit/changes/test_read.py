"""Change events in their forms: plain JSON, CDEvents, and everything that is neither."""

import json
from pathlib import Path

import pytest

from metricsctl.changes.read import read_events, read_file
from metricsctl.core.errors import UsageError
from metricsctl.core.timegrid import to_iso

DEPLOY = {"time": "2026-11-06T11:54:00Z", "kind": "deploy", "service": "payments", "sha": "0b8c5e4"}


def cdevent(kind: str, subject: dict[str, object], **more: object) -> dict[str, object]:
    context = {
        "specversion": "0.5.0",
        "id": "e1",
        "source": "/ci",
        "type": f"dev.cdevents.{kind}.0.3.0",
        "timestamp": "2026-11-06T11:54:00Z",
    }
    return {"context": context, "subject": subject, **more}


def test_a_plain_line() -> None:
    line = {
        **DEPLOY,
        "id": "c1",
        "repo": "shop/pay",
        "paths": ["a.go"],
        "env": "prod",
        "actor": "mara",
        "related_metrics": ["x"],
        "title": "T",
    }
    (event,) = read_events(json.dumps(line), "f").events
    assert event.to_dict() == line
    assert str(event) == "deploy of payments 0b8c5e4: T"


def test_an_event_without_an_id_has_one_of_its_content() -> None:
    lines = [DEPLOY, DEPLOY, {**DEPLOY, "sha": "other"}]
    first, again, other = read_events("\n".join(map(json.dumps, lines)), "f").events
    assert first.id == again.id != other.id


@pytest.mark.parametrize(
    ("text", "iso"), [("2026-01-01T00:00:00+02:00", "2025-12-31T22:00:00Z"), ("2026-01-01T00:00:00.5", "2026-01-01T00:00:00.500000Z")]
)
def test_times(text: str, iso: str) -> None:
    (event,) = read_events(json.dumps({"time": text}), "f").events
    assert to_iso(event.time) == iso
    assert event.kind == "change"


@pytest.mark.parametrize(
    ("kind", "subject", "expected"),
    [
        (
            "service.deployed",
            {"id": "/prod/payments", "content": {"environment": {"id": "prod"}, "artifactId": "pkg:oci/pay@sha256%3A0b31"}},
            {"kind": "deploy", "service": "/prod/payments", "env": "prod", "sha": "0b31"},
        ),
        (
            "service.upgraded",
            {"id": "payments", "content": {"artifactId": "pkg:golang/pay@234fd47e?os=x"}},
            {"kind": "upgrade", "sha": "234fd47e"},
        ),
        ("service.rolledback", {"id": "payments", "content": {}}, {"kind": "rollback"}),
        ("service.removed", {"id": "payments", "content": {}}, {"kind": "remove"}),
        ("environment.modified", {"id": "e", "content": {"name": "prod"}}, {"kind": "environment", "env": "prod", "service": None}),
        (
            "change.merged",
            {"id": "42", "content": {"repository": {"id": "shop/ads"}}},
            {"kind": "merge", "repo": "shop/ads", "title": "change 42", "service": None},
        ),
        (
            "incident.detected",
            {"id": "i", "content": {"description": "Slow", "environment": {"id": "prod"}, "service": {"id": "pay"}}},
            {"kind": "incident", "title": "Slow", "service": "pay", "env": "prod"},
        ),
    ],
)
def test_cdevents(kind: str, subject: dict[str, object], expected: dict[str, object]) -> None:
    (event,) = read_events(json.dumps(cdevent(kind, subject), indent=2), "f").events
    assert (event.id, to_iso(event.time)) == ("e1", "2026-11-06T11:54:00Z")
    assert {name: getattr(event, name) for name in expected} == expected


def test_custom_data_says_more() -> None:
    record = cdevent("change.merged", {"id": "1", "content": {}}, customData={"repo": "a/b", "paths": ["x"], "mood": 3})
    (event,) = read_events(json.dumps(record), "f").events
    assert (event.repo, event.paths) == ("a/b", ("x",))


def test_a_cdevent_about_no_change_is_ignored_and_said() -> None:
    found = read_events(json.dumps(cdevent("pipelinerun.finished", {"id": "p", "content": {}})), "f")
    assert (found.events, found.malformed) == ((), ())
    assert "dev.cdevents.pipelinerun.finished" in found.ignored[0].message


@pytest.mark.parametrize("indent", [None, 2])
def test_a_list(indent: int | None) -> None:
    found = read_events(json.dumps([DEPLOY, {**DEPLOY, "sha": "x"}, {"kind": "deploy"}], indent=indent), "f.json")
    assert [event.sha for event in found.events] == ["0b8c5e4", "x"]
    assert [str(item.span) for item in found.malformed] == ["f.json:14:1" if indent else "f.json:1:1"]


CD = '{"context": {"type": "dev.cdevents.service.deployed.0.3.0"}'
BAD = {
    "{": "no JSON",
    "[1]": "no JSON object",
    "3": "no JSON object",
    '{"kind": "deploy"}': "no 'time'",
    '{"time": 3}': "'time' is not a text",
    '{"time": "yesterday"}': "'time' is not ISO 8601: 'yesterday'",
    '{"time": "2026-01-01", "service": 3}': "'service' is not a text",
    '{"time": "2026-01-01", "paths": "a"}': "'paths' is not a list of texts",
    CD + "}": "without 'subject.id'",
    CD + ', "subject": {"id": "a", "content": 3}}': "'subject.content' is not a mapping",
}


@pytest.mark.parametrize(("line", "reason"), BAD.items())
def test_malformed_lines_are_said_with_their_place_and_cost_only_themselves(line: str, reason: str) -> None:
    found = read_events(f"{json.dumps(DEPLOY)}\n{line}\n\n{json.dumps(DEPLOY)}\n", "f.jsonl")
    assert len(found.events) == 2
    assert [str(item.span) for item in found.malformed] == ["f.jsonl:2:1"]
    assert reason in found.malformed[0].message


def test_files(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"\xef\xbb\xbf" + json.dumps(DEPLOY).encode() + b"\r\n")
    assert len(read_file(tmp_path / "a.jsonl").events) == 1
    (tmp_path / "empty").write_bytes(b"")
    assert read_file(tmp_path / "empty").events == ()
    with pytest.raises(UsageError, match="No such file"):
        read_file(tmp_path / "gone")


REFERENCE = Path(__file__).parents[2] / "fixtures" / "cdevents"


def test_the_examples_of_the_specification() -> None:
    found = {path.stem: read_file(path).events for path in REFERENCE.glob("*.json")}
    assert {name: event.kind for name, (event,) in found.items()} == {
        "change_merged": "merge",
        "environment_modified": "environment",
        "incident_detected": "incident",
        "service_deployed": "deploy",
    }
    assert found["change_merged"][0].repo == "TestRepo/TestOrg"
