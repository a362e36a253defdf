"""One key for all ways of writing the same expression: two texts with one key mean the same, NULLs included.

Only rewrites that hold in three-valued logic: parentheses, the order of AND-ed and OR-ed terms, of the sides of `=` and `+`, of an IN list,
casing of names, the table before a column, comments. sqlglot's own `simplify` is not used: it takes `x = x` for TRUE.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from metricsctl.definition.sql import parse_expression
from metricsctl.lineage.sql.relation import Unclear, call

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ["Keys", "conjuncts", "expression_key", "folded", "path_of", "tree_key"]


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
def folded(name: str, dialect: str, quoted: bool = False) -> str:
    """A name as the dialect compares it."""
    from sqlglot import exp
    from sqlglot.dialects.dialect import Dialect

    return Dialect.get_or_raise(dialect).normalize_identifier(exp.to_identifier(name, quoted=quoted or None)).name


def tree_key(tree: exp.Expr, dialect: str, names: Mapping[str, str] | None = None) -> str:
    """The key of a tree, its columns by their names."""
    known = names or {}
    return Keys(dialect, lambda column: known.get(path_of(column)) or f"column:{folded(column.name, dialect, column.this.quoted)}").of(tree)


def path_of(column: exp.Column) -> str:
    """A column's name with all that stands before it, as in "revenue.de"."""
    return ".".join(part.name for part in column.parts)


def conjuncts(tree: exp.Expr) -> list[exp.Expr]:
    """The terms that a condition joins by AND, without their parentheses."""
    from sqlglot import exp

    while isinstance(tree, exp.Paren):
        tree = tree.this
    if isinstance(tree, exp.And):
        return [*conjuncts(tree.this), *conjuncts(tree.expression)]
    return [tree]


_JOINS_TEXTS = {"tsql", "fabric"}  # where `+` joins texts, whose order matters


class Keys:
    """Makes keys. `column` gives the key of a column, `query` that of a sub-query, `rows` is the key of the rows that windows look over."""

    def __init__(
        self,
        dialect: str,
        column: Callable[[exp.Column], str],
        query: Callable[[exp.Query], str] | None = None,
        rows: str = "",
    ) -> None:
        from sqlglot import exp

        self.exp = exp
        self.dialect = dialect
        self.column_key = column
        self.query_key = query
        self.rows = rows
        self.rules: dict[type, Callable[[Any], str]] = {
            exp.Paren: lambda node: self.of(node.this),
            exp.Column: self._column,
            exp.Identifier: lambda node: folded(node.name, dialect, node.quoted),
            exp.Literal: self._literal,
            exp.DataType: lambda node: str(node.sql(dialect=dialect)),
            exp.Anonymous: lambda node: call(str(node.this).lower(), *map(self.of, node.expressions)),
            exp.And: self._terms,
            exp.Or: self._terms,
            exp.EQ: self._pair,
            exp.NEQ: self._pair,
            exp.NullSafeEQ: self._pair,
            exp.NullSafeNEQ: self._pair,
            exp.Add: self._plain if dialect in _JOINS_TEXTS else self._pair,
            exp.Mul: self._pair,
            exp.LT: lambda node: call("lt", self.of(node.this), self.of(node.expression)),
            exp.LTE: lambda node: call("lte", self.of(node.this), self.of(node.expression)),
            exp.GT: lambda node: call("lt", self.of(node.expression), self.of(node.this)),
            exp.GTE: lambda node: call("lte", self.of(node.expression), self.of(node.this)),
            exp.Not: self._negated,
            exp.Between: self._between,
            exp.In: self._contained,
            exp.Count: self._count,
            exp.Case: self._case,
            exp.Window: lambda node: call("over", self.rows, self._plain(node)),
        }

    def of(self, node: Any) -> str:
        """The key of a node, or of a list of some."""
        if isinstance(node, list):
            return "[" + " ".join(map(self.of, node)) + "]"
        if not isinstance(node, self.exp.Expr):
            return repr(node)
        if isinstance(node, self.exp.Query):
            return self._nested(node)
        rule = self.rules.get(type(node))
        return rule(node) if rule else self._plain(node)

    def _nested(self, node: exp.Query) -> str:
        if self.query_key is None:
            raise Unclear
        return self.query_key(node)

    def _plain(self, node: exp.Expr) -> str:
        said = [f"{name}={self.of(value)}" for name, value in sorted(node.args.items()) if value not in (None, False, [])]
        return call(type(node).__name__.lower(), *said)

    def _column(self, node: exp.Column) -> str:
        if isinstance(node.this, self.exp.Star):
            return self._plain(node)
        return self.column_key(node)

    def _literal(self, node: exp.Literal) -> str:
        if node.is_string:
            return repr(node.this)
        text = str(node.this).lower()
        return text.rstrip("0") if "." in text and "e" not in text else text

    def _terms(self, node: exp.And | exp.Or) -> str:
        return call(type(node).__name__.lower(), *sorted(map(self.of, self._flat(node, type(node)))))

    def _flat(self, node: exp.Expr, kind: type) -> list[exp.Expr]:
        while isinstance(node, self.exp.Paren):
            node = node.this
        return [*self._flat(node.this, kind), *self._flat(node.args["expression"], kind)] if isinstance(node, kind) else [node]

    def _pair(self, node: exp.Binary) -> str:
        return call(type(node).__name__.lower(), *sorted((self.of(node.this), self.of(node.expression))))

    def _negated(self, node: exp.Not) -> str:
        inner = node.this
        while isinstance(inner, self.exp.Paren):
            inner = inner.this
        if isinstance(inner, self.exp.Not) and isinstance(inner.this.unnest(), self.exp.Predicate | self.exp.Connector | self.exp.Not):
            return self.of(inner.this)  # only of what is true or false: NOT NOT 5 is no 5
        opposite = {self.exp.EQ: "neq", self.exp.NEQ: "eq"}.get(type(inner))
        if opposite is None:
            return self._plain(node)
        return call(opposite, *sorted((self.of(inner.this), self.of(inner.args["expression"]))))

    def _between(self, node: exp.Between) -> str:
        if node.args.get("symmetric"):
            return self._plain(node)
        value, low, high = (self.of(node.args[name]) for name in ("this", "low", "high"))
        return call("and", *sorted((call("lte", low, value), call("lte", value, high))))

    def _contained(self, node: exp.In) -> str:
        values = node.expressions
        if not values or any(node.args.get(name) for name in ("query", "unnest", "field")):
            return self._plain(node)
        keys = sorted(set(map(self.of, values)))
        if len(keys) == 1:
            return call("eq", *sorted((self.of(node.this), keys[0])))
        return call("in", self.of(node.this), *keys)

    def _count(self, node: exp.Count) -> str:
        """COUNT of what is never NULL counts rows."""
        if isinstance(node.this, self.exp.Star | self.exp.Literal) and not node.expressions:
            return "(count *)"
        return self._plain(node)

    def _case(self, node: exp.Case) -> str:
        """The branches in their order; ELSE NULL says nothing."""
        default = node.args.get("default")
        last = [] if default is None or isinstance(default, self.exp.Null) else [self.of(default)]
        subject = [self.of(node.this)] if node.this is not None else []
        branches = [call("when", self.of(each.this), self.of(each.args["true"])) for each in node.args["ifs"]]
        return call("case", *subject, "of", *branches, *last)
