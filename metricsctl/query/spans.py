"""Which stored windows a value is made of, where that is more than its own: hopping, cumulative and carried values."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Sequence

import numpy as np

from metricsctl.core.errors import UsageError
from metricsctl.core.timegrid import TimeGrid, period_start, shift, to_iso
from metricsctl.engine.duckdb.statements import Buckets
from metricsctl.plan.types import Base

__all__ = ["beginning", "check_beginnings", "check_slide", "covered"]


def beginning(base: Base, bucket: int, grid: TimeGrid) -> int:
    """From when on (microseconds) rows count in a bucket."""
    span, end = base.span, grid.next(bucket)
    if base.stock is not None:
        carry = base.stock.carry
        return bucket if carry is None else min(bucket, shift(end, carry, grid.zone, sign=-1))
    if span is None:
        return bucket
    if span.trailing is not None:
        return shift(end, span.trailing, grid.zone, sign=-1)
    return period_start(end - 1, span.to_date, grid.zone, span.week_start) if span.to_date is not None else span.start or 0


def check_slide(base: Base, grid: TimeGrid) -> None:
    """UsageError if a hopping window is asked for at anything but its slide."""
    slide = base.span.slide if base.span is not None else None
    if slide is not None and slide != grid.grain:
        message = f"metric '{base.metric}' has hopping windows: it can be had at its slide only, not by {grid.grain}"
        raise UsageError(message, hint=f"ask for --grain {slide}", code="grain")


def check_beginnings(base: Base, stored: TimeGrid, begins: Iterable[int], zone: str) -> None:
    """UsageError if rows count from the middle of a stored window on; of stocks the times are known."""
    wrong = next((begin for begin in begins if stored.floor(begin) != begin), None)
    if wrong is not None and base.stock is None:
        message = f"metric '{base.metric}' begins at {to_iso(wrong, zone)}, in the middle of a window of {stored.grain}"
        raise UsageError(message, hint="use days for windows of days, or a finer `grain:` below it", code="grain")


def covered(windows: Sequence[int], ranges: Sequence[tuple[int, int, int]], begins: Sequence[int]) -> Buckets:
    """How buckets are put together of ascending windows; a range is a bucket, the first window that it needs, and its end.

    `begins` say from when on rows count in each.

    Neighbouring windows are merged by twos, fours, eights ... once, and each bucket out of few of those cells: n buckets that all begin
    at one place cost n log n merges, not n squared.
    """
    cells: dict[tuple[int, int], int] = {}
    pairs: list[tuple[int, int, int]] = []
    for (bucket, first, end), begin in zip(ranges, begins, strict=True):
        place, last = bisect.bisect_left(windows, first), bisect.bisect_left(windows, end)
        while place < last:
            level = (last - place).bit_length() - 1
            if place:
                level = min(level, (place & -place).bit_length() - 1)
            pairs.append((cells.setdefault((level, place >> level), len(cells)), bucket, begin))
            place += 1 << level
    members = [(windows[place], cell) for (level, start), cell in cells.items() for place in range(start << level, (start + 1) << level)]
    window, cell = (np.array(column, dtype=np.int64) for column in (zip(*members, strict=True) if members else ((), ())))
    spans = tuple(np.array(column, dtype=np.int64) for column in (zip(*pairs, strict=True) if pairs else ((), (), ())))
    return Buckets(window, cell, (spans[0], spans[1], spans[2]))
