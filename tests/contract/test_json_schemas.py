"""The JSON of the verbs that read events and stores is what `metricsctl schema` prints."""

import datetime as dt
import gzip
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from metricsctl.cli.app import run

METRICS = """\
version: 1
defaults: {owner: team, grain: 1h}
sources:
  - name: orders
    description: One row an order.
    time: {column: at, lateness: 1h}
    dimensions: [country]
    columns:
      - {name: at, type: timestamp}
      - {name: amount, type: double, unit: eur}
      - {name: email, type: string, pii: true}
      - {name: country, type: string}
metrics:
  - {name: revenue, description: Value., type: simple, source: orders, agg: sum, expr: amount, unit: eur}
  - {name: sales, description: Orders with a value., type: simple, source: orders, agg: count, filter: amount > 0}
  - {name: mean_order, description: Value an order., type: ratio, numerator: revenue, denominator: sales, on_zero: absent, unit: eur}
"""
EVENTS = """\
{"at":"2026-01-01T00:00:00Z","amount":3.5,"email":"a@b.example","country":"DE"}
{"at":"2026-01-01T00:30:00Z","amount":0,"email":"c@d.example","country":null}
{"at":"2026-01-01T01:00:00Z","amount":"much","email":"e@f.example","country":"FR"}
{broken
"""
CHANGES = """\
{"id":"c1","time":"2026-01-01T00:30:00Z","kind":"deploy","service":"orders","title":"New checkout"}
{"time":"yesterday","service":"orders"}
"""
VERBS = {"store": ["store", "info"], "changes": ["changes", "list"]}
Report = dict[str, Any]
Call = Callable[..., Report]


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Runs a verb with `--format json` in a folder with a project and events, and holds its answer against its schema."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "metrics.yml").write_text(METRICS, encoding="utf-8")
    (tmp_path / "events.ndjson").write_text(EVENTS, encoding="utf-8")
    (tmp_path / "changes.jsonl").write_text(CHANGES, encoding="utf-8")

    def output(*arguments: str) -> tuple[int, str]:
        out = io.StringIO()
        with monkeypatch.context() as patched:
            patched.setattr(sys, "stdout", out)
            patched.setattr(sys, "stderr", io.StringIO())
            patched.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
            return run(arguments), out.getvalue()

    def answer(name: str, *arguments: str, code: int = 0) -> Report:
        verb = VERBS.get(name) or name.split("-")
        found, text = output(*verb, *arguments, "--format", "json")
        report: Report = json.loads(text)
        assert found == code, report
        assert report["schema"] == f"metricsctl/{name}/v1"
        assert text == json.dumps(report, sort_keys=True, indent=2, ensure_ascii=False) + "\n"
        validator = jsonschema.Draft202012Validator(json.loads(output("schema", name)[1]))  # test_schemas.py checks it itself
        validator.validate(report)
        assert not validator.is_valid(report | {"data": {"nothing": 1}, "error": None})  # it says something
        return report

    return answer


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--max-rejects", "2"), 0),
        (("--max-rejects", "1%", "--final"), 3),
        (("--dry-run", "--max-rejects", "50%"), 0),
        (("--rebuild", "--max-rejects", "50%"), 0),
    ],
)
def test_ingest(options: tuple[str, ...], code: int, call: Call) -> None:
    report = call("ingest", "events.ndjson", *options, code=code)
    assert report["stats"] | {"rows": 4, "rejected": 2} == report["stats"]
    assert {item["reason"] for item in report["data"]["rejects"]} == {"malformed", "bad_value: amount"}
    assert "example" not in json.dumps(report["data"]["rejects"])


def test_ingest_of_a_truncated_and_an_empty_file(call: Call) -> None:
    Path("events.ndjson").unlink()
    Path("a.ndjson.gz").write_bytes(gzip.compress(EVENTS.encode())[:-20])
    Path("b.ndjson").write_bytes(b"")
    report = call("ingest", "a.ndjson.gz", "b.ndjson", "--max-rejects", "50%", code=3)
    assert [item["status"] for item in report["data"]["files"]] == ["truncated", "empty"]
    assert report["diagnostics"]


def test_query(call: Call) -> None:
    call("ingest", "events.ndjson", "--max-rejects", "2")
    report = call("query", "revenue", "mean_order", "--by", "country")
    points = [(point["key"]["country"], point["value"], point["status"]) for frame in report["data"] for point in frame["points"]]
    assert points == [(None, 0, "open"), ("DE", 3.5, "open"), (None, None, "absent"), ("DE", 3.5, "open")]
    assert call("query", "sales", "--since", "2030-01-01")["data"][0]["points"] == []


