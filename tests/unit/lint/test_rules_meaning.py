"""M0, M4, M5. Each rule fires at the marked «place», and nowhere else."""

from collections.abc import Callable

import pytest

Check = Callable[..., list]


def test_m407_model_without_time(check: Check) -> None:
    text = "models:\n  - {name: «m», sql: 'SELECT ts FROM log'}\n  - {name: n, sql: 'SELECT ts FROM log'}\nmetrics:\n"
    check("M407", text + "  - {name: a, type: simple, source: m, agg: count}\n")


def test_m407_time_is_there(check: Check) -> None:
    text = "models:\n  - {name: m, sql: 'SELECT ts FROM log', time: ts}\nmetrics:\n  - {name: a, type: simple, source: m, agg: count}\n"
    assert check("M407", text) == []


def test_m411_expr_and_filter(check: Check) -> None:
    found = check(
        "M411",
        """metrics:
  - {name: a, type: simple, source: log, agg: sum, expr: «amont» * 2, filter: "ok AND «contry» = 'DE'"}
  - name: b
    type: simple
    source: log
    agg: sum
    expr: |
      amount
      + «fee»
""",
    )
    assert [item.hint for item in found][:2] == ["did you mean 'amount'?", "did you mean 'country'?"]


def test_m411_filters_of_ratios_and_inputs(check: Check) -> None:
    check(
        "M411",
        """metrics:
  - {name: a, type: simple, source: log, agg: count}
  - {name: r, type: ratio, numerator: {metric: a, filter: «okk»}, denominator: a, filter: "«land» = 'DE'"}
  - {name: d, type: derived, expr: x, inputs: {x: {metric: r, filter: «zone» > 1}}}
""",
    )


def test_m411_shared_dimensions_where_they_are_listed(check: Check) -> None:
    text = """dimensions:
  - {name: size, expr: "CASE WHEN price < 5 THEN 's' END"}
  - {name: big, expr: amount > 5}
  - {name: device}
metrics:
  - {name: a, type: simple, source: log, agg: count, dimensions: [«size», big, «device»]}
"""
    found = check("M411", text)
    assert found[0].message == "dimension 'size' needs column 'price', which source 'log' does not have"


def test_m411_columns_of_a_model_are_its_outputs(check: Check) -> None:
    check(
        "M411",
        """models:
  - {name: m, sql: 'SELECT ts, amount AS value FROM log', time: ts}
metrics:
  - {name: a, type: simple, source: m, agg: sum, expr: «amount»}
  - {name: b, type: simple, source: m, agg: sum, expr: value}
  - {name: c, type: simple, source: m, agg: sum, expr: VALUE}
""",
    )


def test_m411_a_missing_source_is_not_its_concern(check: Check) -> None:
    assert check("M411", "metrics:\n  - {name: a, type: simple, source: nope, agg: sum, expr: x}\n") == []


def test_m503_columns_in_sql(check: Check) -> None:
    (found,) = check("M503", "models:\n  - name: m\n    sql: |\n      SELECT ts,\n             «amont» AS value\n      FROM log\n")
    assert found.message == "unknown column 'amont' in model 'm'"
    assert found.hint == "did you mean 'amount'?"


def test_m503_knows_columns_of_models_and_ctes(check: Check) -> None:
    text = """models:
  - {name: m, sql: 'SELECT ts, amount * 2 AS twice FROM log'}
  - {name: n, sql: 'WITH c AS (SELECT twice + 1 AS more FROM m) SELECT more FROM c'}
"""
    assert check("M503", text) == []


@pytest.mark.parametrize(
    ("code", "text", "place"),
    [
        ("M001", "version: 1\nversion: 1\n", (2, 1)),
        ("M001", "version: 1\nmetrics: [\n", (3, 1)),
        ("M002", "version: 1\nmetrix: []\n", (2, 1)),
        ("M003", "version: 1\nmetrics:\n  - {name: a, type: simple, agg: count}\n", (3, 12)),
        ("M004", "version: 1\nmetrics:\n  - {name: a, type: simple, source: s, agg: total}\n", (3, 45)),
        ("M005", "version: 1\nsources:\n  - {name: s, time: t, columns: [{name: t, type: date, pii: yes}]}\n", (3, 61)),
        ("M006", "metrics:\n  - {name: a, type: counter, source_event: e, aggregation_field: '1'}\n", (2, 44)),
        ("M501", "version: 1\nmetrics:\n  - {name: a, type: simple, source: s, agg: sum, expr: sum(x)}\n", (3, 56)),
    ],
)
def test_what_the_loader_finds_is_reported(code: str, text: str, place: tuple[int, int]) -> None:
    from metricsctl.definition.load import load_text
    from metricsctl.lint.engine import run

    (found,) = run(load_text(text), select=[code]).findings
    assert found.span is not None
    assert (found.code, (found.span.line, found.span.column)) == (code, place)
