"""The numbers that are explained: leaves by cell and window, read from the store."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from metricsctl.core.durations import US, Duration
from metricsctl.core.timegrid import Grain, TimeGrid, shift
from metricsctl.detect.grid import Grid, wall_clock
from metricsctl.engine.duckdb.read import StateReader
from metricsctl.explain.algebra import Leaf
from metricsctl.plan.types import ROWS, Base, Computation, Plan, Rollup, bases
from metricsctl.query.block import Block
from metricsctl.query.compute import Computer
from metricsctl.query.fetch import Fetcher, Period
from metricsctl.store.reader import StoreReader

__all__ = ["Axis", "Panel", "PanelReader", "condition"]

FloatArray = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Key = tuple[str | None, ...]
_MANY_ROWS = 1e12  # of a series that lives elsewhere, whose rows are not known: no doubt comes from their number
_HISTORY, _LEAST = 75 * US["d"], 130  # what is learned from: eight weeks and some, and at least so many windows


@dataclass(frozen=True)
class Axis:
    """All windows of a grain between two times, with or without data, and their places on the wall clock."""

    times: npt.NDArray[np.int64]
    grain: Grain
    zone: str

    @functools.cached_property
    def grid(self) -> Grid:
        """The same for detectors."""
        return Grid.of(self.times, wall_clock(self.times, self.grain, self.zone), self.grain.microseconds)

    @property
    def windows(self) -> TimeGrid:
        """The windows that they are of."""
        return TimeGrid(self.grain, self.zone)

    def __len__(self) -> int:
        return len(self.times)

    def between(self, since: int, until: int) -> npt.NDArray[np.bool_]:
        """Which windows start in [since, until)."""
        inside: npt.NDArray[np.bool_] = (self.times >= since) & (self.times < until)
        return inside

    def earlier(self, offset: Duration) -> npt.NDArray[np.int64]:
        """For each window the place of the one an offset earlier, -1 where there is none."""
        wanted = np.array([shift(int(time), offset, self.zone, sign=-1) for time in self.times], dtype=np.int64)
        places = np.searchsorted(self.times, wanted)
        found = places < len(self.times)
        hit = found & (self.times[np.where(found, places, 0)] == wanted)
        return np.where(hit, places, -1)


@dataclass(frozen=True)
class Panel:
    """Values by cell and window: NaN where there is none, 0 where a total had no rows although its source was alive."""

    keys: tuple[Key, ...]
    values: FloatArray
    counts: FloatArray


@dataclass
class PanelReader:
    """Reads panels of one store at one moment; all of them are restricted to the segment `key`, the sums of rows where that is possible."""

    plan: Plan
    store: StoreReader
    states: StateReader
    key: Mapping[str, str | None] = field(default_factory=dict)
    _cells: dict[tuple[str, tuple[str, ...]], int] = field(default_factory=dict)
    _fetchers: dict[tuple[str, str, tuple[str, ...], str | None], Fetcher] = field(default_factory=dict)
    _over: dict[tuple[frozenset[str], int, int, str, str], tuple[Mask, Mask]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Heartbeats count as rollups here."""
        beats = {source.heartbeat.id: source.heartbeat for source in self.plan.sources.values()}
        self.plan = replace(self.plan, rollups={**beats, **self.plan.rollups})

    def fetcher(self, grain: Grain, zone: str, by: tuple[str, ...] = (), *, everywhere: bool = False) -> Fetcher:
        """The fetcher of a grain, a zone and a split; each keeps what it has read. `everywhere`: not of the segment alone."""
        where = None if everywhere else condition(self.key)
        place = (str(grain), zone, by, where)
        if place not in self._fetchers:
            self._fetchers[place] = Fetcher(self.plan, self.store, self.states, TimeGrid(grain, zone), by, where)
        return self._fetchers[place]

    def grain_of(self, computation: Computation) -> Grain:
        """The coarsest grain that a metric is stored in."""
        return max((self.plan.rollups[base.rollup].grain for base in bases(computation)), key=lambda grain: grain.microseconds)

    def cells(self, rollup: str, dimensions: tuple[str, ...]) -> int:
        """How many combinations of values some dimensions of a rollup have."""
        place = (rollup, dimensions)
        if place not in self._cells:
            self._cells[place] = self.states.cells(self.store.files(rollup), dimensions)
        return self._cells[place]

    def has_segment(self, base: Base) -> bool:
        """Whether a simple metric is stored by the dimensions of the segment."""
        return set(self.key) <= set(self.plan.rollups[base.rollup].dimensions)

    def span(self, computation: Computation, grain: Grain, zone: str) -> tuple[int, int] | None:
        """The first and the last window with data of a metric's sources; None if there are none."""
        fetcher = self.fetcher(grain, zone, everywhere=True)
        windows: list[int] = []
        for base in bases(computation):
            rollup = self.plan.rollups[base.rollup]
            for source in rollup.sources:
                beat = self.plan.sources[source].heartbeat
                if beat.id in self.store.head.tables:
                    windows += self.states.windows(self.store.files(beat.id), None, None)
        return (fetcher.grid.floor(min(windows)), fetcher.grid.floor(max(windows))) if windows else None

    def latest(self, grain: Grain, zone: str) -> int | None:
        """The last window with data of any source."""
        fetcher = self.fetcher(grain, zone, everywhere=True)
        beats = [source.heartbeat.id for source in self.plan.sources.values() if source.heartbeat.id in self.store.head.tables]
        windows = [window for beat in beats for window in self.states.windows(self.store.files(beat), None, None)]
        return fetcher.grid.floor(max(windows)) if windows else None

    def axis(self, span: tuple[int, int], grain: Grain, zone: str, onset: int, end: int, offset: int = 0) -> Axis:
        """The windows up to `end` that matter for an episode that begins at `onset`, `offset` microseconds more before it."""
        length = max(_HISTORY, _LEAST * grain.microseconds) + offset
        first, last = max(span[0], onset - length), max(span[0], min(span[1], end - 1))
        return Axis(np.array(list(TimeGrid(grain, zone).starts(first, last)), dtype=np.int64), grain, zone)

    def over(self, computation: Computation, axis: Axis) -> tuple[Mask, Mask]:
        """Which windows are over for all sources of a metric, and in which any of them was alive."""
        fetcher = self.fetcher(axis.grain, axis.zone, everywhere=True)
        rollups = {base.rollup: self.plan.rollups[base.rollup] for base in bases(computation)}.values()
        place = (frozenset(base.rollup for base in bases(computation)), int(axis.times[0]), len(axis), str(axis.grain), axis.zone)
        if place not in self._over:
            over = np.logical_and.reduce([fetcher.over(rollup, axis.times) for rollup in rollups])
            alive = np.logical_or.reduce([fetcher.alive(rollup, axis.times) for rollup in rollups])
            self._over[place] = (over, alive)
        return self._over[place]

    def prefetch(self, wanted: Iterable[Base], axis: Axis) -> None:
        """Read simple metrics on all windows of an axis, those of the same states in one scan."""
        self.fetcher(axis.grain, axis.zone).prefetch((base, self._period(axis)) for base in wanted)

    def metric(self, computation: Computation, axis: Axis) -> Panel:
        """A metric as `query` computes it, on all windows of an axis."""
        fetcher = self.fetcher(axis.grain, axis.zone)
        block = Computer(fetcher).block(computation, self._period(axis))
        return self._panel(block, axis, isinstance(computation, Base) and computation.additive, computation)

    def leaf(self, leaf: Leaf, axis: Axis, by: tuple[str, ...] = ()) -> Panel:
        """A leaf without its offset, by cell."""
        block = self.fetcher(axis.grain, axis.zone, by).block(leaf.base, self._period(axis))
        if leaf.part == "value":
            return self._panel(block, axis, leaf.base.additive, leaf.base)
        found = self._panel(block, axis, False, leaf.base)
        known = np.isfinite(found.values)
        counts = np.where(known, found.counts, 0.0)
        weighted = counts if leaf.part == "rows" else np.where(known, found.values, 0.0) * counts
        return Panel(found.keys, weighted, counts)

    def rows(self, rollup: Rollup, axis: Axis) -> Panel:
        """How many rows a source or a model had."""
        base = Base(f"rows of {rollup.relation}", rollup.id, ROWS, "count")
        fetcher = self.fetcher(axis.grain, axis.zone, everywhere=not set(self.key) <= set(rollup.dimensions))
        return self._panel(fetcher.block(base, self._period(axis)), axis, True, base)

    def _period(self, axis: Axis) -> Period:
        return Period(int(axis.times[0]), TimeGrid(axis.grain, axis.zone).next(int(axis.times[-1])))

    def _panel(self, block: Block, axis: Axis, additive: bool, computation: Computation) -> Panel:
        keys = sorted({key for key, _ in block.points}, key=lambda key: tuple((part is not None, part or "") for part in key)) or [()]
        rows = {key: number for number, key in enumerate(keys)}
        values, counts = np.full((len(keys), len(axis)), np.nan), np.zeros((len(keys), len(axis)))
        if additive:
            over, alive = self.over(computation, axis)
            values[:, over & alive] = 0.0
        cells = np.array([rows[key] for key, _ in block.points], dtype=np.int64)
        places = np.searchsorted(axis.times, np.array([time for _, time in block.points], dtype=np.int64))
        fits = places < len(axis)
        values[cells[fits], places[fits]], counts[cells[fits], places[fits]] = block.value[fits], block.count[fits]
        if self.plan.is_external(computation):
            counts[counts > 0] = _MANY_ROWS
        return Panel(tuple(keys), values, counts)


def condition(key: Mapping[str, str | None]) -> str | None:
    """A segment as a condition over dimensions; None for the total.

    >>> condition({"country": "DE", "platform": None})
    "country = 'DE' AND platform IS NULL"
    """
    parts = [f"{name} IS NULL" if value is None else f"{name} = '" + value.replace("'", "''") + "'" for name, value in key.items()]
    return " AND ".join(parts) or None
