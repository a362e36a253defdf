"""Scalar SQL expressions in the YAML: their text, their place, the columns they read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from metricsctl.core.diagnostics import Severity, Span
from metricsctl.definition.forms import Bad, Reader
from metricsctl.definition.source import Node, ScalarNode
from metricsctl.definition.sql import SqlSyntaxError, canonical_expression, columns_read, parse_expression

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ["EXPRESSION", "ColumnUse", "Expression", "ExpressionForm"]


@dataclass(frozen=True, slots=True)
class ColumnUse:
    """A column that an expression reads, and where."""

    name: str
    table: str
    span: Span

    @property
    def path(self) -> str:
        """Its name with what stands before the dot: `first.country` of a session, `revenue.de` of a variant."""
        return f"{self.table}.{self.name}" if self.table else self.name


@dataclass(frozen=True, slots=True)
class Expression:
    """A scalar SQL expression as written in the YAML."""

    text: str
    dialect: str
    node: ScalarNode

    @property
    def span(self) -> Span:
        """Its place."""
        return self.node.span

    @property
    def tree(self) -> exp.Expr:
        """Its sqlglot tree; never change it."""
        return parse_expression(self.text, self.dialect)

    def columns(self) -> list[ColumnUse]:
        """The columns it reads, in the order of the text, each with its place."""
        return [ColumnUse(name, table, self.node.span_of(start, end)) for table, name, start, end in columns_read(self.text, self.dialect)]

    def names(self) -> list[str]:
        """The distinct names of the columns it reads, in the order of the text."""
        return list(dict.fromkeys(name for _, name, _, _ in columns_read(self.text, self.dialect)))

    def canonical(self) -> str:
        """The same text for the same tree, whatever its layout and comments, in its own dialect."""
        return canonical_expression(self.text, self.dialect)

    def to_dict(self) -> str:
        """In reports an expression is its text."""
        return self.text


@dataclass(frozen=True, slots=True)
class ExpressionForm:
    """A scalar SQL expression; it is parsed at once where the reader wants that, so that a fault is found where it stands."""

    def read(self, node: Node, reader: Reader) -> Expression:
        """Read, and parse."""
        if not isinstance(node, ScalarNode) or node.value is None:
            raise reader.bad("expected an SQL expression", node)
        expression = Expression(node.text, reader.dialect, node)
        if not reader.parses_sql:
            return expression
        try:
            _ = columns_read(node.text, reader.dialect)
        except SqlSyntaxError as error:
            reader.note("M501", Severity.ERROR, str(error), node.span_of(error.start, min(error.end, len(node.text)) or 1))
            raise Bad from error
        return expression

    def write(self, value: Expression) -> str:
        """Its text."""
        return value.text

    def says(self) -> str:
        """What is accepted."""
        return "SQL expression"

    def json_schema(self) -> dict[str, Any]:
        """Text, or a bare literal."""
        return {"type": ["string", "number", "boolean"]}


EXPRESSION = ExpressionForm()
