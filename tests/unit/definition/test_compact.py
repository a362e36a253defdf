"""The compact list form says the same as the full one."""

from metricsctl.definition.discover import belongs
from metricsctl.definition.load import load_text
from metricsctl.definition.schema import Derived, Ratio, Simple

COMPACT = """\
metrics:
  - {name: orders, type: counter, owner: shop, source_event: order_placed, aggregation_field: "1"}
  - {name: revenue, type: counter, source_event: order_placed, aggregation_field: amount}
  - {name: stock, type: gauge, source_event: stock_level, aggregation_field: level}
  - {name: order_value, type: ratio, dependencies: [revenue, orders], expression: revenue / orders}
  - {name: per_order, type: ratio, dependencies: [revenue, orders]}
  - {name: score, type: composite, dependencies: [revenue, stock], expression: revenue - 2 * stock}
"""


def test_each_type_has_its_full_form() -> None:
    project = load_text(COMPACT)
    assert belongs(COMPACT)
    orders, revenue, stock, value, per_order, score = (project.metrics[name] for name in project.metrics)
    assert isinstance(orders, Simple)
    assert (orders.agg, orders.expr, orders.owner, orders.source.name) == ("count", None, "shop", "order_placed")
    assert isinstance(revenue, Simple)
    assert (revenue.agg, revenue.expr and revenue.expr.text) == ("sum", "amount")
    assert isinstance(stock, Simple)
    assert (stock.agg, stock.expr and stock.expr.text) == ("last", "level")
    for ratio in (value, per_order):
        assert isinstance(ratio, Ratio)
        assert (ratio.numerator.metric.name, ratio.denominator.metric.name) == ("revenue", "orders")
    assert isinstance(score, Derived)
    assert (score.expr.text, set(score.inputs)) == ("revenue - 2 * stock", {"revenue", "stock"})


def test_places_are_those_of_what_was_written() -> None:
    project = load_text(COMPACT)
    ratio, lines = project.metrics["order_value"], COMPACT.splitlines()
    assert isinstance(ratio, Ratio)
    for ref in (ratio.numerator.metric, ratio.denominator.metric, project.metrics["stock"].source):  # type: ignore[attr-defined]
        assert lines[ref.span.line - 1][ref.span.column - 1 : ref.span.end_column - 1] == ref.name


def test_what_the_form_cannot_carry_is_said() -> None:
    project = load_text(COMPACT)
    assert [(item.code, str(item.span)) for item in project.findings] == [("M006", "metrics.yml:2:62"), ("M006", "metrics.yml:4:46")]
    assert project.sources["order_placed"].implied
    declared = "version: 1\nsources: [{name: order_placed, time: at}, {name: stock_level, time: at}]\n" + COMPACT
    assert load_text(declared).findings == ()


def test_what_the_form_itself_lacks() -> None:
    text = """\
metrics:
  - {name: a, type: counter, source_event: e}
  - {name: b, type: composite, dependencies: [a]}
  - {name: c, type: gauge, source_event: e, aggregation_field: x, expression: a}
  - {name: d, type: ratio, dependencies: [a, b, c]}
  - {name: e, type: ratio, dependencies: a, expression: a / b}
  - {name: f, type: counter, source_event: e, aggregation_field: "1", agregation: x}
"""
    project = load_text(text)
    found = [(item.code, item.span and item.span.line) for item in project.findings if item.code != "M006"]
    assert found == [("M003", 2), ("M003", 3), ("M004", 4), ("M003", 5), ("M004", 6), ("M002", 7)]
