"""Stored states to values: simple metrics at the asked grain, and what is known of each window."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from metricsctl.core.errors import UsageError
from metricsctl.core.timegrid import Grain, TimeGrid
from metricsctl.engine.duckdb.read import StateReader, condition_sql
from metricsctl.plan.types import Base, Plan, Rollup
from metricsctl.query.block import Block, Point, from_points
from metricsctl.query.frame import Status
from metricsctl.store.reader import StoreReader

__all__ = ["Fetcher", "Period"]

_FINER = ("30m", "15m", "10m", "5m", "1m")


@dataclass(frozen=True, slots=True)
class Period:
    """From the window that holds `since` to the last one that starts before `until`; microseconds, None is open."""

    since: int | None = None
    until: int | None = None


@dataclass(slots=True)
class Fetcher:
    """Reads simple metrics of one store at one moment, each state at most once a period."""

    plan: Plan
    store: StoreReader
    reader: StateReader
    grid: TimeGrid
    by: tuple[str, ...]
    where: str | None
    _blocks: dict[tuple[Base, Period], Block] = field(default_factory=dict)
    _alive: dict[str, list[int]] = field(default_factory=dict)

    def prefetch(self, wanted: Iterable[tuple[Base, Period]]) -> None:
        """Read all that is wanted of the same rollup and period in one scan."""
        together: dict[tuple[str, Period], list[Base]] = {}
        for base, period in wanted:
            if (base, period) not in self._blocks:
                together.setdefault((base.rollup, period), []).append(base)
        for (rollup, period), found in together.items():
            bases = list(dict.fromkeys(found))
            for base, block in zip(bases, self._read(self.plan.rollups[rollup], bases, period), strict=True):
                self._blocks[base, period] = block

    def block(self, base: Base, period: Period) -> Block:
        """The values of a simple metric."""
        self.prefetch([(base, period)])
        return self._blocks[base, period]

    def _read(self, rollup: Rollup, bases: Sequence[Base], period: Period) -> list[Block]:
        self._check_dimensions(rollup, bases)
        files = self.store.files(rollup.id)
        windows = self._windows(files, rollup, bases[0].metric, period)
        if not windows:
            return [from_points([], [], [], [])] * len(bases)
        condition = None if self.where is None else condition_sql(self.where, rollup.keys)
        wanted = {str(number): base for number, base in enumerate(bases)}
        buckets = [self.grid.floor(window) for window in windows]
        states = self.reader.states(files, (windows, buckets), self.by, wanted, condition)
        keys = list(zip(*(column.tolist() for column in states.keys.values()), strict=True)) if self.by else [()] * len(states.time)
        points: list[Point] = list(zip(keys, states.time.tolist(), strict=True))
        known = {bucket: self.window_status(rollup, bucket) for bucket in set(buckets)}
        status = [
            Status.REVISED if late and known[time] is Status.FINAL else known[time]
            for time, late in zip(states.time.tolist(), states.late.tolist(), strict=True)
        ]
        return [from_points(points, states.values[name], states.rows, status) for name in wanted]

    def _windows(self, files: Sequence[str], rollup: Rollup, metric: str, period: Period) -> list[int]:
        first = None if period.since is None else self.grid.floor(period.since)
        last = None
        if period.until is not None:
            start = self.grid.floor(period.until)
            last = start if start == period.until else self.grid.next(start)
        windows = self.reader.windows(files, first, last)
        if windows:
            self._check_grain(rollup, metric, windows[0], windows[-1])
        return windows

    def _check_grain(self, rollup: Rollup, metric: str, first: int, last: int) -> None:
        stored, asked = rollup.grid, self.grid
        if asked.holds(stored, first, last):
            return
        if asked.grain.microseconds < stored.grain.microseconds:
            hint = f"ask for {stored.grain} or longer, or set `grain: {asked.grain}` on the metric and run `metricsctl ingest --rebuild`"
            raise UsageError(f"metric '{metric}' is stored by {stored.grain}: it cannot be had by {asked.grain}", hint=hint, code="grain")
        fitting = next((text for text in _FINER if asked.holds(TimeGrid(Grain.parse(text)), first, last)), None)
        hint = f"set `grain: {fitting}` on the metric and run `metricsctl ingest --rebuild`" if fitting else "ask for a multiple of it"
        where = f" in {asked.zone}" if not asked.grain.is_fixed else ""
        raise UsageError(f"windows of {stored.grain} do not add up to {asked.grain}{where} (metric '{metric}')", hint=hint, code="grain")

    def _check_dimensions(self, rollup: Rollup, bases: Sequence[Base]) -> None:
        missing = [name for name in self.by if name not in rollup.dimensions]
        if missing:
            stored = ", ".join(rollup.dimensions) or "none: only its total"
            raise UsageError(f"metric '{bases[0].metric}' is not stored by '{missing[0]}'", hint=f"stored dimensions: {stored}")

    # -- what is known of a window

    def window_status(self, rollup: Rollup, bucket: int) -> Status:
        """Whether a bucket is over for every source of a rollup."""
        return Status.FINAL if self.is_over(rollup, bucket) else Status.OPEN

    def is_over(self, rollup: Rollup, bucket: int) -> bool:
        """Whether the watermarks have passed the end of a bucket, or a finished replay has closed it."""
        end = self.grid.next(bucket)
        for name in rollup.sources:
            state = self.store.head.sources.get(name)
            closed = state is not None and state.closed_until is not None and bucket <= state.closed_until
            passed = state is not None and state.watermark is not None and end <= state.watermark
            if not (closed or passed):
                return False
        return True

    def was_alive(self, rollup: Rollup, bucket: int) -> bool:
        """Whether a source of the rollup had any event in a bucket."""
        end = self.grid.next(bucket)
        for name in rollup.sources:
            beats = self._heartbeats(name)
            place = bisect.bisect_left(beats, bucket)
            if place < len(beats) and beats[place] < end:
                return True
        return False

    def reach(self, source: str) -> tuple[int, int] | None:
        """The first and the last window in which a source had events; None without any."""
        beats = self._heartbeats(source)
        return (beats[0], beats[-1]) if beats else None

    def _heartbeats(self, source: str) -> list[int]:
        if source not in self._alive:
            heartbeat = self.plan.sources[source].heartbeat
            held = heartbeat.id in self.store.head.tables
            self._alive[source] = self.reader.windows(self.store.files(heartbeat.id), None, None) if held else []
        return self._alive[source]
