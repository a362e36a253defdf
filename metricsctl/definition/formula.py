"""Expressions as small trees that say what they compute, for whoever reasons about them without knowing sqlglot."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from metricsctl.definition.sql import parse_expression

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ["Term", "formula"]

_OPERATORS = {
    "add": "+",
    "sub": "-",
    "mul": "*",
    "div": "/",
    "intdiv": "//",
    "mod": "%",
    "eq": "=",
    "neq": "<>",
    "gt": ">",
    "gte": ">=",
    "lt": "<",
    "lte": "<=",
    "and": "and",
    "or": "or",
}


@dataclass(frozen=True, slots=True)
class Term:
    """A part of an expression; equal terms compute the same from the same names, wherever they stand.

    Attributes
    ----------
    kind
        `number`, `text`, `bool`, `null`, `name`; an operator (`+ - * / // % = <> > >= < <= and or not neg`); `in` (the first part in the
        others), `is null`, `between`, `case` (its results, and last a `when` with all conditions), `cast`; `call` (`value` is the
        function's name); else `other`.
    value
        Of a number, text, bool, name (`revenue.de` with its dot), call or other.
    start, end
        The stretch of its names in the expression's text; -1 where it has none.
    """

    kind: str
    value: float | str | bool | None = None
    parts: tuple[Term, ...] = ()
    start: int = field(default=-1, compare=False)
    end: int = field(default=-1, compare=False)

    def walk(self) -> Iterator[Term]:
        """It and all its parts, the whole before its parts."""
        yield self
        for part in self.parts:
            yield from part.walk()

    def names(self) -> list[str]:
        """The distinct names in it, in the order of the tree."""
        return list(dict.fromkeys(str(term.value) for term in self.walk() if term.kind == "name"))

    def terms_of(self, kind: str) -> list[Term]:
        """The terms that an associative operator joins: `a and (b and c)` gives three."""
        if self.kind != kind:
            return [self]
        return [term for part in self.parts for term in part.terms_of(kind)]


@functools.lru_cache(maxsize=65536)
def formula(text: str, dialect: str) -> Term:
    """The tree of an expression that parses; raises SqlSyntaxError for one that does not.

    >>> [term.kind for term in formula("(a + 2) / b", "duckdb").walk()]
    ['/', '+', 'name', 'number', 'name']
    """
    return _term(parse_expression(text, dialect))


def _term(tree: exp.Expr) -> Term:
    key = tree.key
    if key == "paren":
        return _term(tree.this)
    if key == "column":
        return _name(tree)
    if key == "literal":
        return Term("text", str(tree.this)) if tree.args.get("is_string") else Term("number", float(tree.this))
    if key == "boolean":
        return Term("bool", bool(tree.this))
    if key == "null":
        return Term("null")
    return _composed(tree, key)


def _name(tree: exp.Expr) -> Term:
    parts = [part for part in (tree.args.get("table"), tree.this) if part is not None]
    metas = [part.meta for part in parts]
    start = min((meta.get("start", -1) for meta in metas), default=-1)
    end = max((meta.get("end", -2) + 1 for meta in metas), default=-1)
    return Term("name", ".".join(part.name for part in parts), (), start, end)


def _composed(tree: exp.Expr, key: str) -> Term:
    if key in _OPERATORS:
        return _with(_OPERATORS[key], _term(tree.this), _term(tree.args["expression"]))
    if key in {"neg", "not", "cast", "trycast"}:
        return _with("cast" if key == "trycast" else key, _term(tree.this))
    if key == "is" and tree.args["expression"].key == "null":
        return _with("is null", _term(tree.this))
    if key == "in" and tree.args.get("expressions"):
        return _with("in", _term(tree.this), *(_term(item) for item in tree.args["expressions"]))
    if key == "between":
        return _with("between", _term(tree.this), _term(tree.args["low"]), _term(tree.args["high"]))
    if key == "case":
        return _case(tree)
    parts = tuple(_term(item) for item in tree.iter_expressions())
    from sqlglot import exp

    if isinstance(tree, exp.Func):
        name = str(tree.name) if key == "anonymous" else tree.sql_name()
        return _with("call", *parts, value=name.lower())
    return _with("other", *parts, value=str(tree.sql(comments=False)))


def _case(tree: exp.Expr) -> Term:
    branches = tree.args.get("ifs") or ()
    results = [branch.args["true"] for branch in branches]
    asked = [branch.this for branch in branches]
    if tree.this is not None:
        asked.append(tree.this)
    if tree.args.get("default") is not None:
        results.append(tree.args["default"])
    return _with("case", *(_term(item) for item in results), _with("when", *(_term(item) for item in asked)))


def _with(kind: str, *parts: Term, value: str | None = None) -> Term:
    starts = [part.start for part in parts if part.start >= 0]
    ends = [part.end for part in parts if part.end >= 0]
    return Term(kind, value, parts, min(starts, default=-1), max(ends, default=-1))
