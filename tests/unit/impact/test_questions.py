"""Gates, paths, and the questions that need no base: events, a metric, a source."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import metricsctl
from metricsctl.changes.event import ChangeEvent
from metricsctl.core.errors import DataError, ProjectError, UnknownName, UsageError
from metricsctl.definition.load import load_text
from metricsctl.definition.project import Project
from metricsctl.impact.report import ImpactReport
from metricsctl.impact.run import Options, impact_of_events, impact_of_node
from metricsctl.lineage.nodes import NodeKind
from metricsctl.render import render

Ask = Callable[..., ImpactReport]


def gates(report: ImpactReport) -> list[tuple[str, str]]:
    return [(gate.name, gate.id) for gate in report.gates]


def test_unit_changed_under_a_consumer(impact: Ask) -> None:
    assert gates(impact(("unit: usd", "unit: eur"), ("version: 1, desc", "version: 2, desc"))) == [("unit-changed", "metric:revenue")]


@pytest.mark.parametrize(
    "edit", [("agg: sum", "agg: avg"), ("status = 'paid'", "status = 'sent'"), ("amount AS value", "2 * amount AS value")]
)
def test_meaning_of_tier_0_without_a_version(impact: Ask, edit: tuple[str, str]) -> None:
    assert gates(impact(edit)) == [("meaning-without-version", "metric:revenue")]
    assert gates(impact(edit, ("version: 1, desc", "version: 2, desc"))) == []


def test_a_service_s_own_settings_are_no_new_meaning(impact: Ask) -> None:
    assert gates(impact(("lateness: 1h", "lateness: 2h"))) == []


def test_input_of_an_slo_broken(impact: Ask) -> None:
    found = gates(
        impact(("{name: attempts, type: simple, source: log, agg: count}", "{name: attempts, type: derived, expr: orders + visits}"))
    )
    assert found == [("slo-input-broken", "exposure:goal"), ("type-changed", "metric:attempts")]


def test_why_shows_every_path(impact: Ask) -> None:
    report = impact(("status = 'paid'", "status = 'sent'"), why="basket")
    ways = [path.nodes for path in report.paths]
    assert ("model:paid", "metric:orders", "metric:basket") in ways
    assert ("model:paid", "column:paid.value", "metric:revenue", "metric:basket") in ways
    assert all(way[0] == "model:paid" and way[-1] == "metric:basket" for way in ways)
    assert len(set(ways)) == len(ways)
    assert impact(("status = 'paid'", "status = 'sent'"), why="visits").paths == ()
    consumer = impact(("status = 'paid'", "status = 'sent'"), why="weekly")
    assert {path.nodes[-1] for path in consumer.paths} == {"exposure:weekly"}
    assert "weekly" in str(render(consumer, "tree")).rpartition("\n\n")[2]
    with pytest.raises(UnknownName, match="unknown metric 'rovenue'"):
        impact(("status = 'paid'", "status = 'sent'"), why="rovenue")


def test_a_deploy_reaches_what_stands_on_its_sources(shop: Project) -> None:
    events = [ChangeEvent("1", 0, "deploy", service="web"), ChangeEvent("2", 0, "deploy", service="search")]
    report = impact_of_events(shop, events, "deploy.json")
    assert {item.name for item in report.impacted if item.kind == "metric"} == {"visits", "per_visit"}
    assert report.unmatched == ("deploy of search",)
    assert report.verdict == "2 metrics may move, 8 proven untouched"
    assert report.gates == ()


def test_a_metric_and_a_source(shop: Project) -> None:
    report = impact_of_node(shop, NodeKind.METRIC, "orders", Options("basket"))
    assert {item.id for item in report.impacted} == {"metric:orders", "metric:basket", "exposure:weekly", "exposure:goal"}
    assert [path.nodes for path in report.paths] == [("metric:orders", "metric:basket")]
    model = impact_of_node(shop, NodeKind.SOURCE, "big")
    assert {item.name for item in model.impacted if item.kind == "metric"} == {"big_orders"}
    with pytest.raises(UnknownName, match="unknown source or model 'lag'"):
        impact_of_node(shop, NodeKind.SOURCE, "lag")


HEAD = """
version: 1
sources: [{name: s, time: ts, columns: [{name: ts}], produced_by: {service: web}}]
metrics: [{name: m, type: simple, source: s, agg: count}]
"""


def test_the_library(tmp_path: Path) -> None:
    for folder in ("old", "new"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "m.yml").write_text(HEAD, encoding="utf-8")
    workspace = metricsctl.open(tmp_path / "new")
    assert workspace.impact(base=str(tmp_path / "old")).impacted == ()
    assert workspace.impact(metric="m").summary.moved == 1
    assert workspace.impact(source="s", why="m").paths
    event = tmp_path / "deploy.json"
    event.write_text(json.dumps({"time": "2026-01-01T00:00:00Z", "service": "web"}), encoding="utf-8")
    assert workspace.impact(change=event).summary.moved == 1
    event.write_text("{}\n", encoding="utf-8")
    with pytest.raises(DataError, match="no change event"):
        workspace.impact(change=event)
    for wrong in ({}, {"metric": "m", "source": "s"}):
        with pytest.raises(UsageError):
            workspace.impact(**wrong)
    (tmp_path / "old" / "m.yml").write_text(HEAD.replace("source: s", "source: t"), encoding="utf-8")
    with pytest.raises(ProjectError, match="old have 1 error"):
        workspace.impact(base=str(tmp_path / "old"))


def test_why_not(impact: Ask) -> None:
    found = impact(("status = 'paid'", "status = 'sent'"), why_not="visits").why_not
    assert found is not None
    assert (found.id, found.moves, found.changed, found.proven) == ("metric:visits", False, (), ())
    assert "source:clicks" in found.reads
    split = impact(("FROM log WHERE status", "FROM (SELECT * FROM log) AS l WHERE l.status"), why_not="basket").why_not
    assert split is not None
    assert split.changed == ()  # another way of writing is no change
    moves = impact(("status = 'paid'", "status = 'sent'"), why_not="basket").why_not
    assert moves is not None
    assert moves.moves
    with pytest.raises(UnknownName, match="unknown metric 'rovenue'"):
        impact(why_not="rovenue")


def test_coverage_can_be_required(shop: Project) -> None:
    report = impact_of_node(shop, NodeKind.METRIC, "orders", Options(min_coverage=1.0))
    assert report.gates == ()
    assert report.coverage.share == 1
    weak = "version: 1\nmodels: [{name: m, sql: SELECT * FROM elsewhere, time: ts}]\n"
    text = weak + "sources: [{name: s, time: ts, columns: [{name: ts}]}]\nmetrics: [{name: k, type: simple, source: s, agg: count}]\n"
    found = impact_of_node(load_text(text), NodeKind.METRIC, "k", Options(min_coverage=0.9))
    assert [gate.name for gate in found.gates] == ["coverage"]
    assert "90 % must be exact" in found.gates[0].reason
