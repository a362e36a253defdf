"""M101 to M109: names, references, inputs. Each rule fires at the marked «place», and nowhere else."""

from collections.abc import Callable
from pathlib import Path

import pytest

from metricsctl.core.diagnostics import Severity, Span
from metricsctl.definition.load import load, load_text
from metricsctl.lint.engine import run
from metricsctl.lint.rules.m1_references import cycles

from .conftest import SOURCES

Check = Callable[..., list]


def simple(name: str, extra: str = "") -> str:
    return f"{{name: {name}, type: simple, source: log, agg: count{extra}}}"


def test_m101_duplicate_metric(check: Check) -> None:
    (found,) = check("M101", f"metrics:\n  - {simple('a')}\n  - {simple('b')}\n  - {simple('«a»')}\n")
    assert found.message == "duplicate metric 'a'"
    assert found.hint == "first defined at metrics.yml:12:12"


def test_m101_an_alias_shares_the_names_of_metrics(check: Check) -> None:
    check("M101", f"metrics:\n  - {simple('a')}\n  - {{name: «a», alias_of: a}}\n")


def test_m101_a_model_shares_the_names_of_sources(check: Check) -> None:
    check("M101", "models:\n  - {name: «log», sql: 'SELECT ts FROM log'}\n")


def test_m101_duplicate_column(check: Check) -> None:
    check("M101", "version: 1\nsources:\n  - {name: s, time: a, columns: [{name: a, type: date}, {name: «a», type: date}]}\n", alone=True)


def test_m101_one_name_for_a_metric_and_a_source_is_fine(check: Check) -> None:
    assert check("M101", f"metrics:\n  - {simple('log')}\n") == []


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("adClicks", "write 'ad_clicks'"),
        ("Clicks", "write 'clicks'"),
        ("ad-clicks", "write 'ad_clicks'"),
        ("ad__clicks", "write 'ad_clicks'"),
        ("2xx", None),
        ("AD_CLICKS", "write 'ad_clicks'"),
        ("select", "write 'select_metric', or say what it holds"),
        ("x" * 64, "63 are the limit"),
    ],
)
def test_m102_form(check: Check, name: str, hint: str | None) -> None:
    (found,) = check("M102", f"metrics:\n  - {simple(f'«{name}»')}\n")
    assert found.hint == hint


@pytest.mark.parametrize("name", ["clicks", "numerator", "count", "p95", "a1_b2", "x" * 63, "date", "value"])
def test_m102_fine_names(check: Check, name: str) -> None:
    assert check("M102", f"metrics:\n  - {simple(name)}\n") == []


def test_m102_names_of_exposures_are_free(check: Check) -> None:
    assert check("M102", "exposures:\n  - {name: Exec-Weekly, kind: dashboard}\n") == []


def test_m103_near_names(check: Check) -> None:
    (found,) = check("M103", f"metrics:\n  - {simple('ad_click')}\n  - {simple('«ad_clicks»')}\n  - {simple('adclick_rate')}\n")
    assert "'ad_click'" in found.message
    assert str(found.severity) == "warning"


@pytest.mark.parametrize("other", ["clicked", "click_rate", "klick"])
def test_m103_other_names_are_fine(check: Check, other: str) -> None:
    assert check("M103", f"metrics:\n  - {simple('clicks')}\n  - {simple(other)}\n") == []


def test_m103_an_old_name_is_fine(check: Check) -> None:
    assert check("M103", f"metrics:\n  - {simple('clicks')}\n  - {{name: click, alias_of: clicks}}\n") == []


def test_m104_source(check: Check) -> None:
    (found,) = check("M104", "metrics:\n  - {name: a, type: simple, source: «logg», agg: count}\n")
    assert (found.message, found.hint) == ("unknown source 'logg'", "did you mean 'log'?")


