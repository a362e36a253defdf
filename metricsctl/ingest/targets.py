"""What the store is fed: the part of the plan that it holds already, or may still begin to hold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from metricsctl.plan.types import ROWS, Measure, Plan, Rollup
from metricsctl.store.head import Head
from metricsctl.store.held import held_measures

__all__ = ["Target", "dropped_measures", "targets"]


@dataclass(frozen=True, slots=True)
class Target:
    """A rollup and those of its measures that are fed; `stored` are all columns of its table, empty for a new one.

    `within`: its rows are those of this rollup, which is fed too, in other words; it need not look at the events itself.
    """

    rollup: Rollup
    measures: tuple[Measure, ...]
    stored: tuple[str, ...]
    within: Rollup | None = None


def targets(plan: Plan, head: Head, fed: Iterable[str]) -> dict[str, list[Target]]:
    """For each source that is about to be fed, the rollups it goes into.

    A rollup that the store does not hold is begun only while none of its sources has events in the store: else its past would be missing
    without a word.
    """
    found: dict[str, list[Target]] = {}
    for source in fed:
        found[source] = []
        for rollup in plan.rollups_of(source):
            table = head.tables.get(rollup.id)
            if table is None:
                if not any(head.sources[name].rows for name in rollup.sources if name in head.sources):
                    found[source].append(Target(rollup, rollup.measures, ()))
                continue
            held = held_measures(table)
            measures = tuple(measure for measure in rollup.measures if measure.id in held)
            if measures:
                found[source].append(Target(rollup, measures, tuple(column.name for column in table.columns)))
        found[source] = _with_heartbeat_within(plan.sources[source].heartbeat, found[source])
    return found


def _with_heartbeat_within(heartbeat: Rollup, fed: list[Target]) -> list[Target]:
    """The targets of a source, whose heartbeat is made of the states of a rollup of the same rows and windows, if there is one."""
    alike = (
        target.rollup
        for target in fed
        if target.rollup.keys
        and target.rollup.relation == heartbeat.relation
        and target.rollup.grid == heartbeat.grid
        and ROWS in target.measures
        and not target.rollup.final_only
    )
    within = next(alike, None)
    return [replace(target, within=within) if target.rollup.id == heartbeat.id else target for target in fed]


def dropped_measures(plan: Plan, head: Head, fed: Iterable[str]) -> dict[str, list[str]]:
    """By table of the fed sources, the measures that no metric uses any longer: they stop growing, and the store must know it."""
    sources = set(fed)
    used = {rollup.id: {measure.id for measure in rollup.measures} for source in plan.sources for rollup in plan.rollups_of(source)}
    dropped = {}
    for name, table in head.tables.items():
        gone = held_measures(table) - used.get(name, set())
        if gone and sources & set(table.meta.get("sources", ())):
            dropped[name] = sorted(gone)
    return dropped
