"""SQL in the YAML as sqlglot's trees: parsed within limits, walked, its columns found."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import TYPE_CHECKING

from metricsctl.core.remembered import remembered
from metricsctl.definition.words import is_column_name

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = [
    "SqlSyntaxError",
    "canonical_expression",
    "columns_of",
    "columns_read",
    "extent",
    "is_bare",
    "is_reserved",
    "parse_expression",
    "parse_select",
    "walk_tree",
]


class SqlSyntaxError(ValueError):
    """SQL that does not parse; `start` and `end` are offsets into its text."""

    def __init__(self, message: str, start: int, end: int) -> None:
        super().__init__(message)
        self.start = start
        self.end = end


def _offset(text: str, line: int, column: int) -> int:
    lines = text.split("\n")
    return min(sum(len(part) + 1 for part in lines[: line - 1]) + max(column - 1, 0), len(text))


def _failure(error: Exception, text: str) -> SqlSyntaxError:
    found = (getattr(error, "errors", None) or [{}])[0]
    highlight = found.get("highlight") or ""
    end = _offset(text, found.get("line") or 1, found.get("col") or 1)
    start = max(end - len(highlight), 0)
    if highlight and text[start:end] != highlight and highlight in text:
        start = text.index(highlight)
    description = str(found.get("description") or "the SQL does not parse").split("<class")[0].strip().rstrip(".")
    if description.startswith("Required keyword"):
        description = "an operand is missing"
    return SqlSyntaxError(description, start, max(start + max(len(highlight), 1), 1))


@functools.cache
def _forbidden() -> tuple[type, ...]:
    """What a scalar expression must not hold."""
    from sqlglot import exp

    return (exp.Query, exp.AggFunc, exp.Window, exp.Star, exp.Placeholder, exp.Parameter)


def walk_tree(tree: exp.Expr) -> Iterator[exp.Expr]:
    """A tree and all its parts, in no order; a third of the time of sqlglot's own walk, which lint takes for every expression."""
    waiting = [tree]
    while waiting:
        part = waiting.pop()
        yield part
        for value in part.args.values():
            if isinstance(value, list):
                waiting += [item for item in value if hasattr(item, "args")]
            elif hasattr(value, "args"):
                waiting.append(value)


def is_bare(text: str, dialect: str) -> bool:
    """Whether an expression is one column and nothing else, which most are; they need no parser."""
    return dialect == "duckdb" and is_column_name(text)


_MAX_DEPTH = 100
_MAX_CHARACTERS = 50_000


def _check_length(text: str) -> None:
    """Refuse a text that would keep a parser busy for seconds."""
    if len(text) > _MAX_CHARACTERS:
        message = f"SQL of {len(text):,} characters is too long ({_MAX_CHARACTERS:,} are the limit)"
        raise SqlSyntaxError(message, 0, 1)


def _check_depth(tree: exp.Expr, text: str) -> None:
    """Refuse a tree that is too deep for whoever walks it by recursion."""
    level, depth = [tree], 0
    while level:
        depth += 1
        if depth > _MAX_DEPTH:
            message = f"nested too deeply ({_MAX_DEPTH} levels are the limit)"
            raise SqlSyntaxError(message, 0, len(text))
        level = [child for part in level for child in part.iter_expressions()]


@functools.lru_cache(maxsize=65536)
def parse_expression(text: str, dialect: str) -> exp.Expr:
    """The tree of a scalar expression; never change it, copies are cheap. Raises SqlSyntaxError.

    >>> parse_expression("a / b", "duckdb").sql()
    'a / b'
    """
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    if is_bare(text, dialect):
        name = exp.Identifier(this=text, quoted=False)
        name.meta.update({"line": 1, "col": len(text), "start": 0, "end": len(text) - 1})
        return exp.Column(this=name)
    _check_length(text)
    try:
        tree = sqlglot.parse_one(text, dialect=dialect)
    except (SqlglotError, RecursionError) as error:
        raise _failure(error, text) from error
    if isinstance(tree, exp.Query | exp.DDL | exp.DML | exp.Command | exp.Alias) or not isinstance(
        tree, exp.Condition | exp.Literal | exp.Boolean | exp.Null
    ):
        message = f"'{text.strip()}' is not a scalar expression"
        raise SqlSyntaxError(message, 0, len(text))
    _check_depth(tree, text)
    forbidden = next((part for part in walk_tree(tree) if isinstance(part, _forbidden())), None)
    if forbidden is not None:
        message = f"'{text.strip()}' is not a scalar expression: {forbidden.sql(dialect=dialect)} cannot stand in one"
        raise SqlSyntaxError(message, 0, len(text))
    return tree


@functools.lru_cache(maxsize=4096)
def parse_select(text: str, dialect: str) -> exp.Query:
    """The tree of one SELECT statement (or a union of some); never change it. Raises SqlSyntaxError."""
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    _check_length(text)
    try:
        trees = [tree for tree in sqlglot.parse(text, dialect=dialect) if tree is not None]
    except (SqlglotError, RecursionError) as error:
        raise _failure(error, text) from error
    if len(trees) != 1 or not isinstance(trees[0], exp.Query):
        message = "expected one SELECT statement"
        raise SqlSyntaxError(message, 0, len(text))
    _check_depth(trees[0], text)
    return trees[0]


def columns_of(tree: exp.Expr) -> list[tuple[str, str, int, int]]:
    """The columns that a tree reads: (table or "", name, start and end offset of the name in its text)."""
    from sqlglot import exp

    found = []
    for column in walk_tree(tree):
        if not isinstance(column, exp.Column):
            continue
        meta = column.this.meta
        start, end = meta.get("start", 0), meta.get("end", 0) + 1
        found.append((column.table, column.name, start, end))
    return sorted(found, key=lambda item: item[2])


def extent(tree: exp.Expr) -> tuple[int, int] | None:
    """The offsets between which a tree stands in its text; None where the parser does not say."""
    metas = [part.meta for part in tree.walk() if "start" in part.meta]
    return (min(meta["start"] for meta in metas), max(meta["end"] for meta in metas) + 1) if metas else None


@remembered
def columns_read(text: str, dialect: str) -> tuple[tuple[str, str, int, int], ...]:
    """The columns of a scalar expression, as `columns_of` gives them. Raises SqlSyntaxError."""
    if is_bare(text, dialect):
        return (("", text, 0, len(text)),)
    return tuple(columns_of(parse_expression(text, dialect)))


@remembered
def canonical_expression(text: str, dialect: str) -> str:
    """The same text for the same scalar expression, whatever its layout and comments, in its own dialect. Raises SqlSyntaxError."""
    return text if is_bare(text, dialect) else str(parse_expression(text, dialect).sql(dialect=dialect, comments=False))


# duckdb_keywords() where keyword_category = 'reserved', of DuckDB 2.0; it holds all that PostgreSQL reserves
_RESERVED = frozenset(
    """
all analyse analyze and any array as asc asymmetric both case cast check collate column constraint create default deferrable desc
describe distinct do else end except false fetch for foreign from group having in initially intersect into lambda lateral leading
limit not null offset on only or order pivot pivot_longer pivot_wider placing primary qualify references returning select show
some summarize symmetric table then to trailing true union unique unpivot using variadic when where window with
""".split()  # noqa: SIM905 - eighty words, a line each, are no clearer
)


def is_reserved(name: str) -> bool:
    """Whether SQL reads a name as a word of its own, so that it cannot be a column without quotes.

    >>> is_reserved("order"), is_reserved("orders")
    (True, False)
    """
    return name.lower() in _RESERVED