def test_m104_quotes_are_not_part_of_a_name(check: Check) -> None:
    check("M104", "metrics:\n  - {name: a, type: simple, source: '«logg»', agg: count}\n")
    check("M104", 'metrics:\n  - {name: a, type: derived, expr: "1 + «b»"}\n')


def test_m104_inputs(check: Check) -> None:
    check(
        "M104",
        f"""metrics:
  - {simple("clicks")}
  - {{name: r, type: ratio, numerator: «click», denominator: {{metric: «shown», filter: ok}}}}
  - {{name: d, type: derived, expr: "clicks + «clickz» * 2"}}
  - {{name: e, type: derived, expr: x + y, inputs: {{x: clicks, y: {{metric: «nope», offset: 7d}}}}}}
  - {{name: old, alias_of: «gone»}}
""",
    )


def test_m104_exposures(check: Check) -> None:
    check(
        "M104",
        f"""metrics:
  - {simple("clicks")}
exposures:
  - {{name: w, kind: dashboard, uses: [clicks, clix], by: [country]}}
  - {{name: x, kind: dashboard, uses: [clicks], by: [«contry»]}}
  - {{name: s, kind: slo, good: good, total: clicks, objective: 0.9}}
""",
    )


def test_m104_tables_of_a_model(check: Check) -> None:
    check(
        "M104",
        """models:
  - name: m
    sql: |
      WITH recent AS (SELECT * FROM «logs»)
      SELECT ts FROM recent
      UNION ALL
      SELECT ts FROM log
""",
    )


def test_m104_columns_of_a_source(check: Check) -> None:
    check(
        "M104",
        """version: 1
sources:
  - name: s
    time: {column: «at»}
    entities: {user: «uid»}
    columns: [{name: ts, type: timestamp}]
  - name: t
    time: «at»
""",
        alone=True,
    )


def test_m104_columns_of_a_model(check: Check) -> None:
    check(
        "M104",
        """models:
  - name: m
    sql: SELECT ts, amount * 2 AS twice FROM log
    time: «at»
    grain: [ts, «id»]
    entities: {user: «user_id»}
    columns: [{name: twice, unit: usd}, {name: «amount», unit: usd}]
    dimensions: [twice, «country»]
""",
    )


def test_m104_dimensions(check: Check) -> None:
    check(
        "M104",
        f"""dimensions:
  - {{name: size, expr: "CASE WHEN amount < 5 THEN 's' ELSE 'l' END"}}
metrics:
  - {simple("a", ", dimensions: [country, size, «contry»]")}
  - {simple("b")}
  - {{name: r, type: ratio, numerator: a, denominator: b, dimensions: [country, «size»]}}
""",
    )


def test_m104_a_star_hides_the_columns(check: Check) -> None:
    text = "models:\n  - {name: m, sql: 'SELECT * FROM {0}', time: anything, grain: [whatever]}\n"
    assert check("M104", text.replace("{0}", "log").replace("anything", "ts").replace("whatever", "ok")) == []


def test_m104_what_was_left_out_is_not_unknown(check: Check) -> None:
    text = """models:
  - {name: m, sql: 'SELECT count( AS n FROM log', time: ts}
metrics:
  - {name: c, type: simple, source: m, agg: count}
exposures:
  - {name: w, kind: dashboard, uses: [c]}
"""
    assert check("M104", text) == []


def test_m105_circle_of_metrics(check: Check) -> None:
    (found,) = check(
        "M105",
        "metrics:\n  - {name: «b», type: derived, expr: c}\n  - {name: a, type: derived, expr: b}\n  - {name: c, type: derived, expr: a}\n",
    )
    assert found.message == "metric 'b' stands on itself: b -> c -> a -> b"


def test_m105_itself_and_models(check: Check) -> None:
    check(
        "M105",
        """models:
  - {name: «m», sql: 'SELECT ts FROM n'}
  - {name: n, sql: 'SELECT ts FROM m'}
metrics:
  - {name: «a», type: derived, expr: a + 1}
""",
    )


