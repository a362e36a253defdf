"""The faults of a drill, and what of a project each can strike."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from metricsctl.core.durations import US
from metricsctl.engine.duckdb.planted import Disturbance, largest_values
from metricsctl.lineage.graph import LineageGraph
from metricsctl.plan.types import Base, Plan, Rollup
from metricsctl.store.reader import StoreReader

__all__ = ["FAULTS", "Fault", "Planting", "Scene"]

_HOUR = US["h"]
_DAY = 24 * _HOUR
_NUMBERS = ("double", "float", "decimal", "numeric", "integer", "int", "bigint", "smallint", "real")
_VALUED = frozenset({"sum", "mean", "min", "max", "first", "last", "values", "quantiles", "moments"})
_MOST_VALUES = 20  # of a dimension whose segment may fail
_SILENCE = 6 * _HOUR


@dataclass(frozen=True)
class Scene:
    """What is known of a project and its store when a fault is thought out."""

    plan: Plan
    graph: LineageGraph
    store: StoreReader

    def rollups(self, source: str) -> list[Rollup]:
        """The stored tables that the events of a source go into."""
        return [rollup for rollup in self.plan.rollups_of(source) if self.store.head.tables.get(rollup.id) is not None]

    def fed_by(self, column: str) -> list[Base]:
        """The simple metrics that a column (`source.column`) goes into."""
        reached = self.graph.downstream(f"column:{column}") if f"column:{column}" in self.graph.nodes else frozenset()
        found = (self.plan.computations.get(node.removeprefix("metric:")) for node in sorted(reached) if node.startswith("metric:"))
        return [base for base in found if isinstance(base, Base)]


@dataclass(frozen=True, slots=True)
class Planting:
    """A fault thought out: the source, in words what is done to it, the segment at fault (empty: all of it), and the nodes at fault."""

    source: str
    what: str
    disturbance: Disturbance
    nodes: frozenset[str]
    segment: tuple[tuple[str, str], ...] = ()

    def hits(self, base: Base, plan: Plan) -> bool:
        """Whether a simple metric is made of states that it disturbs."""
        touched = self.disturbance.touched
        return self.source in plan.rollups[base.rollup].sources and (touched is None or (base.rollup, base.measure.id) in touched)


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind of fault; `plan` thinks it out for a source from a time on, or says why that cannot be."""

    name: str
    purpose: str
    plan: Callable[[Scene, str, int], Planting | str]


def _lost_segment(scene: Scene, source: str, since: int) -> Planting | str:
    """30 % of the largest segment of the dimension with the fewest values."""
    found: list[tuple[int, str, list[tuple[str, int]]]] = []
    for rollup in scene.rollups(source):
        files = scene.store.files(rollup.id)
        for name in rollup.dimensions if files and rollup.relation == source else ():
            values = largest_values(files, name)
            if 2 <= len(values) <= _MOST_VALUES:
                found.append((len(values), name, values))
    if not found:
        return f"no metric stands on it by a dimension with 2 to {_MOST_VALUES} values"
    _, name, values = min(found, key=lambda item: (item[0], item[1]))
    value, rows = values[0]
    weight = rows / sum(count for _, count in values)
    disturbance = Disturbance(since, since + _DAY, events=0.7, dimension=name, value=value, weight=weight)
    return Planting(source, f"30 % of {name}={value} lost", disturbance, frozenset({f"source:{source}"}), ((name, value),))


def _of_column(scene: Scene, source: str, column: str, bases: Sequence[Base], what: str, disturbance: Disturbance) -> Planting:
    """A fault of one column: at fault are the source, and what is made of the column."""
    nodes = {f"source:{source}", f"column:{source}.{column}", *(f"metric:{base.metric}" for base in bases)}
    nodes |= {f"model:{scene.plan.rollups[base.rollup].relation}" for base in bases}
    touched = frozenset((base.rollup, base.measure.id) for base in bases)
    return Planting(source, what, dataclasses.replace(disturbance, touched=touched), frozenset(nodes))


def _unit(scene: Scene, source: str, since: int) -> Planting | str:
    """The first column of numbers that values are made of, times a hundred."""
    for column in scene.plan.sources[source].columns:
        bases = [base for base in scene.fed_by(f"{source}.{column.name}") if base.measure.kind in _VALUED]
        if bases and column.type.lower().split("(")[0] in _NUMBERS:
            disturbance = Disturbance(since, since + _DAY, values=100.0)
            return _of_column(scene, source, column.name, bases, f"{column.name} times 100", disturbance)
    return "no column of numbers that is added up or averaged"


def _duplicates(scene: Scene, source: str, since: int) -> Planting | str:  # noqa: ARG001 - a fault's signature
    return Planting(source, "one hour of events twice", Disturbance(since, since + _HOUR, events=2.0), frozenset({f"source:{source}"}))


def _late(scene: Scene, source: str, since: int) -> Planting | str:  # noqa: ARG001 - a fault's signature
    return Planting(source, "no events for 6 hours", Disturbance(since, since + _SILENCE, events=0.0), frozenset({f"source:{source}"}))


def _nulls(scene: Scene, source: str, since: int) -> Planting | str:
    """The column that most metrics are made of, null; not one that events are told apart by."""
    own = scene.plan.sources[source]
    dimensions = {name for rollup in scene.rollups(source) for name in rollup.dimensions}
    columns = [column.name for column in own.columns if column.name != own.time_column and column.name not in dimensions]
    fed = {name: scene.fed_by(f"{source}.{name}") for name in columns}
    if not any(fed.values()):
        return "no metric is made of a column of it"
    name = max(columns, key=lambda column: len(fed[column]))
    return _of_column(scene, source, name, fed[name], f"{name} is null", Disturbance(since, since + _DAY, events=0.0))


FAULTS = {
    fault.name: fault
    for fault in (
        Fault("lost-segment", "30 % of the events of one segment are lost for a day", _lost_segment),
        Fault("unit", "a column of numbers is a hundred times as large for a day: cents for dollars", _unit),
        Fault("duplicates", "the events of one hour come twice", _duplicates),
        Fault("late-source", "a source is silent for six hours", _late),
        Fault("null-column", "a column that numbers are made of is null for a day", _nulls),
    )
}
"""The faults by name, in the order in which they are planted."""
