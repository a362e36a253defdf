"""The formulas: reach, noisy-or, weights, score, levels, thresholds."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metricsctl.core.errors import DataError
from metricsctl.definition.project import Project
from metricsctl.definition.usage import read_usage
from metricsctl.diff.change import Category
from metricsctl.impact.reach import Graph, Root, reach
from metricsctl.impact.report import ImpactReport
from metricsctl.impact.score import K, level_of, score_of, weight_of
from metricsctl.lineage.graph import LineageGraph
from metricsctl.lineage.kinds import EdgeKind
from metricsctl.lineage.nodes import Edge, Node, NodeKind

Ask = Callable[..., ImpactReport]


def graph_of(*edges: tuple[str, str, EdgeKind, float]) -> Graph:
    names = {name for edge in edges for name in edge[:2]}
    nodes = {name: Node(name, NodeKind.METRIC, name) for name in names}
    return Graph(LineageGraph(nodes, tuple(Edge(*edge) for edge in edges)))


def probabilities(graph: Graph, **roots: Category) -> dict[str, float]:
    found = reach(graph, [Root(name, category, "") for name, category in roots.items()])
    return {key: round(item.p, 6) for key, item in found.items()}


def test_the_surest_path_counts_and_nothing_decays_by_distance() -> None:
    graph = graph_of(
        ("a", "b", EdgeKind.DERIVED, 1), ("b", "c", EdgeKind.AGGREGATE, 1), ("c", "d", EdgeKind.IDENTITY, 1), ("d", "e", EdgeKind.WINDOW, 1)
    )
    assert probabilities(graph, a=Category.BREAKING) == dict.fromkeys("abcde", 1.0)


def test_edges() -> None:
    graph = graph_of(
        ("a", "b", EdgeKind.FILTER, 1),
        ("b", "c", EdgeKind.GROUP, 1),
        ("a", "c", EdgeKind.TABLE, 0.5),
        ("a", "d", EdgeKind.TABLE, 0.5),
        ("a", "e", EdgeKind.TABLE, 1.0),
    )
    assert probabilities(graph, a=Category.SEMANTIC) == {"a": 0.8, "b": 0.72, "c": 0.648, "d": 0.4, "e": 0.8}


def test_roots_combine_by_noisy_or() -> None:
    graph = graph_of(("a", "c", EdgeKind.DERIVED, 1), ("b", "c", EdgeKind.FILTER, 1))
    found = reach(graph, [Root("a", Category.SEMANTIC, ""), Root("b", Category.UNKNOWN, "")])
    assert found["c"].p == pytest.approx(1 - (1 - 0.8) * (1 - 0.6 * 0.9))
    assert (found["c"].root.id, found["c"].via) == ("a", ("a", "c"))


def test_what_moves_nothing_reaches_nothing() -> None:
    graph = graph_of(("a", "b", EdgeKind.DERIVED, 1))
    assert probabilities(graph, a=Category.GOVERNANCE) == {}
    assert probabilities(graph, a=Category.ADDITIVE) == {}


def test_a_circle_ends() -> None:
    graph = graph_of(("a", "b", EdgeKind.FILTER, 1), ("b", "a", EdgeKind.FILTER, 1))
    assert probabilities(graph, a=Category.BREAKING) == {"a": 1.0, "b": 0.9}


@given(st.lists(st.sampled_from([EdgeKind.DERIVED, EdgeKind.FILTER, EdgeKind.TABLE]), min_size=1, max_size=8), st.integers(0, 7))
def test_p_is_a_probability_and_falls_along_a_path(kinds: list[EdgeKind], start: int) -> None:
    graph = graph_of(*((f"n{number:02}", f"n{number + 1:02}", kind, 0.5) for number, kind in enumerate(kinds)))
    found = probabilities(graph, **{f"n{min(start, len(kinds)):02}": Category.SEMANTIC})
    along = [found[key] for key in sorted(found)]
    assert along == sorted(along, reverse=True)
    assert all(0 < p <= 0.8 for p in along)


def test_weights(shop: Project) -> None:
    usage = {"weekly": 3.0, "goal": 1e9}
    weights = {key: weight_of(shop, key, {}) for key in ("metric:revenue", "metric:orders", "model:paid", "source:log", "column:log.ts")}
    assert weights == {"metric:revenue": 8, "metric:orders": 2, "model:paid": 0.5, "source:log": 0.5, "column:log.ts": 0}
    assert [weight_of(shop, f"exposure:{name}", {}) for name in ("weekly", "goal", "trial")] == [2 * 1.5, 2 * 2, 1 * 2]
    assert [weight_of(shop, f"exposure:{name}", usage) for name in ("weekly", "goal")] == [3 * 3, 4 * 4]


def test_the_score_is_the_sum_of_p_and_weight(impact: Ask) -> None:
    report = impact(("denominator: orders", "denominator: attempts"))
    assert {item.name: (item.p, item.weight) for item in report.impacted} == {"weekly": (0.8, 3.0), "basket": (0.8, 2.0)}
    assert report.raw == pytest.approx(0.8 * 5)
    assert report.score == pytest.approx(100 * (1 - math.exp(-4 / 20)))
    assert report.level == "low"


def test_governance_counts_where_it_is_and_goes_no_further(impact: Ask) -> None:
    report = impact(("owner: fin", "owner: team-fin"))
    assert report.raw == pytest.approx(0.1 * 8)
    assert [change.category for change in report.changes] == ["governance"]
    cosmetic = impact(("description: Money.", "description: Cash."))
    assert (cosmetic.score, cosmetic.level, cosmetic.fails("low")) == (0, "none", False)


def test_a_tier_0_metric_removed_under_an_slo_is_high() -> None:
    assert level_of(score_of(8 + 2 * 8, K)) == "high"


def test_thresholds(impact: Ask) -> None:
    report = impact(("denominator: orders", "denominator: attempts"))
    assert [report.fails(level) for level in ("low", "medium", "high", "critical", "breaking")] == [True, False, False, False, False]
    assert (report.fails("score:18"), report.fails("score:18.2")) == (True, False)
    broken = impact(("unit: usd", "unit: eur"))
    assert broken.fails("breaking")


def test_usage(tmp_path: Path) -> None:
    assert read_usage(tmp_path) == {}
    (tmp_path / "usage.csv").write_text("exposure,views_30d\nweekly,12\n", encoding="utf-8")
    assert read_usage(tmp_path) == {"weekly": 12}
    for broken, line in (("exposure,views\nweekly,12\n", 1), ("exposure,views_30d\n\nweekly,many\n", 3), ("views_30d,exposure\n1\n", 2)):
        (tmp_path / "usage.csv").write_text(broken, encoding="utf-8")
        with pytest.raises(DataError, match=rf"usage\.csv:{line}: not a table of usage"):
            read_usage(tmp_path)


def test_an_alias_is_not_counted_beside_its_target(impact: Ask) -> None:
    both = impact(("agg: sum", "agg: avg"))
    weights = {item.name: item.weight for item in both.impacted if item.kind is NodeKind.METRIC}
    assert (weights["revenue"], weights["turnover"]) == (8, 0)
    alone = impact(("alias_of: revenue", "alias_of: visits"))
    assert {item.name: item.weight for item in alone.impacted} == {"turnover": 2}
    gone = impact(("  - {name: turnover, alias_of: revenue}\n", ""))
    assert gone.raw == pytest.approx(2)


def test_why_it_fails_is_said(impact: Ask) -> None:
    report = impact(("agg: sum", "agg: avg"))
    assert report.failure("score:99.9") == "gate meaning-without-version fired; a gate fails at any threshold, score:99.9 is not reached"
    assert report.failure("low") == "gate meaning-without-version fired; a gate fails at any threshold"
    calm = impact(("denominator: orders", "denominator: attempts"))
    assert (calm.failure("low"), calm.failure("high")) == ("low is reached", None)
