"""Words that choose nodes, and ways between two."""

import pytest

from metricsctl.core.errors import UnknownName, UsageError
from metricsctl.definition.load import load_text
from metricsctl.lineage.graph import LineageGraph, build
from metricsctl.lineage.report import trace
from metricsctl.lineage.select import Reach, select

TEXT = """
version: 1
defaults: {owner: team-data}
sources:
  - {name: log, time: ts, produced_by: {service: payments, repo: shop/pay}, columns: [{name: ts, type: timestamp}, {name: amount}]}
  - {name: clicks, time: ts, columns: [{name: ts, type: timestamp}]}
models:
  - {name: paid, sql: "SELECT ts, amount FROM log", time: ts}
metrics:
  - {name: revenue, type: simple, source: paid, agg: sum, expr: amount, tags: [gold], tier: 0}
  - {name: revenue_rate, type: derived, expr: revenue / visits, owner: team-web}
  - {name: visits, type: simple, source: clicks, agg: count}
exposures:
  - {name: board, kind: dashboard, uses: [revenue_rate]}
"""


@pytest.fixture(scope="module")
def graph() -> LineageGraph:
    found = load_text(TEXT, "defs/shop.yml")
    assert not [item for item in found.findings if item.severity == "error"]
    return build(found)


@pytest.mark.parametrize(
    ("word", "ids"),
    [
        ("revenue", ["metric:revenue"]),
        ("metric:revenue", ["metric:revenue"]),
        ("revenue*", ["metric:revenue", "metric:revenue_rate"]),
        ("metric:*", ["metric:revenue", "metric:revenue_rate", "metric:visits"]),
        ("log.*", ["column:log.amount", "column:log.ts"]),
        ("tag:gold", ["metric:revenue"]),
        ("tier:0", ["metric:revenue"]),
        ("owner:team-web", ["metric:revenue_rate"]),
        ("service:payments", ["source:log"]),
        ("service:pay*", ["source:log"]),
        ("repo:shop/pay", ["source:log"]),
    ],
)
def test_a_word_means(graph: LineageGraph, word: str, ids: list[str]) -> None:
    assert sorted(item.id for item in select(graph, [word])) == ids


def test_a_file_means_all_that_stands_in_it(graph: LineageGraph) -> None:
    assert len(select(graph, ["file:shop.yml"])) == len(select(graph, ["file:defs/*.yml"])) == 7


@pytest.mark.parametrize(
    ("word", "reach"),
    [
        ("+revenue", Reach(None, 0)),
        ("2+revenue", Reach(2, 0)),
        ("revenue+", Reach(0, None)),
        ("+revenue+1", Reach(None, 1)),
        ("revenue", None),
    ],
)
def test_a_plus_looks_around(graph: LineageGraph, word: str, reach: Reach | None) -> None:
    assert [item.reach for item in select(graph, [word])] == [reach]


def shown(graph: LineageGraph, *words: str) -> list[str]:
    return [node.name for node in trace(graph, words).nodes]


def test_what_is_shown(graph: LineageGraph) -> None:
    assert shown(graph, "+revenue") == ["log", "paid", "revenue"]
    assert shown(graph, "1+revenue") == ["paid", "revenue"]
    assert shown(graph, "revenue+1") == ["revenue", "revenue_rate"]
    assert shown(graph, "service:payments+") == ["log", "paid", "revenue", "revenue_rate", "board"]


@pytest.mark.parametrize("word", ["tag:silver", "nothing*", "service:search", "rovenue"])
def test_what_means_nothing_is_said(graph: LineageGraph, word: str) -> None:
    with pytest.raises(UnknownName):
        select(graph, [word])


def test_a_path(graph: LineageGraph) -> None:
    report = trace(graph, path=("log", "board"))
    assert [node.name for node in report.nodes] == ["log", "paid", "revenue", "revenue_rate", "board"]
    assert len(report.ways) == len(report.edges) == 4
    fine = trace(graph, path=("log.amount", "revenue"))
    assert {node.name for node in fine.nodes} == {"log.amount", "paid.amount", "revenue"}
    with pytest.raises(UsageError, match="no way leads from clicks to metric:revenue"):
        trace(graph, path=("clicks", "metric:revenue"))
    with pytest.raises(UsageError) as failed:
        trace(graph, path=("board", "log"))
    assert "--path log board" in str(failed.value.hint)


def test_the_ways_stand_out_in_the_whole(graph: LineageGraph) -> None:
    report = trace(graph, ["revenue"], whole=True)
    assert len(report.nodes) == 7
    assert ("source:clicks", "metric:visits") not in report.ways
    assert ("metric:revenue", "metric:revenue_rate") in report.ways
