from collections.abc import Callable

import pytest

from metricsctl.definition.load import load_text
from metricsctl.definition.project import Project

SHOP = """
version: 1
dimensions:
  - {name: country, description: Country of the user.}
  - {name: size, expr: "CASE WHEN value < 50 THEN 's' ELSE 'l' END"}
sources:
  - {name: log, time: {column: ts}, columns: [{name: ts}, {name: amount}, {name: status}, {name: country}, {name: spare}]}
models:
  - name: paid
    sql: "SELECT ts, amount AS value, country FROM log WHERE status = 'paid'"
    time: {column: ts}
    dimensions: [country, size]
metrics:
  - {name: rows, type: simple, source: log, agg: count}
  - {name: revenue, type: simple, source: paid, agg: sum, expr: value}
  - {name: revenue_de, type: simple, source: paid, agg: sum, expr: value, filter: "country = 'DE'", dimensions: []}
  - {name: share, type: ratio, numerator: {metric: revenue, filter: "country = 'FR'"}, denominator: revenue}
  - {name: per_row, type: derived, expr: r / n, inputs: {r: revenue, n: rows}}
  - {name: turnover, alias_of: revenue}
exposures:
  - {name: weekly, kind: dashboard, uses: [share, turnover], by: [country], filter: "size = 's'"}
"""


@pytest.fixture(scope="session")
def project() -> Callable[[str], Project]:
    def load(text: str) -> Project:
        found = load_text(text)
        assert [str(finding) for finding in found.findings if finding.severity == "error"] == []
        return found

    return load


@pytest.fixture(scope="session")
def shop(project: Callable[[str], Project]) -> Project:
    return project(SHOP)
