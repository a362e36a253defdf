"""How one thing enters another: the kinds of edges."""

from __future__ import annotations

import enum
from collections.abc import Iterable

__all__ = ["EdgeKind", "combined", "strongest"]


class EdgeKind(enum.StrEnum):
    """The way in which an input makes its output."""

    IDENTITY = "identity"  # taken as it is
    DERIVED = "derived"  # computed row by row
    WINDOW = "window"  # by a window function
    AGGREGATE = "aggregate"  # folded over rows
    FILTER = "filter"  # decides which rows count
    JOIN = "join"  # decides which rows meet
    GROUP = "group"  # decides what is told apart
    TABLE = "table-only"  # known no closer than the table


_VALUE = (EdgeKind.IDENTITY, EdgeKind.DERIVED, EdgeKind.WINDOW, EdgeKind.AGGREGATE)
_ORDER = tuple(EdgeKind)


def combined(outer: EdgeKind, inner: EdgeKind) -> EdgeKind:
    """The kind of an edge that passes through two steps: values by the stronger of them, else whatever is not a value.

    >>> combined(EdgeKind.IDENTITY, EdgeKind.AGGREGATE), combined(EdgeKind.FILTER, EdgeKind.DERIVED)
    (<EdgeKind.AGGREGATE: 'aggregate'>, <EdgeKind.FILTER: 'filter'>)
    """
    if inner not in _VALUE:
        return inner
    return outer if outer not in _VALUE else max(outer, inner, key=_ORDER.index)


def strongest(kinds: Iterable[EdgeKind]) -> EdgeKind:
    """The one kind to show where several edges are drawn as one: values before rows, rows before a mere table."""
    found = set(kinds)
    for kind in (*reversed(_VALUE), EdgeKind.FILTER, EdgeKind.JOIN, EdgeKind.GROUP):
        if kind in found:
            return kind
    return EdgeKind.TABLE
