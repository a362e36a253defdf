"""Ratios and derived metrics from their inputs' values at the asked grain: never an average of averages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from metricsctl.core.diagnostics import Diagnostic, Severity
from metricsctl.core.durations import Duration
from metricsctl.core.errors import DataError
from metricsctl.core.timegrid import shift, to_iso
from metricsctl.definition.rewrite import guard_divisions
from metricsctl.plan.types import Base, Computation, Formula, FormulaInput
from metricsctl.query.block import Block, Point, from_points
from metricsctl.query.fetch import Fetcher, Period
from metricsctl.query.frame import Status
from metricsctl.query.spans import beginning

__all__ = ["Computer", "leaves"]


def leaves(computation: Computation, period: Period, zone: str) -> Iterator[tuple[Base, Period]]:
    """Every simple metric that a computation reads, with the period that its offsets make of the asked one."""
    if isinstance(computation, Base):
        yield computation, period
        return
    for item in computation.inputs.values():
        yield from leaves(item.computation, _moved(period, item.offset, zone), zone)


def _moved(period: Period, offset: Duration | None, zone: str) -> Period:
    if offset is None:
        return period
    since, until = (None if edge is None else shift(edge, offset, zone, sign=-1) for edge in (period.since, period.until))
    return Period(since, until)


@dataclass(slots=True)
class Computer:
    """Computes blocks; what it notices on the way is in `diagnostics`."""

    fetcher: Fetcher
    diagnostics: list[Diagnostic] = field(default_factory=list)

    def block(self, computation: Computation, period: Period) -> Block:
        """The values of a computation in a period."""
        if isinstance(computation, Base):
            return self.fetcher.block(computation, period)
        return self._formula(computation, period)

    def _formula(self, formula: Formula, period: Period) -> Block:
        zone = self.fetcher.grid.zone
        inputs = {name: self.block(item.computation, _moved(period, item.offset, zone)) for name, item in formula.inputs.items()}
        points = self._points(formula, inputs)
        if not points:
            return from_points([], [], [], [])
        size = len(points)
        values: dict[str, npt.NDArray[np.float64]] = {}
        counts = np.full(size, np.iinfo(np.int64).max, dtype=np.int64)
        status = np.zeros(size, dtype=np.uint8)
        for name, item in formula.inputs.items():
            column, rows, states = self._aligned(formula, item, inputs[name], points)
            values[name] = column
            counts = np.where(rows >= 0, np.minimum(counts, rows), counts)
            status = np.maximum(status, states)
        counts = np.where(counts == np.iinfo(np.int64).max, 0, counts)
        result = self._evaluate(formula, values, points)
        absent = np.isnan(result)
        return from_points(points, result, counts, np.where(absent, np.uint8(Status.ABSENT), status))

    def _points(self, formula: Formula, inputs: dict[str, Block]) -> list[Point]:
        """Where the formula has points: where an input of the same time has one; where all are of earlier times, where those lead."""
        present = [inputs[name].points for name, item in formula.inputs.items() if item.offset is None]
        if present:
            return sorted({point for points in present for point in points}, key=_order)
        zone, grid = self.fetcher.grid.zone, self.fetcher.grid
        moved = {
            (key, grid.floor(shift(time, item.offset, zone)))
            for name, item in formula.inputs.items()
            if item.offset is not None
            for key, time in inputs[name].points
        }
        return sorted(moved, key=_order)

    def _aligned(
        self, formula: Formula, item: FormulaInput, block: Block, points: list[Point]
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
        """An input's value, rows (-1: none) and status at each point of the formula."""
        index, times = block.index, self._source_times(formula, item, points)
        places = np.array([index.get((key, times[time]), -1) for key, time in points], dtype=np.int64)
        there = places >= 0
        values, rows, status = np.full(len(points), np.nan), np.full(len(points), -1, dtype=np.int64), np.zeros(len(points), dtype=np.uint8)
        values[there], rows[there], status[there] = (part[places[there]] for part in (block.value, block.count, block.status))
        for number in np.flatnonzero(~there).tolist():
            source_time = times[points[number][1]]
            if source_time is not None:
                values[number], status[number] = self._missing(item.computation, source_time)
        status = np.where(status == Status.ABSENT, np.uint8(Status.FINAL), status)
        return values, rows, status

    def _missing(self, computation: Computation, time: int) -> tuple[float, Status]:
        """What an input is where it has no rows: 0 if it adds up, its window is over and its source was alive; else nothing."""
        if not isinstance(computation, Base):
            return float("nan"), Status.FINAL
        rollup = self.fetcher.plan.rollups[computation.rollup]
        over = self.fetcher.is_over(rollup, time)
        since = beginning(computation, time, self.fetcher.grid)
        if computation.additive and over and self.fetcher.was_alive(rollup, time, since):
            return 0.0, Status.FINAL
        return float("nan"), Status.FINAL if over else Status.OPEN

    def _source_times(self, formula: Formula, item: FormulaInput, points: list[Point]) -> dict[int, int | None]:
        """For each time of the formula the window of the input that it reads; None where the offset leads into the middle of one."""
        times = {time for _, time in points}
        if item.offset is None:
            return {time: time for time in times}
        grid = self.fetcher.grid
        moved = {time: shift(time, item.offset, grid.zone, sign=-1) for time in times}
        found = {time: earlier if grid.floor(earlier) == earlier else None for time, earlier in moved.items()}
        lost = sum(earlier is None for earlier in found.values())
        if lost:
            message = f"offset {item.offset} of '{formula.metric}' leads into the middle of {lost} of {len(found)} windows of {grid.grain}"
            self.diagnostics.append(Diagnostic("offset", Severity.WARNING, message, hint="use a calendar offset (7d), or a finer grain"))
        return found

    def _evaluate(self, formula: Formula, values: dict[str, npt.NDArray[np.float64]], points: list[Point]) -> npt.NDArray[np.float64]:
        expression, divisors = guard_divisions(formula.expr.text, formula.expr.dialect, formula.on_zero)
        if formula.on_zero == "error":
            for divisor in dict.fromkeys(divisors):
                zero = np.flatnonzero(self.fetcher.reader.evaluate(divisor, values) == 0)
                if len(zero):
                    key, time = points[int(zero[0])]
                    where = to_iso(time, self.fetcher.grid.zone) + "".join(f" {part}" for part in key)
                    raise DataError(
                        f"'{divisor}' of metric '{formula.metric}' is 0 at {where}", hint="on_zero: absent | zero says what it is then"
                    )
        return self.fetcher.reader.evaluate(expression, values)


def _order(point: Point) -> tuple[tuple[tuple[bool, str], ...], int]:
    key, time = point
    return tuple((part is not None, part or "") for part in key), time
