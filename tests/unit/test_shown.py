"""What a notebook shows of the reports: everything of consequence, with nothing of it taken for markup."""

import dataclasses
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import metricsctl
from metricsctl.core import html
from metricsctl.core.diagnostics import Diagnostic, Severity, Span
from metricsctl.core.errors import UsageError
from metricsctl.core.timegrid import Grain
from metricsctl.detect.report import AnomalyReport, Episode
from metricsctl.diff.change import Category, Change
from metricsctl.engine.batch import Reject
from metricsctl.explain.report import Explanation, Hypothesis, RuledOut
from metricsctl.impact.parts import Gate, Impacted, Summary, Unknown
from metricsctl.impact.report import ImpactReport
from metricsctl.ingest.report import FileReport, IngestReport, RejectCount, SourceReport
from metricsctl.lineage.nodes import NodeKind
from metricsctl.lint.report import LintReport
from metricsctl.query.frame import QueryReport, SeriesFrame
from metricsctl.render import svg

ODD = "<script>alert('&\x07')</script>"
SHOWN = ODD.replace("\x07", "\ufffd")
NOTICED = ODD.replace("\x07", r"\x07")  # a finding is one printable line, wherever it is shown
NOTE = Diagnostic(ODD, Severity.WARNING, ODD, Span(ODD, 1, 1, 1, 2), ODD)
SPEC = Path(__file__).parents[1] / "fixtures" / "spec" / "metrics.yml"


def lint() -> LintReport:
    return LintReport((NOTE,), (ODD,), 0, {}, {})


def ingest() -> IngestReport:
    sources = (SourceReport(ODD, 2, 1, 1, 0, None, None),)
    files = (FileReport(ODD, ODD, "read", 10, 1),)
    rejects = (RejectCount(ODD, ODD, 1, Reject(ODD, ODD, 1, ODD)),)
    return IngestReport(ODD, sources, files, rejects, {}, 1, (), "1%", over_limit=False, diagnostics=(NOTE,))


def query() -> QueryReport:
    keys = {ODD: np.array([ODD, None], dtype=object)}
    value, count = np.array([1.5, np.nan]), np.array([1, 0])
    time, status = np.array([0, 3_600_000_000]), np.array([0, 3], dtype=np.uint8)
    return QueryReport((SeriesFrame(ODD, ODD, Grain.parse("1h"), "UTC", keys, time, value, count, status),), (NOTE,))


def detect() -> AnomalyReport:
    times = {"onset": ODD, "alert": ODD, "peak": ODD, "end": ODD}
    numbers = {"value": 1.0, "expected": 2.0, "expected_low": 1.5, "expected_high": 2.5, "size": -1.0, "relative": -0.5, "score": 9.0}
    words: dict[str, Any] = {"kind": "deviation", "state": "over", "direction": "down", "effect": "bad", "size_of": "total"}
    rest = {"detector": "auto", "why": ODD, "context": (), "windows": 1}
    episode = Episode(id=ODD, metric=ODD, unit=ODD, key={ODD: ODD}, **times, **numbers, **words, **rest)
    return AnomalyReport("auto", "anomalies", (ODD,), (episode,), (), (NOTE,))


def impact() -> ImpactReport:
    change = Change(ODD, NodeKind.MODEL, ODD, Category.SEMANTIC, ODD, ODD)
    reached = Impacted(ODD, NodeKind.METRIC, ODD, Category.SEMANTIC, 0.8, ODD, (ODD,), 1.0, ODD)
    gates, unknown = (Gate(ODD, ODD, ODD),), (Unknown(ODD, ODD),)
    return ImpactReport(
        "base", ODD, (change,), (reached,), Summary(1, 0, 1), 1.0, 60.0, 1.0, "high", gates=gates, unknown=unknown, malformed=(NOTE,)
    )


def explain() -> Explanation:
    reason = Hypothesis(1, "change", ODD, ODD, ({ODD: ODD},), ODD, (ODD,), 1.0, ODD, 0.9, "high", ODD, (ODD,))
    return Explanation(None, ODD, (reason,), ruled_out=(RuledOut(ODD, ()),), diagnostics=(NOTE,))


def page(report: Any) -> ET.Element:
    return ET.fromstring(f"<div>{report._repr_html_()}</div>")


@pytest.mark.parametrize("make", [lint, ingest, query, detect, impact, explain])
def test_a_report_is_escaped(make):
    shown = page(make())
    assert {element.tag for element in shown.iter()}.isdisjoint({"script"})
    assert SHOWN in "".join(shown.itertext())


@pytest.mark.parametrize("make", [ingest, query, detect, impact, explain])
def test_what_was_noticed_is_shown_too(make):
    assert f"warning: {NOTICED} ({NOTICED})" in "".join(page(make()).itertext())


def test_of_points_the_time_the_key_and_no_value_where_there_is_none():
    rows = [[cell.text for cell in row] for row in page(query()).iter("tr")]
    assert rows[1] == ["1970-01-01T00:00:00Z", SHOWN, "1.5", "1", "final"]
    assert rows[2] == ["1970-01-01T01:00:00Z", None, None, "0", "absent"]


def test_nothing_found_is_said():
    assert "no anomalies" in AnomalyReport("auto", "anomalies", (), (), ())._repr_html_()
    assert "All checks passed" in LintReport((), (), 0, {}, {})._repr_html_()


def test_lineage_is_a_tree_without_graphviz(monkeypatch):
    def none(*_: object) -> str:
        raise UsageError("no Graphviz")

    monkeypatch.setattr(svg, "render", none)
    shown = page(metricsctl.open(SPEC).lineage("revenue"))
    assert [element.tag for element in shown] == ["pre"]
    assert "revenue" in "".join(shown.itertext())


def test_lineage_that_nobody_draws_is_a_table(monkeypatch):
    monkeypatch.setattr(html, "_drawings", {})
    from metricsctl.lineage.graph import build
    from metricsctl.lineage.report import trace

    report = trace(build(metricsctl.load(SPEC)), ["revenue"])
    assert "metric:revenue" in {cell.text for cell in page(report).iter("td")}
    assert "no edges" in dataclasses.replace(report, edges=())._repr_html_()
