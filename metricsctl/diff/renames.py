"""What is gone under one name and there under another: matched by value before it is called removed and added."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import replace

from metricsctl.definition.project import Project
from metricsctl.definition.schema import Alias
from metricsctl.diff.change import Category, Change
from metricsctl.diff.values import Proof, Values
from metricsctl.lineage.nodes import NodeKind

__all__ = ["Renames"]

_SHOWN = 5  # candidates that are listed


class Renames:
    """Metrics, models and columns that have another name now. One whose value several have is gone; they are listed."""

    def __init__(self, base: Project, head: Project, proof: Proof) -> None:
        self.base = base
        self.head = head
        self.proof = proof

    def gone(self, kind: NodeKind, name: str) -> tuple[Category, str]:
        """The category of a definition that is no longer there, and what is said of it."""
        if kind is NodeKind.MODEL and name in self.models:
            return Category.COSMETIC, f"renamed to {self.models[name]}, which gives the same"
        if kind is NodeKind.METRIC and name in self.metrics:
            return Category.BREAKING, f"renamed to {self.metrics[name]}, without an alias"
        if kind is NodeKind.METRIC:
            same = self._same_metrics(name)
            if same:
                more = f" and {len(same) - _SHOWN} more" if len(same) > _SHOWN else ""
                return Category.BREAKING, f"removed; the same value: {', '.join(same[:_SHOWN])}{more}"
        return Category.BREAKING, "removed"

    def new(self, kind: NodeKind, name: str) -> str | None:
        """What is said of a definition that was not there before; None if no more than that."""
        known = self.metrics if kind is NodeKind.METRIC else self.models if kind is NodeKind.MODEL else {}
        before = next((old for old, new in known.items() if new == name), None)
        return None if before is None else f"the new name of {before}"

    def column(self, change: Change, relation: str, column: str) -> Change:
        """A change of a model's column; one that is made as a single new column is renamed."""
        if change.aspect != "removed":
            return change
        before, after = self.proof.base.relation(relation).columns, self.proof.head.relation(relation).columns
        value = self.proof.base.expression(relation, column)
        same = [name for name, part in after.items() if name not in before and part.key == value]
        if len(same) == 1:
            return replace(change, category=Category.COSMETIC, aspect="renamed", reason=f"column renamed to {same[0]}")
        return replace(change, reason=f"{change.reason}; the same value: {', '.join(sorted(same)[:_SHOWN])}") if same else change

    @functools.cached_property
    def metrics(self) -> Mapping[str, str]:
        """The new names of metrics, by the old."""
        old = _by_value(self.proof.base, [name for name in self.base.all_metrics if name not in self.head.all_metrics])
        if not old:
            return {}
        new = _by_value(self.proof.head, [name for name in self.head.all_metrics if name not in self.base.all_metrics])
        return _matched(old, new)

    def _same_metrics(self, name: str) -> list[str]:
        value = self.proof.base.metric(name)
        return sorted(other for other in self.head.all_metrics if self.proof.head.metric(other) == value)

    @functools.cached_property
    def models(self) -> Mapping[str, str]:
        """The new names of models, by the old."""
        gone = [name for name in self.base.models if name not in self.head.models]
        if not gone:
            return {}
        come = [name for name in self.head.models if name not in self.base.models]
        old: dict[str, list[str]] = {}
        new: dict[str, list[str]] = {}
        for values, names, found in ((self.proof.base, gone, old), (self.proof.head, come, new)):
            for name in names:
                found.setdefault(values.relation(name).key, []).append(name)
        return _matched(old, new)


def _by_value(values: Values, names: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in names:
        if not isinstance(values.project.all_metrics[name], Alias):
            found.setdefault(values.metric(name), []).append(name)
    return found


def _matched(old: Mapping[str, list[str]], new: Mapping[str, list[str]]) -> dict[str, str]:
    """The pairs that only they two are."""
    return {names[0]: new[value][0] for value, names in old.items() if len(names) == 1 and len(new.get(value, ())) == 1}
