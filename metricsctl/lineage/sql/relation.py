"""What a query gives, by its meaning: keys that are equal only where the rows and columns are the same, whatever names and nesting say.

A relation is a multiset of rows. `base` is the key of what the rows are before its `filters`, and each column is the key of an expression
over a row of that base. So a query over a query is dissolved into one, and two queries are the same where base, filters and columns are.
"""

from __future__ import annotations

import functools
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ["Clause", "Part", "Relation", "Unclear", "call", "merged", "named", "tagged"]

_LONGEST = 160  # characters of a key, from which on its hash stands for it


class Unclear(Exception):  # noqa: N818 - a verdict, not an error: the query is not understood well enough
    """A query that has no normal form."""


def call(name: str, *parts: str) -> str:
    """The key of an operation on keys.

    >>> call("lt", "column:a", "1")
    '(lt column:a 1)'
    """
    key = f"({name} {' '.join(parts)})"
    return key if len(key) <= _LONGEST else f"({name} #{hashlib.blake2b(key.encode(), digest_size=16).hexdigest()})"


@dataclass(frozen=True, slots=True)
class Part:
    """An expression: its key, and its tree over the columns of the tables, for people; None where nobody will read it."""

    key: str
    tree: exp.Expr | None = field(default=None, compare=False)

    def text(self, dialect: str) -> str:
        """The SQL of the tree."""
        return "" if self.tree is None else str(self.tree.sql(dialect=dialect, comments=False))


@dataclass(frozen=True, slots=True)
class Clause:
    """What made a base: FROM, JOIN, GROUP BY ..., its key, and its SQL for people."""

    name: str
    key: str
    text: str = field(default="", compare=False)


@dataclass(frozen=True)
class Relation:
    """Rows and columns. `rest`, if not empty, is the base that has further columns, which ones is not known.

    `leaves` are the keys of the bases that its columns may speak of; `clauses` is the account of how `base` came to be.
    """

    base: str
    columns: Mapping[str, Part]
    filters: Mapping[str, Part] = field(default_factory=dict)
    rest: str = ""
    leaves: frozenset[str] = frozenset()
    clauses: tuple[Clause, ...] = ()

    @functools.cached_property
    def rows(self) -> str:
        """The key of its rows, columns apart."""
        return call("rows", self.base, *sorted(self.filters))

    @functools.cached_property
    def key(self) -> str:
        """The key of all that it gives, names of columns included."""
        columns = (f"{name}={part.key}" for name, part in sorted(self.columns.items()))
        return call("relation", self.rows, *columns, self.rest)

    def column(self, name: str) -> Part | None:
        """A column by its folded name; one of the rest where it is not known."""
        found = self.columns.get(name)
        if found is None and self.rest:
            return named(call("of", self.rest, name), name)
        return found

    def made(self, base: str, clauses: Iterable[Clause], filters: Mapping[str, Part] | None = None) -> Relation:
        """The same columns over other rows, made of these."""
        return replace(self, base=base, filters=filters or {}, leaves=self.leaves | {base}, clauses=(*self.clauses, *clauses))


def named(key: str, name: str) -> Part:
    """A column as it is called."""
    from sqlglot import exp

    return Part(key, exp.column(name))


def merged(branches: Sequence[Relation]) -> Relation:
    """One relation of the parts of a UNION ALL, whose columns meet by position and have the names of the first."""
    if len(branches) == 1:
        return branches[0]
    if any(branch.rest for branch in branches) or len({len(branch.columns) for branch in branches}) > 1:
        raise Unclear
    parts = sorted(branches, key=lambda branch: (branch.rows, *(part.key for part in branch.columns.values())))
    identity = [branch.rows for branch in parts]
    if max(Counter(identity).values()) > 1:  # which of several like parts a row is of cannot be told by its rows
        identity = [call("part", branch.rows, *(part.key for part in branch.columns.values())) for branch in parts]
    base = call("union", *identity)
    values = [[part.key for part in branch.columns.values()] for branch in parts]
    columns = {
        name: named(call("each", *(f"{which}:{row[place]}" for which, row in zip(identity, values, strict=True))), name)
        for place, name in enumerate(branches[0].columns)
    }
    leaves = frozenset({base}).union(*(branch.leaves for branch in branches))
    clauses = tuple(clause for branch in parts for clause in (*branch.clauses, *_filters(branch)))
    return Relation(base, columns, leaves=leaves, clauses=(*clauses, Clause("UNION", base, f"{len(parts)} parts")))


def _filters(relation: Relation) -> list[Clause]:
    return [Clause("WHERE", key, part.text("")) for key, part in relation.filters.items()]


def tagged(relation: Relation, tag: str) -> Relation:
    """The same with every key under a tag, so that two mentions of one table stay two."""

    def under(part: Part) -> Part:
        return Part(call("at", tag, part.key), part.tree)

    filters = {found.key: found for found in map(under, relation.filters.values())}
    columns = {name: under(part) for name, part in relation.columns.items()}
    rest = call("at", tag, relation.rest) if relation.rest else ""
    leaves = frozenset(call("at", tag, leaf) for leaf in relation.leaves)
    return replace(relation, base=call("at", tag, relation.base), columns=columns, filters=filters, rest=rest, leaves=leaves)
