"""The plan of a project for people: what is read of each source, what is stored, and which metrics each table serves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from metricsctl.core.diagnostics import Diagnostic
from metricsctl.core.serial import plain
from metricsctl.plan.types import Plan, Rollup, SourcePlan, bases
from metricsctl.plan.unfinished import left_out

__all__ = ["PlanReport", "PlannedRollup", "PlannedSource", "shown_plan"]


@dataclass(frozen=True, slots=True)
class PlannedSource:
    """A source: the fields that are read, the zone of naive times, and what tells its rows and their copies apart."""

    name: str
    fields: tuple[str, ...]
    zone: str
    lateness: str
    match: Mapping[str, tuple[str, ...]]
    key: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlannedRollup:
    """A table: of the rows of which relation, by what, which states it keeps, and the metrics that stand on it."""

    table: str
    relation: str
    sources: tuple[str, ...]
    grain: str
    zone: str
    dimensions: tuple[str, ...]
    states: Mapping[str, str]
    metrics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlanReport:
    """Everything that an `ingest` feeds; what cannot be computed yet is in `diagnostics`."""

    name: ClassVar[str] = "ingest-plan"
    version: ClassVar[int] = 1

    sources: tuple[PlannedSource, ...]
    rollups: tuple[PlannedRollup, ...]
    diagnostics: tuple[Diagnostic, ...] = field(default=())

    @property
    def stats(self) -> dict[str, int]:
        """Counts."""
        return {"sources": len(self.sources), "rollups": len(self.rollups)}

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {"sources": plain(self.sources), "rollups": plain(self.rollups)}


def shown_plan(plan: Plan) -> PlanReport:
    """The report of a plan."""
    served: dict[str, set[str]] = {}
    for name, computation in plan.computations.items():
        for base in bases(computation):
            served.setdefault(base.rollup, set()).add(name)
    rollups = {rollup.id: rollup for source in plan.sources for rollup in plan.rollups_of(source)}
    return PlanReport(
        sources=tuple(_source(source) for source in plan.sources.values()),
        rollups=tuple(_rollup(rollup, served.get(rollup.id, set())) for rollup in rollups.values()),
        diagnostics=tuple(map(left_out, plan.skipped.values())),
    )


def _source(source: SourcePlan) -> PlannedSource:
    return PlannedSource(source.name, source.fields, source.zone, str(source.lateness), dict(source.match), source.key)


def _rollup(rollup: Rollup, metrics: set[str]) -> PlannedRollup:
    states = {}
    for measure in rollup.measures:
        filters = "".join(f" where {sql.text}" for sql in measure.filters)
        states[measure.id] = f"{measure.kind} of {measure.expr.text if measure.expr else 'rows'}{filters}"
    grid = rollup.grid
    return PlannedRollup(
        rollup.id, rollup.relation, rollup.sources, str(grid.grain), grid.zone, rollup.dimensions, states, tuple(sorted(metrics))
    )
