"""M5: the SQL of models and expressions."""

from __future__ import annotations

from collections.abc import Iterator

from metricsctl.core.names import nearest
from metricsctl.lint.facts import Facts
from metricsctl.lint.registry import Problem, found_by_loader, rule

found_by_loader(
    "M501",
    "sql-syntax",
    """SQL that does not parse in its dialect.

    ## What it does
    Parses every expression, filter and model in the dialect of `defaults: {dialect: ...}` (duckdb), and reports what is no scalar
    expression, or not one SELECT statement.

    ## Why
    SQL that does not parse cannot be run or traced. Aggregates belong in `agg:`, not in `expr:`.

    ## Example
        - {name: revenue, type: simple, source: orders, agg: sum, expr: "amount *"}

    ## Use instead
        - {name: revenue, type: simple, source: orders, agg: sum, expr: "amount * rate"}

    ## References
    - [sqlglot, which reads the SQL](https://github.com/tobymao/sqlglot)
    """,
)


@rule("M503", "unknown-sql-column")
def unknown_sql_column(facts: Facts) -> Iterator[Problem]:
    """A model's SQL uses a column that nothing upstream produces.

    ## What it does
    Follows every column of a model's SELECT to the sources and models that it reads, and reports those which none of them has.

    ## Why
    The statement would fail at the first event, and lineage through it would be wrong.

    ## Example
        sources:
          - {name: payment_log, time: paid_at, columns: [{name: paid_at, type: timestamp}, {name: amount_usd, type: double}]}
        models:
          - {name: paid, sql: "SELECT paid_at, amount FROM payment_log", time: paid_at}

    ## Use instead
        models:
          - {name: paid, sql: "SELECT paid_at, amount_usd AS amount FROM payment_log", time: paid_at}

    ## References
    - [Models](../spec.md)
    """
    if not facts.project.models:
        return
    for found in facts.survey.unknown:
        yield Problem(found.span, f"unknown column '{found.name}' in model '{found.model}'", nearest(found.name, found.candidates))