def test_query_of_what_the_store_has_not(call: Call) -> None:
    call("ingest", "events.ndjson", "--max-rejects", "2")
    text = METRICS + "  - {name: dearest, description: Most., type: simple, source: orders, agg: max, expr: amount, unit: eur}\n"
    Path("metrics.yml").write_text(text, encoding="utf-8")
    report = call("query", "dearest")
    assert {item["code"] for item in report["diagnostics"]} == {"needs-rebuild", "no-data"}
    assert call("ingest", "events.ndjson")["data"]["waiting"] == ["dearest"]


def test_store_and_store_verify(call: Call) -> None:
    call("ingest", "events.ndjson", "--max-rejects", "2")
    report = call("store")
    assert [(item["name"], item["rows"], item["rejected"]) for item in report["data"]["sources"]] == [("orders", 2, 2)]
    assert report["stats"]["states"] == sum(table["rows"] for table in report["data"]["tables"]) > 0
    assert call("store-verify")["data"]["problems"] == []
    next(Path(".metricsctl/store").rglob("*.parquet")).unlink()
    report = call("store-verify", code=3)
    assert not report["data"]["ok"]
    assert [item["message"] for item in report["diagnostics"]] == report["data"]["problems"] != []


def test_changes(call: Call) -> None:
    report = call("changes-add", "changes.jsonl", code=3)
    assert {item["code"] for item in report["diagnostics"]} == {"malformed-change"}
    assert "c1" in json.dumps(call("changes")["data"])


@pytest.mark.parametrize("asked", [("--metric", "revenue"), ("--source", "orders"), ("--base", "old"), ("--change", "change.jsonl")])
def test_impact(asked: tuple[str, ...], call: Call) -> None:
    Path("old").mkdir()
    Path("old", "metrics.yml").write_text(METRICS.replace("amount > 0", "amount > 1"), encoding="utf-8")
    Path("change.jsonl").write_text(CHANGES.splitlines()[0], encoding="utf-8")
    report = call("impact", *asked, "-p", "metrics.yml")
    assert "mean_order" in json.dumps(report["data"]) or asked[0] == "--change"


def hours_with_a_spike() -> str:
    """Four weeks of hourly orders; the last but six hours are worth a hundred times as much."""
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    rows = []
    for hour in range(28 * 24):
        amount = (20 + hour % 24 + hour * 7 % 5) * (100 if hour == 28 * 24 - 6 else 1)
        rows += [{"at": (start + dt.timedelta(hours=hour)).isoformat(), "amount": amount, "email": "", "country": "DE"}] * 6
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_detect_and_explain(call: Call) -> None:
    Path("events.ndjson").write_text(hours_with_a_spike(), encoding="utf-8")
    call("ingest", "events.ndjson", "--final")
    for emit in ("anomalies", "episodes", "scores"):
        report = call("detect", "revenue", "--emit", emit)
        assert {item["metric"] for item in report["data"]["episodes"]} == {"revenue"}
        assert len(report["data"]["scores"]) == (2 * 28 * 24 if emit == "scores" else 0)  # the metric and its one country
    why = call("explain", "revenue", "--anomaly", report["data"]["episodes"][0]["id"])
    assert why["data"]["subject"]["onset"] == "2026-01-28T18:00:00Z"


def test_detect_and_explain_with_little_history(call: Call) -> None:
    call("ingest", "events.ndjson", "--max-rejects", "2")
    assert {item["code"] for item in call("detect")["diagnostics"]} == {"short-history"}
    assert call("explain", "revenue", "--at", "2026-01-01T00:00Z")["data"]["subject"] is None


@pytest.mark.parametrize(
    ("name", "arguments", "code"),
    [
        ("changes-add", ("nowhere.jsonl",), 2),
        ("impact", ("--metric", "revnue"), 2),
        ("impact", ("--base", "no-such-ref"), 2),
        ("detect", ("revenue",), 2),
        ("detect", ("--detector", "crystal"), 2),
        ("explain", ("revenue",), 2),
        ("explain", ("revnue", "--at", "2026-01-01"), 2),
        ("ingest", ("nowhere.ndjson",), 2),
        ("ingest", ("events.ndjson", "--max-rejects", "few"), 2),
        ("query", ("revenue",), 2),
        ("query", ("revnue",), 2),
        ("store", (), 2),
        ("store-verify", (), 2),
    ],
)
def test_failures(name: str, arguments: tuple[str, ...], code: int, call: Call) -> None:
    report = call(name, *arguments, code=code)
    assert report["data"] is None
    assert report["error"]["message"]
