"""What `explain` says of a small shop, from its events to its text."""

import dataclasses
import json
import math
import re
from types import SimpleNamespace

import jsonschema
import pytest

from metricsctl.core.errors import UnknownName, UsageError
from metricsctl.explain.baseline import Move
from metricsctl.explain.evidence import Collection, EvidenceKind, Quantity
from metricsctl.explain.hypotheses import Findings
from metricsctl.explain.investigate import ruled_out
from metricsctl.explain.narrate import move_evidence
from metricsctl.explain.quality import Health
from metricsctl.explain.report import Explanation
from metricsctl.explain.run import explain
from metricsctl.explain.subject import worst
from metricsctl.render import Style, render
from metricsctl.render.json_schema import schema_of
from metricsctl.workspace import Workspace
from metricsctl.workspace import open as open_workspace

OUTAGE = "2026-02-12T00:00Z"
CASES = [
    ("revenue", OUTAGE),
    ("conversion", OUTAGE),
    ("revenue_wow", OUTAGE),
    ("mean_order", "2026-02-10T00:00Z"),
    ("traffic", "2026-02-15"),
]


def texts(found: Explanation) -> list[str]:
    hypotheses = [text for item in found.hypotheses for text in (item.cause, item.where, item.counterfactual, item.reason) if text]
    return [found.headline, *hypotheses, *found.company, *(item.says for item in found.ruled_out), *(item.says for item in found.evidence)]


def test_the_guilty_change_and_the_segment_are_first(shop):
    for metric in ("revenue", "sales", "conversion"):
        found = shop.explain(metric, at=OUTAGE)
        assert found.subject is not None
        assert (found.subject.onset, found.subject.end) == ("2026-02-12T00:00:00Z", "2026-02-14T00:00:00Z")
        first = found.hypotheses[0]
        assert (first.kind, first.change, first.segments) == ("change", "guilty", ({"country": "DE"},))
        assert first.share == pytest.approx(1.0, abs=0.2)
        assert {item.change for item in found.hypotheses} <= {"guilty", "older", None}
        assert any("after the onset" in item.says for item in found.ruled_out)
        assert any("New footer" in item.says and "does not reach" in item.says for item in found.ruled_out)


def test_the_change_is_split_over_the_inputs(shop):
    found = shop.explain("revenue_wow", at=OUTAGE)
    inputs = [item for item in found.evidence if item.kind == "input"]
    assert [item.words["input"] for item in inputs] == ["revenue", "revenue 7d earlier"]
    assert found.subject is not None
    assert math.fsum(item.numbers["contribution"].value for item in inputs) == pytest.approx(found.subject.change, rel=1e-12)


CUMULATED = """\
  - {name: week, description: Value of 7 days., type: cumulative, metric: revenue, window: 7d}
  - {name: hopping, description: Value of 2 days., type: simple, source: orders, agg: avg, expr: amount, window: {size: 2d, slide: 1d}}
  - {name: week_a_visit, description: Both kinds in one., type: derived, expr: week / traffic, on_zero: absent}
"""


@pytest.fixture
def cumulated(shop, tmp_path):
    """The same shop, asked for values that have more than their own window in them, which need no other states."""
    text = shop.project.files[0].path
    folder = tmp_path / "more"
    folder.mkdir()
    (folder / "metrics.yml").write_text((shop.project.root / text).read_text() + CUMULATED)
    return Workspace(open_workspace(folder / "metrics.yml").project, shop.store)


@pytest.mark.parametrize("metric", ["week", "hopping", "week_a_visit"])
def test_what_is_cumulated_is_not_added_up_over_time(metric, cumulated):
    found = cumulated.explain(metric, at=OUTAGE)
    subject = found.subject
    assert subject is not None
    assert subject.of == "mean"

    def values(name):
        rows = cumulated.query(name, since=subject.onset[:10], until=subject.end[:10]).frames[0].rows()
        return [value for _, _, value, _ in rows if value is not None]

    found_alone = values(metric)
    expected = math.fsum(values("week")) / math.fsum(values("traffic")) if metric == "week_a_visit" else sum(found_alone) / len(found_alone)
    assert subject.actual == pytest.approx(expected, rel=1e-9)
    inputs = [item for item in found.evidence if item.kind == "input"]
    if inputs:
        assert math.fsum(item.numbers["contribution"].value for item in inputs) == pytest.approx(subject.change, rel=1e-9)


def test_a_silent_source_comes_first(shop):
    found = shop.explain("traffic", at="2026-02-15")
    assert found.hypotheses[0].kind == "data"
    assert found.hypotheses[0].nodes == ("source:visits",)
    assert "fell silent" in found.hypotheses[0].cause


def test_one_huge_row_is_told(shop):
    found = shop.explain("revenue", at="2026-02-10T00:00Z")
    assert found.hypotheses[0].kind == "row"
    assert "19,000 eur" in found.hypotheses[0].cause


def test_nothing_unusual_is_an_answer(shop):
    found = shop.explain("revenue", at="2026-02-05T00:00Z")
    assert found.hypotheses == ()
    assert "as usual" in found.headline


def test_the_worst_episode_is_taken_where_nothing_is_named(shop, tmp_path, monkeypatch):
    said = shop.explain().to_dict()
    episode = worst(shop.project, shop.detect().episodes)
    assert said == shop.explain(anomaly=episode.id).to_dict()
    assert said == explain(shop.project, shop.store, folder=tmp_path).to_dict()
    monkeypatch.setattr("metricsctl.detect.kept.detect", None)  # what was found is kept
    assert said == explain(shop.project, shop.store, folder=tmp_path).to_dict()


