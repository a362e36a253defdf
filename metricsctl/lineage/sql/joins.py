"""Joins by their meaning: inner joins in any order; a filter before or after a join, where that is the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from metricsctl.lineage.sql.relation import Clause, Part, Relation, Unclear, call

__all__ = ["Joined"]


@dataclass(slots=True)
class Joined:
    """Relations joined one after the other. `inner` are the bases whose rows meet freely, `filters` what is asked of the rows that meet."""

    inner: list[str] = field(default_factory=list)
    filters: dict[str, Part] = field(default_factory=dict)
    clauses: list[Clause] = field(default_factory=list)
    leaves: frozenset[str] = frozenset()

    @property
    def base(self) -> str:
        """The key of the rows that meet, before the filters."""
        return self.inner[0] if len(self.inner) == 1 else call("inner", *sorted(self.inner))

    def add(self, kind: str, other: Relation, on: Mapping[str, Part], text: str = "") -> None:
        """Join another relation: `kind` is inner, left, right, full, semi, anti, or how a lateral is called."""
        self.leaves |= other.leaves | {other.base}
        self.clauses += other.clauses
        if kind == "inner":
            self.inner.append(other.base)
            self.filters |= {**other.filters, **on}
            clause = call("join", kind, other.rows, *sorted(on))
        elif kind in {"left", "semi", "anti", "lateral"}:  # what is asked of the left side may be asked before
            self.inner = [call(kind, self.base, other.rows, *sorted(on))]
            clause = call("join", kind, other.rows, *sorted(on))
        elif kind in {"right", "full"}:
            self.inner = [call(kind, call("rows", self.base, *sorted(self.filters)), other.rows, *sorted(on))]
            clause, self.filters = self.inner[0], {}
        else:
            raise Unclear
        self.clauses.append(Clause("JOIN", clause, text))

    def relation(self, columns: Mapping[str, Part], rest: str) -> Relation:
        """What has been joined, as one relation."""
        return Relation(self.base, columns, self.filters, rest, self.leaves | {self.base}, tuple(self.clauses))

    @staticmethod
    def of(first: Relation) -> Joined:
        """The first relation alone."""
        return Joined([first.base], dict(first.filters), list(first.clauses), first.leaves | {first.base})


def conditions(parts: Iterable[Part]) -> dict[str, Part]:
    """Conditions that must all be true, each once."""
    return {part.key: part for part in parts}
