from collections.abc import Callable

import pytest

from metricsctl.definition.load import load_text
from metricsctl.definition.project import Project
from metricsctl.impact.report import ImpactReport
from metricsctl.impact.run import Options, impact_of_difference

SHOP = """
version: 1
defaults: {tier: 2}
dimensions:
  - {name: size, expr: "CASE WHEN value < 50 THEN 's' ELSE 'l' END"}
sources:
  - name: log
    time: {column: ts, lateness: 1h}
    produced_by: {service: till}
    columns: [{name: ts, type: timestamp}, {name: amount, type: integer}, {name: user, type: string}, {name: status, type: string}]
  - {name: clicks, time: ts, produced_by: {service: web}, columns: [{name: ts, type: timestamp}, {name: user, type: string}]}
models:
  - name: paid
    sql: |
      -- one row a paid order
      SELECT ts, amount AS value, user FROM log WHERE status = 'paid'
    time: {column: ts}
  - name: big
    sql: SELECT ts, value FROM paid WHERE value > 100
    time: {column: ts}
metrics:
  - {name: revenue, type: simple, source: paid, agg: sum, expr: value, unit: usd, tier: 0, version: 1, description: Money., owner: fin}
  - {name: orders, type: simple, source: paid, agg: count}
  - {name: buyers, type: simple, source: paid, agg: count_distinct, expr: user}
  - {name: sized, type: simple, source: paid, agg: count, dimensions: [size]}
  - {name: big_orders, type: simple, source: big, agg: count}
  - {name: attempts, type: simple, source: log, agg: count}
  - {name: visits, type: simple, source: clicks, agg: count}
  - {name: basket, type: ratio, numerator: revenue, denominator: orders}
  - {name: per_visit, type: derived, expr: revenue / visits}
  - {name: turnover, alias_of: revenue}
exposures:
  - {name: weekly, kind: dashboard, uses: [basket], owner: boss}
  - {name: goal, kind: slo, good: orders, total: attempts, objective: 0.9}
  - {name: trial, kind: experiment, uses: [visits], role: guardrail, tier: 3}
"""

Edit = tuple[str, str]


def load(text: str) -> Project:
    found = load_text(text)
    assert [str(item) for item in found.findings if item.severity == "error"] == []
    return found


@pytest.fixture(scope="session")
def shop() -> Project:
    return load(SHOP)


@pytest.fixture(scope="session")
def impact(shop: Project) -> Callable[..., ImpactReport]:
    """What edits (before, after) of the shop move."""

    def ask(*edits: Edit, why: str | None = None, why_not: str | None = None) -> ImpactReport:
        text = SHOP
        for before, after in edits:
            assert text.count(before) == 1, before
            text = text.replace(before, after)
        return impact_of_difference(shop, load(text), "base", Options(why, why_not))

    return ask
