"""Which models can be folded into a stream of events row by row.

Row-wise are projection, filter, UNION ALL and joins to static tables, also nested in sub-queries and CTEs: each input row gives its
output rows alone, whatever came before it. Everything else needs kept state.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from metricsctl.core.remembered import remembered
from metricsctl.definition.sql import extent, parse_select

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ["obstacle"]

_CLAUSES = {
    "group": "GROUP BY",
    "having": "HAVING",
    "distinct": "DISTINCT",
    "order": "ORDER BY",
    "limit": "LIMIT",
    "offset": "OFFSET",
    "qualify": "QUALIFY",
    "joins": "JOIN",
    "laterals": "LATERAL",
    "sample": "SAMPLE",
    "windows": "WINDOW",
    "pivots": "PIVOT",
}


@remembered
def obstacle(text: str, dialect: str, *static: str) -> tuple[str, int, int] | None:
    """The first construct of a statement that is not row-wise: its name, and the offsets between which it stands in the text.

    `static` are the names of static tables, to which rows may be joined. Raises SqlSyntaxError.
    """
    found = _obstacle(parse_select(text, dialect), static)
    return None if found is None else (found[0], *(extent(found[1]) or (0, len(text))))


def _obstacle(tree: exp.Query, static: Collection[str]) -> tuple[str, exp.Expr] | None:
    from sqlglot import exp

    named: tuple[tuple[type[exp.Expr], str], ...] = (
        (exp.AggFunc, "an aggregate"),
        (exp.Window, "a window function"),
        (exp.UDTF, "a table function"),
        (exp.Unnest, "UNNEST"),
        (exp.Exists, "EXISTS"),
    )
    for part in tree.walk():
        if isinstance(part, exp.SetOperation) and (not isinstance(part, exp.Union) or part.args.get("distinct")):
            return f"{type(part).__name__.upper()} without ALL", part
        if isinstance(part, exp.Select):
            if (table := _table(part.args.get("from_"), static)) is not None:
                return "FROM a static table", table
            for clause, words in _CLAUSES.items():
                found = part.args.get(clause)
                if clause == "joins":
                    found = [join for join in found or () if not _adds_columns(join, static)]
                if found:
                    return words, found[0] if isinstance(found, list) else found
        if isinstance(part, exp.Query) and isinstance(part.parent, exp.Condition) and not isinstance(part.parent, exp.Query):
            return "a sub-query in an expression", part
        if isinstance(part, exp.Table) and isinstance(part.this, exp.Func):
            return "a table function", part
        if isinstance(part, exp.With) and part.args.get("recursive"):
            return "WITH RECURSIVE", part
        for kind, words in named:
            if isinstance(part, kind):
                return words, part
    return None


def _table(clause: exp.Expr | None, static: Collection[str]) -> exp.Table | None:
    """The static table that a FROM or a JOIN names, if it does."""
    from sqlglot import exp

    table = clause.this if clause is not None else None
    return table if isinstance(table, exp.Table) and not table.args.get("db") and table.name in static else None


def _adds_columns(join: exp.Join, static: Collection[str]) -> bool:
    """Whether a join only puts rows of a static table beside each row of what stands before it."""
    return (
        _table(join, static) is not None and not join.method and join.side in {"", "LEFT"} and join.kind in {"", "INNER", "CROSS", "OUTER"}
    )
