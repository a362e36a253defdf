import networkx as nx
import pytest

from metricsctl.definition.project import Project
from metricsctl.lineage.graph import Coverage, build
from metricsctl.lineage.kinds import EdgeKind


@pytest.fixture(scope="module")
def edges(shop: Project) -> set[str]:
    return {f"{edge.source} {edge.kind.value} {edge.target}" for edge in build(shop).edges}


@pytest.mark.parametrize(
    "edge",
    [
        "source:log identity column:log.amount",
        "source:log table-only model:paid",
        "column:log.amount identity column:paid.value",
        "column:log.status filter model:paid",
        "source:log aggregate metric:rows",
        "column:log.ts group metric:rows",
        "model:paid table-only metric:revenue",
        "column:paid.value aggregate metric:revenue",
        "column:paid.country group metric:revenue",
        "column:paid.value group metric:revenue",
        "dimension:country group metric:revenue",
        "dimension:size group metric:revenue",
        "column:paid.country filter metric:revenue_de",
        "column:paid.country filter metric:share",
        "column:paid.value filter exposure:weekly",
        "dimension:size filter exposure:weekly",
        "metric:revenue derived metric:share",
        "metric:revenue derived metric:per_row",
        "metric:rows derived metric:per_row",
        "metric:revenue identity metric:turnover",
        "metric:turnover identity exposure:weekly",
        "dimension:country group exposure:weekly",
    ],
)
def test_there_is_an_edge(edges: set[str], edge: str) -> None:
    assert edge in edges


@pytest.mark.parametrize("edge", ["column:paid.country group metric:revenue_de", "dimension:country group metric:revenue_de"])
def test_there_is_no_edge(edges: set[str], edge: str) -> None:
    assert edge not in edges


def test_what_a_column_reaches_and_what_not(shop: Project) -> None:
    graph = build(shop)
    assert "exposure:weekly" in graph.downstream("column:log.amount")
    assert graph.downstream("column:log.spare") == frozenset()
    assert "metric:rows" not in graph.downstream("column:log.status")
    assert "metric:revenue_de" in graph.downstream("column:log.status")
    assert "column:log.spare" not in graph.upstream("exposure:weekly")


def test_networkx_sees_the_same(shop: Project) -> None:
    graph = build(shop)
    assert set(graph.network) == set(graph.nodes)
    assert all(graph.upstream(key) == nx.ancestors(graph.network, key) for key in graph.nodes)
    assert all(graph.downstream(key) == nx.descendants(graph.network, key) for key in graph.nodes)
    both = graph.network.edges["column:paid.value", "metric:revenue"]["edges"]
    assert {edge.kind for edge in both} == {EdgeKind.AGGREGATE, EdgeKind.GROUP}


def test_edges_say_where_they_come_from(shop: Project) -> None:
    graph = build(shop)
    for edge in graph.edges:
        assert edge.span is not None
        line = shop.line(edge.span.path, edge.span.line)
        assert line is not None
        assert line[edge.span.column - 1 : edge.span.end_column - 1].strip()


def test_references_to_nothing_give_no_edge(project) -> None:
    graph = build(
        project(
            "version: 1\nmetrics:\n  - {name: a, type: simple, source: gone, agg: count}\n  - {name: b, type: derived, expr: a + lost}\n"
        )
    )
    assert [(edge.source, edge.target) for edge in graph.edges] == [("metric:a", "metric:b")]


def test_columns_behind_a_star_are_only_guessed(project) -> None:
    text = "version: 1\nsources: [{name: raw, time: {column: ts}}]\nmodels: [{name: m, sql: SELECT * FROM raw, time: {column: ts}}]\n"
    graph = build(project(text + "metrics: [{name: a, type: simple, source: m, agg: sum, expr: x}]\n"))
    (guess,) = [edge for edge in graph.edges if edge.target == "column:m.x" and edge.source == "source:raw"]
    assert (guess.kind, guess.confidence) == (EdgeKind.TABLE, 0.5)
    assert graph.coverage == Coverage(0, 0, 1)


def test_coverage_in_words() -> None:
    assert str(Coverage(84, 12, 4)) == "columns exact 84 %, weak 12 %, table 4 %"
    assert str(Coverage()) == "columns exact 100 %, weak 0 %, table 0 %"
