"""The plan's records: plain data and SQL text, nothing of any engine."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from metricsctl.core.diagnostics import Skipped
from metricsctl.core.durations import Duration
from metricsctl.core.errors import NotComputed
from metricsctl.core.timegrid import Grain, TimeGrid

__all__ = [
    "Base",
    "Computation",
    "Finished",
    "Formula",
    "FormulaInput",
    "InputColumn",
    "KeyColumn",
    "Match",
    "Measure",
    "ModelPlan",
    "Plan",
    "Rollup",
    "SessionPlan",
    "SourcePlan",
    "Span",
    "Sql",
    "StateKind",
    "StaticTable",
    "Stock",
    "digest",
]

Match = tuple[tuple[str, tuple[str, ...]], ...]
"""Fields that a row of a mixed stream must have, with the values (as text) that each may have, to be of a source."""

StateKind = Literal["count", "sum", "mean", "min", "max", "first", "last", "distinct", "sketch", "values", "quantiles", "moments", "number"]


def digest(value: Any, length: int = 10) -> str:
    """A short hash of plain data, the same on every machine and in every run."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()[:length]


@dataclass(frozen=True, slots=True)
class Sql:
    """Canonical SQL text, the same whatever the layout and comments it was written with, and the dialect it is in."""

    text: str
    dialect: str


@dataclass(frozen=True, slots=True)
class InputColumn:
    """A column of a source that is read: its name and its declared type."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class KeyColumn:
    """A dimension of a rollup: its name, and its value from the columns of the relation."""

    name: str
    expr: Sql
    types: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Finished:
    """How a number that is stored instead of a state is made: the aggregate, and the kind of state that it comes out of."""

    kind: StateKind
    aggregate: str
    p: float | None = None


@dataclass(frozen=True)
class Measure:
    """A mergeable state: what is kept of the rows of a (window, dimensions).

    count: how many. sum; mean: sum and count. min; max. first; last: the value with its time, at a tie the larger value.
    distinct: the set of 64-bit hashes. sketch: the smallest of them. values: all values. quantiles: all values of a small group, evenly
    spaced ones of a large one. moments: count, mean and the sum of squared deviations. number: no state, but the value that came out of
    one (`of`), which does not merge.
    """

    kind: StateKind
    expr: Sql | None = None
    filters: tuple[Sql, ...] = ()
    types: tuple[tuple[str, str], ...] = ()  # of the columns it reads: another type is another meaning
    of: Finished | None = None

    @property
    def state(self) -> Measure:
        """The state that rows make: of a number the one that it comes out of, else itself."""
        return self if self.of is None else Measure(self.of.kind, self.expr, self.filters, self.types)

    @functools.cached_property
    def id(self) -> str:
        """Its name in the store: the kind and a hash of its meaning."""
        if self.kind == "count" and self.expr is None and not self.filters:
            return "rows"
        meaning: list[Any] = [self.kind, self.expr and self.expr.text, sorted(item.text for item in self.filters), sorted(self.types)]
        meaning += [] if self.of is None else [[self.of.kind, self.of.aggregate, self.of.p]]
        return f"{self.kind}_{digest(meaning)}"


ROWS = Measure("count")


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """A model: its name and its SELECT over sources and models before it."""

    name: str
    sql: Sql


@dataclass(frozen=True, slots=True)
class StaticTable:
    """A table that does not change with time: its file, and the declared types of columns; the others are text."""

    name: str
    path: Path
    columns: tuple[InputColumn, ...]


@dataclass(frozen=True, slots=True)
class SessionPlan:
    """How the rows of a relation are joined to sessions: by entity, until it is quiet for `gap` microseconds.

    `firsts` are the columns of which the value in the first row is kept.
    """

    name: str
    relation: str
    time_column: str
    entity: str
    gap: int
    firsts: tuple[str, ...]
    meaning: str


@dataclass(frozen=True)
class Rollup:
    """States of a relation's rows by window and dimensions; metrics with the same of these share it."""

    relation: str
    sources: tuple[str, ...]
    models: tuple[ModelPlan, ...]
    time_column: str
    keys: tuple[KeyColumn, ...]
    grain: Grain
    zone: str
    measures: tuple[Measure, ...] = field(default=(ROWS,), compare=False)
    meaning: str = ""  # hash of the relation: its SQL, the types and zone of its source, the content of static tables
    statics: tuple[StaticTable, ...] = ()
    session: SessionPlan | None = None  # the relation is made of sessions; `models` are those below them
    entity: tuple[Sql, ...] = ()  # what tells entities apart, whose states are then kept one by one
    final_only: bool = False  # numbers of final windows are stored instead of states

    @functools.cached_property
    def id(self) -> str:
        """Its table's name in the store."""
        zone = "" if self.grain.is_fixed else self.zone
        parts = [
            self.relation,
            self.meaning,
            self.time_column,
            [(key.name, key.expr.text, key.types) for key in self.keys],
            str(self.grain),
            zone,
            *([[sql.text for sql in self.entity]] if self.entity else ()),
            *([f"weeks from {self.grain.week_start}"] if self.grain.week_start else ()),
            *(["numbers"] if self.final_only else ()),
        ]
        return f"{self.relation}_{self.grain}_{digest(parts, 8)}"

    @property
    def grid(self) -> TimeGrid:
        """Its windows."""
        return TimeGrid(self.grain, "UTC" if self.grain.is_fixed else self.zone)

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Names of its dimensions."""
        return tuple(key.name for key in self.keys)


@dataclass(frozen=True, slots=True)
class SourcePlan:
    """How the events of a source are read: times in microseconds, `zone` for event times without an offset.

    `match` tells its rows apart in a mixed stream, `others` are those of the sources that may share its files. Rows with the same `key`,
    not more than `dedup` apart, count once.
    """

    name: str
    columns: tuple[InputColumn, ...]
    time_column: str
    zone: str
    lateness: Duration
    max_ahead: Duration
    min_time: int
    heartbeat: Rollup  # its rows by window, no dimensions: whether it was alive
    secret: frozenset[str] = frozenset()  # fields that hold personal data, also within
    match: Match = ()
    others: tuple[Match, ...] = ()
    key: tuple[str, ...] = ()
    dedup: Duration = field(default_factory=lambda: Duration(0, "s"))
    external: bool = False  # points of a series that lives elsewhere, no events

    @property
    def fields(self) -> tuple[str, ...]:
        """Every field of an event that is looked at: the columns, and what rows of a mixed stream are told apart by."""
        matched = [name for match in (self.match, *self.others) for name, _ in match]
        return tuple(dict.fromkeys([*(column.name for column in self.columns), *matched]))


@dataclass(frozen=True, slots=True)
class Span:
    """How far back a value looks from the end of its window; one of the three is given.

    `trailing`: so long (a hopping window: at windows of `slide` only). `to_date`: to the beginning of the calendar's day, week, month,
    quarter or year. `start`: to this instant (microseconds).
    """

    trailing: Duration | None = None
    slide: Grain | None = None
    to_date: str | None = None
    start: int | None = None
    week_start: int = 0


@dataclass(frozen=True, slots=True)
class Stock:
    """The last (or first) value of each entity in a window, aggregated over the entities; a last one holds for `carry` after its time."""

    take: str
    carry: Duration | None = None


@dataclass(frozen=True, slots=True)
class Base:
    """A simple metric: one aggregate of one measure of one rollup, perhaps over more than its own window, or of a stock."""

    metric: str
    rollup: str
    measure: Measure
    aggregate: str
    p: float | None = None
    span: Span | None = None
    stock: Stock | None = None

    @property
    def of_its_window(self) -> bool:
        """Whether a value is of the rows of its own window alone: else its windows have rows in common, and do not add up."""
        return self.span is None and self.stock is None

    @property
    def additive(self) -> bool:
        """Whether no rows mean 0 rather than nothing."""
        return self.aggregate in {"count", "sum", "count_distinct"}


@dataclass(frozen=True, slots=True)
class FormulaInput:
    """An input of a formula, perhaps of an earlier time."""

    computation: Computation
    offset: Duration | None = None


@dataclass(frozen=True, slots=True)
class Formula:
    """A ratio or a derived metric: an expression over its inputs' values at the asked grain."""

    metric: str
    expr: Sql
    inputs: Mapping[str, FormulaInput]
    on_zero: str


