"""Stored states to values: simple metrics at the asked grain, and what is known of each window."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from metricsctl.core.errors import UsageError
from metricsctl.core.timegrid import Grain, TimeGrid
from metricsctl.engine.duckdb.read import StateReader, States, condition_sql
from metricsctl.engine.duckdb.statements import Buckets
from metricsctl.plan.types import Base, Plan, Rollup, Span
from metricsctl.query.block import Block, from_points
from metricsctl.query.frame import Status
from metricsctl.query.spans import beginning, check_beginnings, check_slide, covered
from metricsctl.store.held import OPEN_FROM
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
        together: dict[tuple[str, Span | None, Base | None, Period], list[Base]] = {}
        for base, period in wanted:
            if (base, period) not in self._blocks:
                alone = None if base.stock is None else base
                together.setdefault((base.rollup, base.span, alone, period), []).append(base)
        for (rollup, _, _, period), found in together.items():
            bases = list(dict.fromkeys(found))
            for base, block in zip(bases, self._read(self.plan.rollups[rollup], bases, period), strict=True):
                self._blocks[base, period] = block

    def block(self, base: Base, period: Period) -> Block:
        """The values of a simple metric."""
        self.prefetch([(base, period)])
        return self._blocks[base, period]

    def _read(self, rollup: Rollup, bases: Sequence[Base], period: Period) -> list[Block]:
        self._check_dimensions(rollup, bases)
        self._check_numbers(rollup, bases)
        files = self.store.files(rollup.id)
        condition = None if self.where is None else condition_sql(self.where, rollup.keys)
        buckets = self._buckets(files, rollup, bases[0], period, condition)
        if buckets is None:
            return [from_points([], [], [], [])] * len(bases)
        wanted = {str(number): base for number, base in enumerate(bases)}
        states = self.reader.states(files, buckets, self.by, wanted, condition, rollup.dimensions, revised=rollup.session is not None)
        self._check_as_is(rollup, bases, states)
        times, places = np.unique(states.time, return_inverse=True)
        known = np.where(self.over(rollup, times), np.uint8(Status.FINAL), np.uint8(Status.OPEN))[places]
        status = np.where(states.late & (known == Status.FINAL), np.uint8(Status.REVISED), known)
        keys = tuple(states.keys.values())
        return [Block(keys, states.time, states.values[name], states.rows, status) for name in wanted]

    def _buckets(self, files: Sequence[str], rollup: Rollup, base: Base, period: Period, condition: str | None) -> Buckets | None:
        """The windows to read for a period, and the buckets that they make; None if there are none."""
        first, last = self._edges(period)
        if base.span is None and base.stock is None:
            windows = self._windows(files, rollup, base.metric, first, last, condition)
            targets = np.array([self.grid.floor(window) for window in windows], dtype=np.int64)
            return Buckets(np.array(windows, dtype=np.int64), targets) if windows else None
        check_slide(base, self.grid)
        reached = [state.max_time for name in rollup.sources if (state := self.store.head.sources.get(name)) and state.max_time is not None]
        if first is None:
            early = self.reader.windows(files, None, None)
            first = self.grid.floor(early[0]) if early else None
        if first is None or not reached:
            return None
        final = max(reached) if last is None else min(last - 1, max(reached))
        starts = list(self.grid.starts(first, final))
        ranges = [(start, beginning(base, start, self.grid), self.grid.next(start)) for start in starts]
        if not ranges:
            return None
        check_beginnings(base, rollup.grid, (begin for _, begin, _ in ranges), self.grid.zone)
        windows = self._windows(files, rollup, base.metric, rollup.grid.floor(min(begin for _, begin, _ in ranges)), ranges[-1][2])
        whole = [(start, begin if base.stock is None else rollup.grid.floor(begin), end) for start, begin, end in ranges]
        return covered(windows, whole, [begin for _, begin, _ in ranges]) if windows else None

    def _edges(self, period: Period) -> tuple[int | None, int | None]:
        """The first bucket of a period, and the end of its last one."""
        first = None if period.since is None else self.grid.floor(period.since)
        if period.until is None:
            return first, None
        start = self.grid.floor(period.until)
        return first, start if start == period.until else self.grid.next(start)

    def _windows(
        self, files: Sequence[str], rollup: Rollup, metric: str, first: int | None, last: int | None, condition: str | None = None
    ) -> list[int]:
        windows = self.reader.windows(files, first, last, condition)
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

    def _check_numbers(self, rollup: Rollup, bases: Sequence[Base]) -> None:
        """UsageError if what keeps no states is asked for in other windows, or by fewer dimensions."""
        if not rollup.final_only or (self.grid == rollup.grid and set(self.by) == set(rollup.dimensions)):
            return
        message = f"metric '{bases[0].metric}' keeps numbers only (`rollup: final_only`): they do not add up to other windows or dimensions"
        by = f" --by {','.join(rollup.dimensions)}" if rollup.dimensions else ""
        raise UsageError(message, hint=f"ask for --grain {rollup.grain}{by}, or drop `rollup:` and run `metricsctl ingest --rebuild`")

    def _check_as_is(self, rollup: Rollup, bases: Sequence[Base], states: States) -> None:
        """UsageError if values of a series were put together that do not add up."""
        whole = [base.metric for base in bases if self.plan.is_as_it_is(base)]
        if rollup.final_only or not whole or int(states.rows.max(initial=0)) <= 1:
            return
        by = f" --by {','.join(rollup.dimensions)}" if rollup.dimensions else ""
        message = f"series '{whole[0]}' is brought as it is: its values do not add up to other windows or fewer dimensions"
        raise UsageError(message, hint=f"ask for --grain {rollup.grain}{by}, or say of which count or sum it is a reading (`metric:`)")

    # -- what is known of a window

    def over(self, rollup: Rollup, buckets: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Which of some buckets, in order, are over: all up to one of them, for a watermark passes them in their order."""
        count = bisect.bisect_left(buckets.tolist(), 1, key=lambda bucket: int(not self.is_over(rollup, bucket)))
        return np.arange(len(buckets)) < count

    def alive(self, rollup: Rollup, buckets: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """In which of some buckets a source of the rollup had any event."""
        length = self.grid.grain.microseconds
        ends = buckets + length if self.grid.grain.is_fixed else np.array([self.grid.next(bucket) for bucket in buckets.tolist()])
        found = np.zeros(len(buckets), dtype=bool)
        for name in rollup.sources:
            beats = np.append(np.array(self._heartbeats(name), dtype=np.int64), np.iinfo(np.int64).max)
            found |= beats[np.searchsorted(beats[:-1], buckets)] < ends
        return found

    def is_over(self, rollup: Rollup, bucket: int) -> bool:
        """Whether the watermarks have passed the end of a bucket (and of its sessions), or a finished replay has closed it."""
        end = self.grid.next(bucket)
        table = self.store.head.tables.get(rollup.id)
        begun = table.meta.get(OPEN_FROM) if table is not None else None
        for name in rollup.sources:
            state = self.store.head.sources.get(name)
            closed = state is not None and state.closed_until is not None and bucket <= state.closed_until
            passed = state is not None and state.watermark is not None and end <= state.watermark and (begun is None or end <= begun)
            if not (closed or passed):
                return False
        return True

    def was_alive(self, rollup: Rollup, bucket: int, since: int | None = None) -> bool:
        """Whether a source of the rollup had any event in a bucket, or from `since` on until its end."""
        end, begin = self.grid.next(bucket), bucket if since is None else since
        for name in rollup.sources:
            beats = self._heartbeats(name)
            place = bisect.bisect_left(beats, begin)
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
