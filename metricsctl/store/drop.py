"""Dropping what the store holds: rollups by name, the states of metrics, or all that no metric uses."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from metricsctl.core.diagnostics import Diagnostic
from metricsctl.core.errors import UnknownName, UsageError
from metricsctl.core.serial import plain
from metricsctl.plan.types import Plan, bases
from metricsctl.store import delta
from metricsctl.store.generation import table_folder
from metricsctl.store.head import TableState
from metricsctl.store.maintain import drop_states
from metricsctl.store.reader import StoreReader

__all__ = ["DropReport", "Dropped", "drop"]

REVISIONS = "revisions"  # what stands for the measures of a table that has none


@dataclass(frozen=True, slots=True)
class Dropped:
    """States of a rollup: all of them (`whole`) or those of some measures; `states` and `bytes` are those of its table before."""

    rollup: str
    whole: bool
    measures: tuple[str, ...]
    states: int
    bytes: int


@dataclass(frozen=True, slots=True)
class DropReport:
    """What was dropped (`done`) or would be, and the metrics that had their values from it."""

    name: ClassVar[str] = "store-drop"
    version: ClassVar[int] = 1

    path: str
    rollups: tuple[Dropped, ...]
    metrics: tuple[str, ...]
    done: bool

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """None."""
        return ()

    @property
    def stats(self) -> dict[str, int]:
        """Counts."""
        return {"rollups": len(self.rollups), "metrics": len(self.metrics)}

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {"path": self.path, "rollups": plain(self.rollups), "metrics": list(self.metrics), "done": self.done}

    @property
    def summary(self) -> str:
        """In one sentence."""
        parts = [f"{item.rollup} ({item.states:,} states)" for item in self.rollups if item.whole]
        parts += [f"{', '.join(item.measures)} of {item.rollup}" for item in self.rollups if not item.whole]
        return ("; ".join(parts) or "nothing") + (f", used by {', '.join(self.metrics)}" if self.metrics else ", used by no metric")


def drop(plan: Plan, path: str | os.PathLike[str], names: Sequence[str], *, unused: bool = False, yes: bool = False) -> DropReport:
    """Drop rollups and the states of metrics by name; with `unused` all that no metric of the plan uses. Without `yes` nothing happens.

    What was dropped is had back by a rebuild only.

    Raises
    ------
    UnknownName
        Neither a rollup of the store nor a metric.
    UsageError
        There is no store, nothing is named, other metrics stand on the same states, or the rollup tells whether a source was alive.
    StoreError
        Another process writes, the store has diverged, or the disk refuses: then nothing is dropped.
    """
    reader = StoreReader.open(path)
    if not names and not unused:
        raise UsageError("nothing is named", hint="name rollups (see `metricsctl store info`) or metrics, or say --unused")
    wanted = {name: set(measures) for name, measures in _unused(plan, reader).items()} if unused else {}
    for rollup, measure in (item for name in names for item in _states_of(plan, reader, name)):
        wanted.setdefault(rollup, set()).add(measure)
    _check(plan, reader, names, wanted)
    found = tuple(_dropped(reader, rollup, measures) for rollup, measures in sorted(wanted.items()))
    report = DropReport(str(reader.path), found, _users(plan, wanted), done=False)
    if not yes or not found:
        return report
    drop_states(path, {item.rollup: item.measures for item in found})
    return replace(report, done=True)


def _states_of(plan: Plan, reader: StoreReader, name: str) -> list[tuple[str, str]]:
    """The measures that a name means, each with its rollup; those that the store does not hold are left out."""
    table = reader.head.tables.get(name)
    if table is not None:
        return [(name, measure) for measure in _held(table)]
    if name in plan.computations and plan.is_external(plan.computations[name]):
        return [(other, measure) for other, table in _series_tables(plan, reader, name) for measure in _held(table)]
    if name not in plan.computations:
        raise UnknownName.of("rollup or metric", name, [*reader.head.tables, *plan.computations])
    found = dict.fromkeys((base.rollup, base.measure.id) for base in bases(plan.computations[name]))
    held = {rollup: _held(table) for rollup, table in reader.head.tables.items()}
    return [(rollup, measure) for rollup, measure in found if measure in held.get(rollup, ())]


def _series_tables(plan: Plan, reader: StoreReader, name: str) -> list[tuple[str, TableState]]:
    """All tables of a series: its states, its revisions, its heartbeat."""
    sources = plan.sources_of(plan.computations[name])
    return [(other, table) for other, table in reader.head.tables.items() if sources.intersection(table.meta["sources"])]


def _unused(plan: Plan, reader: StoreReader) -> dict[str, list[str]]:
    used = {(base.rollup, base.measure.id) for computation in plan.computations.values() for base in bases(computation)}
    kept = {source.heartbeat.id for source in plan.sources.values()}
    found = {}
    for name, table in reader.head.tables.items():
        own = [measure for measure in _held(table) if (name, measure) not in used]
        # the count of rows costs little, and every table has it
        if table.meta.get("revisions_of") in plan.rollups:
            continue
        if name not in kept and (name not in plan.rollups or set(own) - {"rows"}):
            found[name] = _held(table) if name not in plan.rollups else [measure for measure in own if measure != "rows"]
    return found


def _held(table: TableState) -> list[str]:
    """The measures of a table; revisions of a series have none, but are dropped as a whole all the same."""
    return list(table.meta.get("measures", [REVISIONS]))


def _users(plan: Plan, wanted: dict[str, set[str]]) -> tuple[str, ...]:
    """The metrics that are computed from some measures."""
    return tuple(
        sorted(
            name
            for name, computation in plan.computations.items()
            if any(base.measure.id in wanted.get(base.rollup, ()) for base in bases(computation))
        )
    )


def _check(plan: Plan, reader: StoreReader, names: Sequence[str], wanted: dict[str, set[str]]) -> None:
    """UsageError where something that stays would lose what it stands on."""
    alive = {source.heartbeat.id: source.name for source in plan.event_sources.values()}
    for rollup, measures in wanted.items():
        if "rows" in measures and rollup in alive:
            message = f"'{rollup}' tells whether source '{alive[rollup]}' was alive: every metric of it needs that"
            raise UsageError(message, hint="name other rollups")
        if "rows" in measures and not measures.issuperset(_held(reader.head.tables[rollup])):
            raise UsageError(f"the count of rows is part of '{rollup}' and goes with it only", hint=f"name {rollup} as a whole")
    whole = {name for name in names if name not in plan.computations}
    metrics = [name for name in names if name in plan.computations]
    others = [
        name
        for name in _users(plan, {rollup: measures for rollup, measures in wanted.items() if rollup not in whole})
        if name not in metrics
    ]
    if metrics and others:
        shown = ", ".join(others[:5]) + (" and others" if len(others) > 5 else "")
        raise UsageError(f"{shown} stand on the same states as {', '.join(metrics)}", hint="name them too, or keep the states")


def _dropped(reader: StoreReader, rollup: str, measures: set[str]) -> Dropped:
    table = reader.head.tables[rollup]
    folder = table_folder(reader.path / reader.head.generation, rollup)
    files = [] if table.version is None else delta.snapshot(folder, table.version)
    held = _held(table)
    mine = tuple(measure for measure in held if measure in measures)
    return Dropped(rollup, len(mine) == len(held), mine, sum(file.rows for file in files), sum(file.bytes for file in files))
