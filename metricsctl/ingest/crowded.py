"""Dimensions that have more values than their `max_values:` allows: a user id where a country was meant fills a store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from metricsctl.core.diagnostics import Diagnostic, Severity
from metricsctl.definition.project import Project
from metricsctl.engine.duckdb.ingest import DuckDbFolder
from metricsctl.plan.types import Rollup

__all__ = ["Crowded"]


@dataclass(slots=True)
class Crowded:
    """The values that a run has seen of each dimension with a bound, no more of them than tell that it is passed."""

    project: Project
    seen: dict[str, set[Any]] = field(default_factory=dict)

    def look(self, folder: DuckDbFolder, rollup: Rollup) -> None:
        """Look at what is pending of a rollup."""
        for name in rollup.dimensions:
            bound = self._bound(name)
            known = self.seen.setdefault(name, set())
            if bound is not None and len(known) <= bound:
                known.update(folder.values(rollup, name, bound + 1))

    def findings(self) -> Iterator[Diagnostic]:
        """A warning for each dimension with more values than it may have."""
        for name, known in sorted(self.seen.items()):
            bound = self._bound(name)
            if bound is not None and len(known) > bound:
                message = f"dimension '{name}' has more than {bound:,} values in these events, its `max_values`"
                hint = "is its expression the right one? if it is, raise `max_values`"
                yield Diagnostic("many-values", Severity.WARNING, message, self.project.dimensions[name].place("max_values"), hint)

    def _bound(self, name: str) -> int | None:
        dimension = self.project.dimensions.get(name)
        return dimension.max_values if dimension else None
