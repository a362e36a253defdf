"""What the language says and the engine does not compute yet is said, with its place; all else is planned."""

from pathlib import Path

import pytest

from metricsctl.core.errors import NotComputed
from metricsctl.definition.load import load, load_text
from metricsctl.plan.build import build
from metricsctl.plan.types import Base
from metricsctl.plan.unfinished import left_out, not_computed

SPEC = Path(__file__).parents[2] / "fixtures" / "spec" / "metrics.yml"
HEAD = """\
version: 1
sources:
  - {name: log, time: at, entities: {user: u}, columns: [{name: at, type: timestamp}, {name: u}, {name: x, type: double}]}
  - {name: other, time: at, columns: [{name: at, type: timestamp}]}
models:
  - {name: both, sql: SELECT at FROM log UNION ALL SELECT at FROM other, time: at}
  - {name: visits, session: {source: log, entity: user, gap: 30m}}
  - {name: daily, sql: "SELECT at, count(*) AS n FROM log GROUP BY at", time: at}
  - {name: over, sql: "SELECT at, n FROM daily", time: at}
  - {name: long, sql: SELECT session_start FROM visits, time: session_start}
  - {name: countries, static: countries.csv}
  - {name: placed, sql: "SELECT at FROM log JOIN countries USING (u)", time: at}
  - {name: reversed, sql: "SELECT at FROM countries JOIN log USING (u)", time: at}
metrics:
  - {name: rows, type: simple, source: log, agg: count, variants: {big: x > 1}}
  - {name: numbers, type: simple, source: log, agg: count, rollup: final_only}
  - {name: hourly, type: simple, source: log, agg: count, grain: 2h}
  - {name: mtd, type: cumulative, metric: rows, to_date: month}
  - {name: stock, type: simple, source: log, agg: sum, expr: x, semi_additive: {per: u}}
"""


@pytest.mark.parametrize(
    ("metric", "reason", "quoted"),
    [
        ("{name: a, type: cumulative, metric: mtd, to_date: month}", "cumulative metrics do not add up over time", "mtd"),
        ("{name: a, type: cumulative, metric: stock, to_date: month}", "stocks do not add up over time", "stock"),
        ("{name: a, type: conversion, base: log, convert: log, entity: user, within: 7d}", "conversion metrics", "conversion"),
        ("{name: a, type: simple, source: log, agg: count, window: {size: 63m, slide: 7m}}", "slide of 7m (it is no grain", "7m"),
        ("{name: a, type: cumulative, metric: numbers, to_date: month}", "numbers without states", "numbers"),
        ("{name: a, type: ratio, numerator: numbers, denominator: hourly}", "the numbers of 'numbers' (`rollup: final_only`) do not", "a"),
        (
            "{name: a, type: simple, source: log, agg: count, rollup: final_only, window: {size: 1h, slide: 5m}}",
            "hopping windows with `rollup: final_only`",
            "final_only",
        ),
        ("{name: a, type: simple, source: visits, agg: count, rollup: final_only}", "sessions with `rollup: final_only`", "final_only"),
        ("{name: a, type: simple, source: both, agg: count, rollup: final_only}", "several sources with", "final_only"),
        (
            "{name: a, type: simple, source: log, agg: sum, expr: x, semi_additive: {per: u}, rollup: final_only}",
            "semi-additive metrics with `rollup: final_only`",
            "final_only",
        ),
        ("{name: a, type: simple, source: log, agg: median, expr: x, semi_additive: {per: u}}", "`agg: median`", "median"),
        ("{name: a, type: simple, source: long, agg: count}", "a model over the sessions of 'visits'", "SELECT session_start FROM visits"),
        ("{name: a, type: simple, source: daily, agg: sum, expr: n}", "GROUP BY in a model", "GROUP BY at"),
        ("{name: a, type: simple, source: over, agg: sum, expr: n}", "GROUP BY in a model", "GROUP BY at"),
        ("{name: a, type: simple, source: countries, agg: count}", "'countries' is a static table, which has no events", "countries"),
        ("{name: a, type: simple, source: placed, agg: count}", "a static table whose file is missing (countries.csv)", "countries.csv"),
        ("{name: a, type: simple, source: reversed, agg: count}", "FROM a static table in a model", "countries"),
    ],
)
def test_a_construct_is_said_with_its_place(metric: str, reason: str, quoted: str) -> None:
    text = f"{HEAD}  - {metric}\n  - {{name: b, type: derived, expr: a + rows}}\n"
    project = load_text(text)
    assert project.findings == ()
    plan = build(project)
    assert set(plan.skipped) == {"a", "b"}
    assert reason in plan.skipped["a"].reason
    span = plan.skipped["a"].span
    assert span is not None
    line = text.splitlines()[span.line - 1]
    assert line[span.column - 1 : span.end_column - 1] in {quoted, "at"}
    assert plan.skipped["b"].reason.startswith(("it uses 'a', which is not computed yet", "the numbers of 'numbers'"))
    with pytest.raises(NotComputed, match="metric 'b' is not computed: ") as caught:
        plan.computation("b")
    assert (caught.value.exit_code, caught.value.span) == (2, plan.skipped["b"].span)
    assert left_out(plan.skipped["a"]).code == "M006"
    assert isinstance(plan.computation("rows"), Base)


def test_a_variant_is_its_metric_with_one_more_filter() -> None:
    plan = build(load_text(HEAD))
    whole, part = plan.computation("rows"), plan.computation("rows.big")
    assert isinstance(whole, Base)
    assert isinstance(part, Base)
    assert part.rollup == whole.rollup
    assert [item.text for item in part.measure.filters] == ["x > 1"]


def test_all_of_the_example_is_computed() -> None:
    project = load([SPEC])
    assert set(not_computed(project)) == set()