def test_m105_a_diamond_is_fine(check: Check) -> None:
    text = f"metrics:\n  - {simple('a')}\n  - {{name: b, type: derived, expr: a}}\n  - {{name: c, type: derived, expr: a}}\n"
    assert check("M105", text + "  - {name: d, type: derived, expr: b + c}\n") == []


def test_two_circles_are_two_findings() -> None:
    assert sorted(cycles({"a": ["b"], "b": ["a"], "c": ["c"], "d": ["a"]})) == [["a", "b"], ["c"]]


def test_m106_unused(check: Check) -> None:
    check(
        "M106",
        """  - {name: «other», time: ts, columns: [{name: ts, type: date}]}
dimensions:
  - {name: country}
  - {name: «device»}
models:
  - {name: used, sql: 'SELECT ts FROM log', time: ts}
  - {name: «idle», sql: 'SELECT ts FROM log'}
metrics:
  - {name: a, type: simple, source: used, agg: count}
""",
    )


def test_m106_stays_quiet_about_what_may_be_used_by_something_left_out(check: Check) -> None:
    assert check("M106", "metrics:\n  - {name: a, type: simple, source: log, agg: count, window: {size: 1h}}\n") == []


def test_m107_depth(check: Check) -> None:
    chain = "".join(f"  - {{name: {'«m3»' if n == 3 else f'm{n}'}, type: derived, expr: m{n - 1} + 1}}\n" for n in range(1, 6))
    (found,) = check("M107", f"metrics:\n  - {simple('m0')}\n{chain}", max_depth=3)
    assert found.message == "metric 'm3' is 4 steps deep"
    assert check("M107", f"metrics:\n  - {simple('m0')}\n{chain.replace('«', '').replace('»', '')}") == []


def test_m108_unused_input(check: Check) -> None:
    check(
        "M108",
        f"""metrics:
  - {simple("m")}
  - {{name: d, type: derived, expr: cur * 2, inputs: {{cur: m, «prev»: {{metric: m, offset: 7d}}}}}}
  - name: e
    type: derived
    expr: m
    inputs:
      «prev»: m
      m: m
""",
    )


def test_m109_undeclared_input(check: Check) -> None:
    (found,) = check(
        "M109", f"metrics:\n  - {simple('m')}\n  - {{name: d, type: derived, expr: cur / «pre», inputs: {{cur: m, prev: m}}}}\n"
    )
    assert found.hint == "did you mean 'prev'?"


def test_m109_without_inputs_names_are_metrics(check: Check) -> None:
    assert check("M109", "metrics:\n  - {name: d, type: derived, expr: x / y}\n") == []


def test_a_dashboard_in_the_table_of_usage_that_is_not_there(tmp_path: Path) -> None:
    metrics = "metrics:\n  - {name: a, type: simple, source: log, agg: count}\n"
    text = f"{SOURCES}{metrics}exposures:\n  - {{name: weekly, kind: dashboard, uses: [a]}}\n"
    (tmp_path / "usage.csv").write_text('views_30d,exposure\n12,weekly\n3,"wekly"\n', encoding="utf-8")
    (found,) = run(load_text(text, root=tmp_path), select=["M104"]).findings
    assert (found.message, found.hint, found.severity) == ("unknown exposure 'wekly'", "did you mean 'weekly'?", Severity.WARNING)
    assert found.span == Span("usage.csv", 3, 4, 3, 9)


def test_the_table_of_usage_lies_beside_the_definitions_wherever_one_stands(tmp_path: Path) -> None:
    (tmp_path / "defs").mkdir()
    (tmp_path / "defs" / "metrics.yml").write_text(f"{SOURCES}metrics: []\n", encoding="utf-8")
    (tmp_path / "defs" / "usage.csv").write_text("exposure,views_30d\nnone,12\n", encoding="utf-8")
    (found,) = run(load([tmp_path / "defs"], root=tmp_path), select=["M104"]).findings
    assert found.span == Span("defs/usage.csv", 2, 1, 2, 5)
