"""One key for all ways of writing the same expression: two texts with one key mean the same, NULLs included.

Only rewrites that hold in three-valued logic: parentheses, the order of AND-ed and OR-ed terms, of the sides of `=` and `+`, of an IN list,
casing of names, the table before a column, comments. sqlglot's own `simplify` is not used: it takes `x = x` for TRUE.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from metricsctl.definition.expression import parse_expression

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ["conjuncts", "expression_key", "folded", "tree_key"]

Fold = Callable[[str], str]


@functools.lru_cache(maxsize=65536)
def expression_key(text: str, dialect: str, names: tuple[tuple[str, str], ...] = ()) -> str:
    """The key of a scalar expression; a column named in `names` stands for what it is given there.

    >>> expression_key("(B = 1) AND a", "duckdb") == expression_key("a AND 1 = b", "duckdb")
    True
    >>> expression_key("a = a", "duckdb") == expression_key("TRUE", "duckdb")
    False
    """
    return tree_key(parse_expression(text, dialect), dialect, dict(names))


@functools.lru_cache(maxsize=65536)
def folded(name: str, dialect: str) -> str:
    """A name as the dialect compares it."""
    from sqlglot import exp
    from sqlglot.dialects.dialect import Dialect

    return Dialect.get_or_raise(dialect).normalize_identifier(exp.to_identifier(name)).name


def tree_key(tree: exp.Expr, dialect: str, names: Mapping[str, str] | None = None) -> str:
    """The key of a tree."""
    return _Keys(dialect, names or {}).of(tree)


def conjuncts(tree: exp.Expr) -> list[exp.Expr]:
    """The terms that a condition joins by AND, without their parentheses."""
    from sqlglot import exp

    while isinstance(tree, exp.Paren):
        tree = tree.this
    if isinstance(tree, exp.And):
        return [*conjuncts(tree.this), *conjuncts(tree.expression)]
    return [tree]


class _Keys:
    def __init__(self, dialect: str, names: Mapping[str, str]) -> None:
        from sqlglot import exp

        self.exp = exp
        self.dialect = dialect
        self.names = names
        self.rules: dict[type, Callable[[Any], str]] = {
            exp.Paren: lambda node: self.of(node.this),
            exp.Alias: lambda node: self.of(node.this),
            exp.Column: self.column,
            exp.Identifier: lambda node: folded(node.name, dialect),
            exp.Literal: self.literal,
            exp.DataType: lambda node: str(node.sql(dialect=dialect)),
            exp.Anonymous: lambda node: self.call(str(node.this).lower(), *map(self.of, node.expressions)),
            exp.And: self.terms,
            exp.Or: self.terms,
            exp.EQ: self.pair,
            exp.NEQ: self.pair,
            exp.NullSafeEQ: self.pair,
            exp.NullSafeNEQ: self.pair,
            exp.Add: self.pair,
            exp.Mul: self.pair,
            exp.GT: lambda node: self.call("lt", self.of(node.expression), self.of(node.this)),
            exp.GTE: lambda node: self.call("lte", self.of(node.expression), self.of(node.this)),
            exp.Not: self.negated,
            exp.Between: self.between,
            exp.In: self.contained,
        }

    def of(self, node: Any) -> str:
        if isinstance(node, list):
            return "[" + " ".join(map(self.of, node)) + "]"
        if not isinstance(node, self.exp.Expr):
            return repr(node)
        rule = self.rules.get(type(node))
        return rule(node) if rule else self.plain(node)

    def call(self, name: str, *parts: str) -> str:
        return f"({name} {' '.join(parts)})"

    def plain(self, node: exp.Expr) -> str:
        said = [f"{name}={self.of(value)}" for name, value in sorted(node.args.items()) if value not in (None, False, [])]
        return self.call(type(node).__name__.lower(), *said)

    def column(self, node: exp.Column) -> str:
        if isinstance(node.this, self.exp.Star):
            return self.plain(node)
        return self.names.get(node.name) or f"column:{folded(node.name, self.dialect)}"

    def literal(self, node: exp.Literal) -> str:
        if node.is_string:
            return repr(node.this)
        text = str(node.this).lower()
        return text.rstrip("0") if "." in text and "e" not in text else text

    def terms(self, node: exp.And | exp.Or) -> str:
        return self.call(type(node).__name__.lower(), *sorted(map(self.of, self.flat(node, type(node)))))

    def flat(self, node: exp.Expr, kind: type) -> list[exp.Expr]:
        while isinstance(node, self.exp.Paren):
            node = node.this
        return [*self.flat(node.this, kind), *self.flat(node.args["expression"], kind)] if isinstance(node, kind) else [node]

    def pair(self, node: exp.Binary) -> str:
        return self.call(type(node).__name__.lower(), *sorted((self.of(node.this), self.of(node.expression))))

    def negated(self, node: exp.Not) -> str:
        inner = node.this
        while isinstance(inner, self.exp.Paren):
            inner = inner.this
        opposite = {self.exp.EQ: "neq", self.exp.NEQ: "eq"}.get(type(inner))
        if opposite is None:
            return self.plain(node)
        return self.call(opposite, *sorted((self.of(inner.this), self.of(inner.args["expression"]))))

    def between(self, node: exp.Between) -> str:
        if node.args.get("symmetric"):
            return self.plain(node)
        value, low, high = (self.of(node.args[name]) for name in ("this", "low", "high"))
        return self.call("and", *sorted((self.call("lte", low, value), self.call("lte", value, high))))

    def contained(self, node: exp.In) -> str:
        values = node.expressions
        if not values or any(node.args.get(name) for name in ("query", "unnest", "field")):
            return self.plain(node)
        keys = sorted(set(map(self.of, values)))
        if len(keys) == 1:
            return self.call("eq", *sorted((self.of(node.this), keys[0])))
        return self.call("in", self.of(node.this), *keys)
