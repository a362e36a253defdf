"""The SELECT statements of models: their text, their place, the tables they read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from metricsctl.core.diagnostics import Severity, Span
from metricsctl.core.remembered import remembered
from metricsctl.definition.forms import Bad, Reader
from metricsctl.definition.source import Node, ScalarNode
from metricsctl.definition.sql import SqlSyntaxError, extent, parse_select

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ["STATEMENT", "Statement", "StatementForm"]


def _names_cte(table: exp.Table) -> bool:
    """Whether a table's name means a CTE of a query around it; inside a CTE only those before it count (`WITH t AS (SELECT * FROM t)`)."""
    from sqlglot import exp

    inside: exp.Expr = table
    passed: exp.Expr | None = None
    while (parent := inside.parent) is not None:
        visible: list[exp.Expr] = []
        if isinstance(parent, exp.With):
            passed = parent
            visible = parent.expressions[: next(place for place, cte in enumerate(parent.expressions) if cte is inside)]
        elif isinstance(parent, exp.Query) and (clause := parent.args.get("with_")) is not None and clause is not passed:
            visible = clause.expressions
        if any(cte.alias == table.name for cte in visible):
            return True
        inside = parent
    return False


@remembered
def tables_named(text: str, dialect: str) -> tuple[tuple[str, int, int], ...]:
    """The tables that a statement reads, in the order of the text: (name, start and end offset); its own CTEs are not among them."""
    from sqlglot import exp

    found = [table for table in parse_select(text, dialect).find_all(exp.Table) if table.name and not _names_cte(table)]
    found.sort(key=lambda table: table.this.meta.get("start", 0))
    return tuple((table.name, *(extent(table.this) or (0, len(text)))) for table in found)


@remembered
def columns_named(text: str, dialect: str) -> tuple[str, ...]:
    """The distinct names of all columns that stand in a statement."""
    from sqlglot import exp

    return tuple(sorted({column.name for column in parse_select(text, dialect).find_all(exp.Column)}))


@remembered
def takes_all(text: str, dialect: str) -> bool:
    """Whether a statement has a star in it."""
    from sqlglot import exp

    return parse_select(text, dialect).find(exp.Star) is not None


@remembered
def canonical_select(text: str, dialect: str) -> str:
    """The same text for the same statement, whatever its layout and comments, in its own dialect."""
    return str(parse_select(text, dialect).sql(dialect=dialect, comments=False))


@dataclass(frozen=True, slots=True)
class Statement:
    """The SELECT statement of a model, inline or from a file."""

    text: str
    dialect: str
    node: ScalarNode

    @property
    def span(self) -> Span:
        """Its place."""
        return self.node.span

    @property
    def tree(self) -> exp.Query:
        """Its sqlglot tree; never change it. Raises SqlSyntaxError."""
        return parse_select(self.text, self.dialect)

    def span_of(self, tree: exp.Expr) -> Span:
        """The place of a part of the statement, else of the whole."""
        found = extent(tree)
        return self.span if found is None else self.node.span_of(*found)

    def tables(self) -> list[str]:
        """The sources and models that it reads, in the order of the text; its own CTEs are not among them."""
        return list(dict.fromkeys(name for name, _, _ in tables_named(self.text, self.dialect)))

    def table_spans(self) -> list[tuple[str, Span]]:
        """The same with the place of each mention."""
        return [(name, self.node.span_of(start, end)) for name, start, end in tables_named(self.text, self.dialect)]

    def column_names(self) -> set[str]:
        """The names of all columns that stand in it."""
        return set(columns_named(self.text, self.dialect))

    def has_star(self) -> bool:
        """Whether it takes every column of something."""
        return takes_all(self.text, self.dialect)

    def canonical(self) -> str:
        """The same text for the same tree, whatever its layout and comments, in its own dialect."""
        return canonical_select(self.text, self.dialect)

    def check(self, reader: Reader) -> bool:
        """Whether it parses, as far as the reader wants that known; the fault is noted (M501)."""
        if not reader.parses_sql:
            return True
        try:
            _ = tables_named(self.text, self.dialect)
        except SqlSyntaxError as error:
            reader.note("M501", Severity.ERROR, str(error), self.node.span_of(error.start, min(error.end, len(self.text))))
            return False
        return True

    def to_dict(self) -> str:
        """In reports a statement is its text."""
        return self.text


@dataclass(frozen=True, slots=True)
class StatementForm:
    """A SELECT statement; it is parsed at once where the reader wants that."""

    def read(self, node: Node, reader: Reader) -> Statement:
        """Read, and parse."""
        if not isinstance(node, ScalarNode) or not isinstance(node.value, str) or not node.text.strip():
            raise reader.bad("expected a SELECT statement", node)
        statement = Statement(node.text, reader.dialect, node)
        if not statement.check(reader):
            raise Bad
        return statement

    def write(self, value: Statement) -> str:
        """Its text."""
        return value.text

    def says(self) -> str:
        """What is accepted."""
        return "SELECT statement"

    def json_schema(self) -> dict[str, Any]:
        """Text."""
        return {"type": "string"}


STATEMENT = StatementForm()