def test_an_open_episode_is_worse_than_any_that_is_over(shop):
    episode = worst(shop.project, shop.detect().episodes)
    small = dataclasses.replace(episode, metric="traffic", key={"country": "GB"}, effect="good", score=4.0)
    assert worst(shop.project, [small, dataclasses.replace(episode, state="over")]).metric == episode.metric
    assert worst(shop.project, [dataclasses.replace(small, state="open"), dataclasses.replace(episode, state="over")]).metric == "traffic"


def test_an_anomaly_is_named_by_its_id(shop):
    episode = next(item for item in shop.detect("revenue").episodes if item.onset.startswith("2026-02-12"))
    found = shop.explain(anomaly=episode.id)
    assert found.subject is not None
    assert found.subject.metric == "revenue"
    assert dict(found.subject.key) == dict(episode.key)
    with pytest.raises(UnknownName):
        shop.explain(anomaly="EP-000000")


def test_what_comes_after_the_episode_changes_nothing(shop, make_shop, tmp_path):
    other = make_shop(tmp_path / "later", after=5.0)
    for metric in ("revenue", "conversion"):
        assert shop.explain(metric, at=OUTAGE).to_dict() == other.explain(metric, at=OUTAGE).to_dict()


@pytest.mark.parametrize(("metric", "at"), CASES)
def test_every_number_in_the_text_is_evidence(metric, at, shop):
    found = shop.explain(metric, at=at)
    known = {str(number) for item in found.evidence for number in item.numbers.values()}
    known |= {word for item in found.evidence for word in item.words.values()}
    for text in texts(found):
        left = text
        for part in sorted(known, key=len, reverse=True):
            left = left.replace(part, "")
        assert not re.search(r"\d", left), text


@pytest.mark.parametrize(("metric", "at"), CASES)
def test_evidence_that_is_cited_exists(metric, at, shop):
    found = shop.explain(metric, at=at)
    ids = [item.id for item in found.evidence]
    assert len(set(ids)) == len(ids)
    for item in (*found.hypotheses, *found.ruled_out):
        assert set(item.evidence) <= set(ids)
        assert item.evidence
    assert [item.rank for item in found.hypotheses] == list(range(1, len(found.hypotheses) + 1))
    assert all(0 <= item.confidence <= 1 for item in found.hypotheses)


@pytest.mark.parametrize("style", [Style(60), Style(120, color=True), Style(100, ascii=True)])
def test_it_fits_its_width_and_its_alphabet(style, shop):
    found = shop.explain("conversion", at=OUTAGE)
    text = re.sub(r"\x1b\[[\d;]*m", "", str(render(found, "text", style)))
    assert all(len(line) <= style.width or line.startswith("  metricsctl ") for line in text.splitlines())
    assert not style.ascii or text.isascii()


def test_bad_input(shop):
    with pytest.raises(UnknownName) as caught:
        shop.explain("revenu")
    assert caught.value.hint == "did you mean 'revenue'?"
    with pytest.raises(UsageError, match="is not a time"):
        shop.explain("revenue", at="soon")
    with pytest.raises(UsageError, match="exclude"):
        shop.explain("revenue", at=OUTAGE, anomaly="EP-000000")
    assert "no events" in shop.explain("revenue", at="2020-01-01").headline
    assert "never changed" in shop.explain("flat", at=OUTAGE).headline
    assert "too little history" in shop.explain("revenue", at="2026-01-06").headline


@pytest.mark.parametrize(("metric", "at"), [*CASES, ("flat", OUTAGE)])
def test_its_json_is_what_the_schema_says(metric, at, shop):
    report = json.loads(str(render(shop.explain(metric, at=at), "json")))
    jsonschema.validate(report, schema_of("explain"), cls=jsonschema.Draft202012Validator)


@pytest.mark.parametrize(("metric", "at"), CASES)
def test_the_text_cites_only_what_it_lists(metric, at, shop):
    text = str(render(shop.explain(metric, at=at), "text", Style(200)))
    cited = {name for line in text.splitlines() if line.startswith("   evidence: ") for name in line.split()[1:]}
    assert cited <= set(re.findall(r"^  (E\d+) ", text, flags=re.MULTILINE))


def test_a_data_frame_of_its_hypotheses(shop):
    found = shop.explain("revenue", at=OUTAGE)
    frame = found.to_pandas()
    assert frame["rank"].tolist() == [item.rank for item in found.hypotheses]
    assert (frame["kind"][0], frame["change"][0]) == ("change", "guilty")
    assert "hypotheses" not in frame


def test_one_row_is_not_said_to_be_everywhere(shop):
    first = shop.explain("revenue", at="2026-02-10T00:00Z").hypotheses[0]
    assert "proportion" not in (first.where or "")


def test_a_gap_too_small_to_be_the_reason_is_not_ruled_out():
    gap = Health("log", 6, 1, 0, 0.0, 0.0)
    facts = Collection()
    evidence = facts.add(
        EvidenceKind.QUALITY,
        "source:log",
        "log had no events in {silent} of {windows} windows",
        {"silent": Quantity(1, "count"), "windows": Quantity(6, "count")},
    )
    found = Findings("metric:m", {}, Move(1.0, 2.0, 9.0, 6), ((gap, evidence),), (), None, None, None, None, None, ())
    assert ruled_out(found, (), {}, set()) == ()
    text = str(render(Explanation(None, "m fell", evidence=tuple(facts)), "text", Style(100)))
    assert "Evidence\n  E1 log had no events in 1 of 6 windows" in text


def test_an_ordinary_move_says_how_large_it_is(shop):
    facts = Collection()
    case = SimpleNamespace(project=shop.project)
    said = move_evidence(facts, EvidenceKind.UPSTREAM, case, ("model:sales", Move(1428.0, 878.0, 1.2, 10)))
    assert said.says == "rows of sales: 1,428 instead of 878, +62.6 %, within its usual spread (1.2 standard deviations)"