Computation = Base | Formula


def bases(computation: Computation) -> Iterator[Base]:
    """Every simple metric that a computation stands on."""
    if isinstance(computation, Base):
        yield computation
    else:
        for item in computation.inputs.values():
            yield from bases(item.computation)


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything to store and how each metric is had from it; `skipped` are the metrics that cannot be computed yet, with the reason."""

    sources: Mapping[str, SourcePlan]
    rollups: Mapping[str, Rollup]
    computations: Mapping[str, Computation]
    skipped: Mapping[str, Skipped] = field(default_factory=dict)

    def computation(self, name: str) -> Computation:
        """How the metric called `name` is computed; NotComputed if it cannot be yet."""
        if name in self.skipped:
            raise NotComputed.of(self.skipped[name])
        return self.computations[name]

    @property
    def event_sources(self) -> Mapping[str, SourcePlan]:
        """The sources that events are read for: all but the series that live elsewhere."""
        return {name: source for name, source in self.sources.items() if not source.external}

    def is_external(self, computation: Computation) -> bool:
        """Whether a metric is a series that lives elsewhere."""
        return any(self.sources[name].external for name in self.sources_of(computation))

    def is_as_it_is(self, computation: Computation) -> bool:
        """Whether a metric's values do not add up: it can be had in its own windows and by all its dimensions only.

        That is a series of readings, one that keeps no states, and what is computed from such a one.
        """
        if not isinstance(computation, Base):
            return any(self.rollups[base.rollup].final_only for base in bases(computation))
        return self.rollups[computation.rollup].final_only or (computation.aggregate == "last" and self.is_external(computation))

    def is_without_total(self, computation: Computation) -> bool:
        """Whether a metric keeps numbers only, and these by dimensions: they do not add up to a total."""
        return any(rollup.final_only and rollup.keys for rollup in (self.rollups[base.rollup] for base in bases(computation)))

    def metrics_on(self, rollup: str) -> list[str]:
        """The metrics that are computed from a rollup, by name."""
        return sorted(name for name, found in self.computations.items() if any(base.rollup == rollup for base in bases(found)))

    def rollups_of(self, source: str) -> list[Rollup]:
        """The rollups that the events of a source go into, its heartbeat first."""
        heartbeat = self.sources[source].heartbeat
        fed = {rollup.id: rollup for rollup in self.rollups.values() if source in rollup.sources}
        return list(({heartbeat.id: heartbeat} | fed).values())

    def sources_of(self, computation: Computation) -> set[str]:
        """The sources whose events a computation stands on."""
        return {source for base in bases(computation) for source in self.rollups[base.rollup].sources}
