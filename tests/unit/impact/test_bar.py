"""The bar: one edit, and exactly the metrics that it moves."""

from collections.abc import Callable

import pytest

from metricsctl.impact.report import ImpactReport

Ask = Callable[..., ImpactReport]
ON_VALUE = {"revenue", "basket", "per_visit", "turnover", "sized", "big_orders"}  # big keeps rows by value, sized splits by it
CASES = {
    "sql comment": (("-- one row a paid order", "-- one row an order"), set()),
    "yaml comment": (("version: 1\n", "version: 1  # x\n"), set()),
    "one column's expression": (("amount AS value", "amount / 100 AS value"), ON_VALUE),
    "another column's expression": (("AS value, user FROM", "AS value, LOWER(user) AS user FROM"), {"buyers"}),
    "column added to a model": (("AS value, user FROM", "AS value, user, status FROM"), set()),
    "column added to a source": (("{name: status, type: string}", "{name: status, type: string}, {name: more}"), set()),
    "a metric's filter": (("agg: count_distinct, expr: user", "agg: count_distinct, expr: user, filter: value > 1"), {"buyers"}),
    "a ratio's denominator": (("denominator: orders", "denominator: attempts"), {"basket"}),
    "measure sum -> avg": (("agg: sum, expr: value", "agg: avg, expr: value"), {"revenue", "basket", "per_visit", "turnover"}),
    "where in a model": (("status = 'paid'", "status <> 'open'"), ON_VALUE | {"orders", "buyers"}),
    "where in the last model": (("value > 100", "value > 200"), {"big_orders"}),
    "description": (("description: Money.", "description: Cash."), set()),
    "label": (("description: Money.", "description: Money., label: Cash"), set()),
    "owner": (("owner: fin", "owner: team-fin"), set()),
    "a shared dimension": (("value < 50", "value < 60"), {"sized"}),
    "type of a source's column": (("{name: user, type: string}, {name: status", "{name: user, type: integer}, {name: status"), {"buyers"}),
    "lateness": (("lateness: 1h", "lateness: 2h"), ON_VALUE | {"orders", "buyers", "attempts"}),
    "new metric": (("exposures:", "  - {name: more, type: simple, source: log, agg: count}\nexposures:"), set()),
    "cte": (("SELECT ts, value FROM paid", "WITH p AS (SELECT * FROM paid) SELECT ts, value FROM p"), set()),
}


@pytest.mark.parametrize(("edit", "moved"), CASES.values(), ids=CASES)
def test_exactly_these_metrics_move(impact: Ask, edit: tuple[str, str], moved: set[str]) -> None:
    report = impact(edit)
    assert {item.name for item in report.impacted if item.kind == "metric"} == moved
    assert (report.summary.moved, report.summary.unknown) == (len(moved), 0)
    assert report.summary.untouched == 10 - len(moved) + (edit[0] == "exposures:")
    if not moved:
        assert report.impacted == ()


def test_a_removed_metric_reaches_who_still_looks(impact: Ask) -> None:
    report = impact(
        ("  - {name: basket, type: ratio, numerator: revenue, denominator: orders}\n", ""), ("uses: [basket]", "uses: [orders]")
    )
    assert [(item.id, item.p) for item in report.impacted] == [("exposure:weekly", 1.0), ("metric:basket", 1.0)]
    assert [gate.name for gate in report.gates] == ["removed-with-consumers"]
    assert "used by weekly" in report.gates[0].reason


def test_distinct_moves_the_rows(impact: Ask) -> None:
    report = impact(("SELECT ts, value FROM paid WHERE value > 100", "SELECT DISTINCT ts, value FROM paid WHERE value > 100"))
    assert [item.name for item in report.impacted if item.kind == "metric"] == ["big_orders"]
    assert report.changes[0].reason == "DISTINCT: none -> DISTINCT"


def test_what_cannot_be_read_is_unknown(impact: Ask) -> None:
    pivot = "SELECT ts, value FROM (PIVOT paid ON user USING sum(value) GROUP BY ts)"
    report = impact(("SELECT ts, value FROM paid WHERE value > 100", pivot))
    assert [item.id for item in report.unknown] == ["metric:big_orders"]
    assert report.verdict.startswith("0 metrics move, 9 proven untouched, 1 unknown: ")
