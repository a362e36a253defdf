"""M5: what in the SQL keeps lineage from seeing columns, and what makes a number differ from run to run."""

from __future__ import annotations

from collections.abc import Iterator

from metricsctl.core.diagnostics import Edit, Fix, Severity
from metricsctl.definition.expression import Expression
from metricsctl.definition.schema import Model
from metricsctl.definition.statement import Statement
from metricsctl.lint.facts import Facts
from metricsctl.lint.registry import Problem, rule


def _models(facts: Facts) -> Iterator[tuple[Model, Statement]]:
    for model in facts.project.models.values():
        if model.statement is not None:
            yield model, model.statement


@rule("M502", "select-star", severity=Severity.WARNING, fix="safe")
def select_star(facts: Facts) -> Iterator[Problem]:
    """`SELECT *`, behind which lineage cannot see a column.

    ## What it does
    Warns of `*` and `t.*` in the SELECT lists of models; `count(*)` is another matter. Where the columns of the table are known the fix
    writes them out, which changes nothing: a column that is not declared is not there.

    ## Why
    What a model hands on then depends on what its source happens to have: a column added there appears in every table downstream, and an
    unknown table hides all of its columns from lineage and impact.

    ## Example
        models:
          - {name: paid, sql: "SELECT * FROM orders WHERE status = 'paid'", time: paid_at}

    ## Use instead
        models:
          - {name: paid, sql: "SELECT paid_at, amount FROM orders WHERE status = 'paid'", time: paid_at}

    ## References
    - [SQLFluff: ambiguous.column_count (AM04)](https://docs.sqlfluff.com/en/stable/reference/rules.html)
    """
    for model, statement in _models(facts):
        shape = facts.shape(model)
        for star in shape.stars:
            span = statement.node.span_of(star.start, star.end)
            if span.line != span.end_line:
                span = model.name.span
            relation = shape.aliases.get(star.qualifier) if star.qualifier else shape.first if len(shape.aliases) == 1 else None
            columns = facts.columns.get(relation or "") if shape.is_plain and star.is_plain and relation else None
            prefix = f"{star.qualifier}." if star.qualifier else ""
            fix = None
            if columns and span != model.name.span and all(name.isidentifier() for name in columns):
                fix = Fix("write the columns out", (Edit(span, ", ".join(prefix + name for name in columns)),))
            what = f"{prefix}*" if span != model.name.span else model.name.name
            yield Problem(span, f"'{what}' hides the columns of {relation or 'a table'} from lineage", "name the columns", fix)


@rule("M504", "ambiguous-column")
def ambiguous_column(facts: Facts) -> Iterator[Problem]:
    """A column without its table that several joined tables have.

    ## What it does
    Reports unqualified columns of a model's SQL where more than one of the tables that are joined has a column of that name.

    ## Why
    Engines refuse it, or take the one that their planner comes upon first.

    ## Example
        sql: SELECT ts, user_id FROM visits v JOIN users u ON u.user_id = v.user_id

    ## Use instead
        sql: SELECT v.ts, v.user_id FROM visits v JOIN users u ON u.user_id = v.user_id

    ## References
    - [SQLFluff: references.qualification (RF02)](https://docs.sqlfluff.com/en/stable/reference/rules.html)
    """
    for model, statement in _models(facts):
        for use in facts.shape(model).unqualified:
            tables = [table for table in use.tables if use.name in (facts.columns.get(table) or ())]
            if len(tables) > 1:
                span = statement.node.span_of(use.start, use.end)
                yield Problem(span, f"'{use.name}' may be that of {' or '.join(tables)}", f"write {tables[0]}.{use.name}, or the alias")


@rule("M505", "table-lineage-only", severity=Severity.INFO)
def table_lineage_only(facts: Facts) -> Iterator[Problem]:
    """A model through which columns cannot be followed.

    ## What it does
    Says of which models the lineage ends at tables: since a `*` over something unknown hides columns, or since the statement is beyond what
    the reader of SQL can take apart.

    ## Why
    Impact then takes every metric above for touched by every change below: it says too much rather than too little.

    ## Example
        models:
          - {name: wide, sql: "SELECT * FROM read_csv('wide.csv')", time: ts}

    ## Use instead
    Declare the table as a source with its columns, and name the columns.

    ## References
    - [How lineage is read out of SQL](../architecture.md)
    """
    if not facts.project.models:
        return
    for name, tables in sorted(facts.table_only.items()):
        model = facts.project.models[name]
        message = f"lineage through model '{model.name}' is known by tables only ({', '.join(tables) or 'none is known'})"
        yield Problem(model.name.span, message, "name the columns, and declare those of what it reads")


@rule("M506", "fleeting-function", severity=Severity.WARNING)
def fleeting_function(facts: Facts) -> Iterator[Problem]:
    """A function that gives something else each time.

    ## What it does
    Warns of `now()`, `current_date`, `random()`, `uuid()` and their kin in expressions, filters and the SQL of models.

    ## Why
    The number then depends on when it was computed, and never comes out the same again: ingesting the files a second time, or a replay
    after a crash, gives another result than the first time.

    ## Example
        filter: paid_at > now() - INTERVAL 1 DAY

    ## Use instead
    Ask for the period when querying (`--since 1d`), and filter by what the event says of itself.

    ## References
    - [PostgreSQL: function volatility](https://www.postgresql.org/docs/current/xfunc-volatility.html)
    """
    from metricsctl.lineage.sql.shapes import fleeting

    for text in _texts(facts):
        for name, start, end in fleeting(text.text, text.dialect):
            span = text.node.span_of(start, end)
            if span.line == span.end_line:
                yield Problem(span, f"'{name}' gives something else each time it is asked", "compare with what the event says of itself")


def _texts(facts: Facts) -> Iterator[Expression | Statement]:
    """Every SQL text of the project, each once."""
    yield from (statement for _, statement in _models(facts))
    yield from (dimension.expr for dimension in facts.project.dimensions.values() if dimension.expr is not None)
    seen: set[int] = set()
    for metric in facts.project.metrics.values():
        for expression in (*(found for found, _ in facts.expressions(metric)), *metric.variants.values()):
            if id(expression) not in seen:
                seen.add(id(expression))
                yield expression
