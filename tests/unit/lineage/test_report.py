import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metricsctl.core.errors import UnknownName, UsageError
from metricsctl.core.serial import plain
from metricsctl.definition.load import load_text
from metricsctl.definition.project import Project
from metricsctl.lineage.graph import LineageGraph, build
from metricsctl.lineage.report import LineageReport, trace


@pytest.fixture(scope="module")
def graph(shop: Project) -> LineageGraph:
    return build(shop)


def ids(report: LineageReport) -> set[str]:
    return {node.id for node in report.nodes}


def test_the_whole_graph_has_no_columns_unless_asked(graph: LineageGraph) -> None:
    assert {node.kind.value for node in trace(graph).nodes} == {"source", "model", "metric", "exposure"}
    assert ids(trace(graph, columns=True)) == set(graph.nodes)


def test_upstream_and_downstream(graph: LineageGraph) -> None:
    assert ids(trace(graph, ["share"], direction="upstream")) == {"metric:share", "metric:revenue", "model:paid", "source:log"}
    assert ids(trace(graph, ["share"], direction="downstream")) == {"metric:share", "exposure:weekly"}
    assert ids(trace(graph, ["share"], depth=1)) == {"metric:share", "metric:revenue", "exposure:weekly"}
    assert ids(trace(graph, ["share"], depth=0)) == {"metric:share"}


def test_both_sides_do_not_mix(graph: LineageGraph) -> None:
    found = trace(graph, ["revenue"])
    assert ("source:log", "metric:rows") not in {(edge.source, edge.target) for edge in found.edges}
    assert "metric:per_row" in ids(found)
    assert "metric:rows" not in ids(found)


def test_coarse_edges_are_of_the_kind_of_their_columns(graph: LineageGraph) -> None:
    kinds = {(edge.source, edge.target): edge.kind.value for edge in trace(graph).edges}
    assert kinds["model:paid", "metric:revenue"] == "aggregate"
    assert kinds["source:log", "model:paid"] == "identity"


def test_columns_upstream_leave_out_what_is_not_read(graph: LineageGraph) -> None:
    found = ids(trace(graph, ["revenue_de"], direction="upstream", columns=True))
    assert {"column:log.amount", "column:log.status", "column:log.country", "column:log.ts"} <= found
    assert "column:log.spare" not in found


@pytest.mark.parametrize(
    ("nodes", "column", "asked"),
    [
        (["log"], "amount", ("column:log.amount",)),
        (["paid"], "paid.value", ("column:paid.value",)),
        ([], "country", ("column:log.country", "column:paid.country")),
    ],
)
def test_a_column_of_a_table(graph: LineageGraph, nodes: list[str], column: str, asked: tuple[str, ...]) -> None:
    assert trace(graph, nodes, column=column).asked == asked


def test_a_column_of_a_metric_is_a_path(graph: LineageGraph) -> None:
    found = trace(graph, ["revenue_de"], column="country", direction="upstream")
    assert ids(found) == {"metric:revenue_de", "column:paid.country", "column:log.country"}


def test_typed_and_bare_names(graph: LineageGraph) -> None:
    assert trace(graph, ["metric:share", "share"]).asked == ("metric:share",)
    assert trace(graph, ["log.amount"]).columns
    assert trace(graph, ["column:log.amount"]).asked == ("column:log.amount",)


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("revenu", "unknown node 'revenu'", "did you mean 'revenue'?"),
        ("metric:revenu", "unknown metric 'revenu'", "did you mean 'revenue'?"),
        ("log.amont", "unknown node 'log.amont'", "did you mean 'log.amount'?"),
    ],
)
def test_unknown_names(graph: LineageGraph, name: str, message: str, hint: str) -> None:
    with pytest.raises(UnknownName, match=message) as caught:
        trace(graph, [name])
    assert caught.value.hint == hint


def test_unknown_column(graph: LineageGraph) -> None:
    with pytest.raises(UnknownName, match="unknown column 'countri'"):
        trace(graph, ["log"], column="countri")


def test_an_ambiguous_name_lists_the_typed_forms() -> None:
    text = "version: 1\nsources: [{name: a, time: {column: ts}}]\nmetrics: [{name: a, type: simple, source: a, agg: count}]\n"
    with pytest.raises(UsageError, match="'a' is ambiguous") as caught:
        trace(build(load_text(text)), ["a"])
    assert caught.value.hint == "say source:a or metric:a"


def test_what_is_left_out_says_why() -> None:
    text = "version: 1\nsources: [{name: s, time: {column: ts}}]\nmodels: [{name: m, sql: SELECT count( AS n FROM s}]\n"
    with pytest.raises(UnknownName, match="model 'm' is left out"):
        trace(build(load_text(text)), ["m"])


def test_a_negative_depth(graph: LineageGraph) -> None:
    with pytest.raises(UsageError, match="negative"):
        trace(graph, ["share"], depth=-1)


def test_the_report_is_plain_and_repeatable(shop: Project) -> None:
    first, second = (plain(trace(build(shop), ["revenue"], columns=True).to_dict()) for _ in range(2))
    assert first == second
    assert first["coverage"] == {"exact": 3, "weak": 0, "table": 0}
    assert first["nodes"] == sorted(first["nodes"], key=lambda node: (ORDER.index(node["kind"]), node["name"]))


ORDER = ["source", "model", "column", "dimension", "metric", "exposure"]


@st.composite
def dags(draw: st.DrawFn) -> tuple[str, int]:
    """A project of metrics each of which may use any before it, and the number of metrics."""
    size = draw(st.integers(1, 12))
    lines = ["version: 1", "sources: [{name: s, time: {column: ts}}]", "metrics:"]
    for number in range(size):
        used = draw(st.sets(st.integers(0, number - 1), max_size=4)) if number else set()
        made = f"type: derived, expr: {' + '.join(f'm{each}' for each in sorted(used))}" if used else "type: simple, source: s, agg: count"
        lines.append(f"  - {{name: m{number}, {made}}}")
    return "\n".join(lines) + "\n", size


@given(dags(), st.integers(0, 11), st.integers(0, 5))
def test_any_dag_is_traced_as_networkx_does(dag: tuple[str, int], which: int, depth: int) -> None:
    text, size = dag
    graph = build(load_text(text))
    node = f"metric:m{which % size}"
    network = graph.network.subgraph([key for key in graph.nodes if not key.startswith("column:")])
    assert ids(trace(graph, [node], direction="upstream")) == nx.ancestors(network, node) | {node}
    assert ids(trace(graph, [node], direction="downstream")) == nx.descendants(network, node) | {node}
    near = nx.single_source_shortest_path_length(network.reverse(), node, cutoff=depth)
    assert ids(trace(graph, [node], direction="upstream", depth=depth)) == set(near)


def test_coverage_is_that_of_the_models_shown(graph: LineageGraph) -> None:
    assert trace(graph, ["rows"], direction="upstream").coverage.total == 0
    assert trace(graph, ["revenue"], direction="upstream").coverage == trace(graph).coverage == graph.coverage
    assert graph.coverage.exact == 3
