"""SQL made from SQL: other dialects, other names, divisions that are safe."""

from __future__ import annotations

from collections.abc import Mapping

from metricsctl.core.remembered import remembered
from metricsctl.definition.sql import parse_expression

__all__ = ["guard_divisions", "quote_dotted", "substitute", "transpile"]


@remembered
def transpile(text: str, source: str, target: str) -> str:
    """SQL from one dialect to another; `/` stays real division, whatever it means in `source`."""
    import sqlglot
    from sqlglot import exp

    tree = sqlglot.parse_one(text, dialect=source)
    for division in tree.find_all(exp.Div):
        division.set("typed", False)
        division.set("safe", False)
    return str(tree.sql(dialect=target))


@remembered
def quote_dotted(text: str, dialect: str) -> str:
    """Canonical text in which a dotted name is one name: `revenue.de / 2` is `"revenue.de" / 2`."""
    from sqlglot import exp

    def joined(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Column) and node.table:
            return exp.column(exp.to_identifier(f"{node.table}.{node.name}", quoted=True))
        return node

    return str(parse_expression(text, dialect).copy().transform(joined).sql(dialect=dialect, comments=False))


@remembered
def guard_divisions(text: str, dialect: str, on_zero: str) -> tuple[str, tuple[str, ...]]:
    """A formula with every division made safe, and the divisors in it, both as DuckDB's SQL.

    A division by zero gives NULL, or 0 where `on_zero` is "zero".
    """
    from sqlglot import exp

    tree = exp.paren(parse_expression(text, dialect).copy(), copy=False)  # a root that can be replaced under
    divisors = []
    for node in reversed(list(tree.find_all(exp.Div))):  # the innermost first, so that what is put around them is whole
        divisor = node.expression
        divisors.append(str(divisor.sql(dialect="duckdb")))
        safe: exp.Expr = exp.Div(
            this=node.this.copy(), expression=exp.func("NULLIF", divisor.copy(), exp.Literal.number(0)), typed=False, safe=False
        )
        if on_zero == "zero":
            is_zero = exp.EQ(this=exp.paren(divisor.copy()), expression=exp.Literal.number(0))
            safe = exp.Case().when(is_zero, "0").else_(safe)
        node.replace(safe)
    return str(tree.this.sql(dialect="duckdb")), tuple(divisors)


def substitute(text: str, dialect: str, columns: Mapping[str, str]) -> str:
    """An expression with its columns replaced by DuckDB SQL, as DuckDB's SQL."""
    import sqlglot
    from sqlglot import exp

    def replaced(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Column) and node.name in columns:
            return sqlglot.parse_one(columns[node.name], dialect="duckdb")
        return node

    return str(parse_expression(text, dialect).copy().transform(replaced).sql(dialect="duckdb"))
