"""Which models can be folded into a stream of events row by row.

Row-wise are projection, filter and UNION ALL, also nested in sub-queries and CTEs: each input row gives its output rows alone, whatever
came before it. Everything else needs kept state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

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


def obstacle(tree: exp.Query) -> tuple[str, exp.Expr] | None:
    """The first construct of a statement that is not row-wise: its name, and the part of the tree where it stands."""
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
            for clause, words in _CLAUSES.items():
                if part.args.get(clause):
                    found = part.args[clause]
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
