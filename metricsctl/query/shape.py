"""What is done to a frame before it is shown: windows without a value filled, points ordered, only the first of them kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from metricsctl.core.errors import UsageError
from metricsctl.core.names import nearest
from metricsctl.query.frame import SeriesFrame, Status

__all__ = ["Order", "filled", "ordered"]


@dataclass(frozen=True, slots=True)
class Order:
    """By what points are ordered: `value`, `time` or a dimension; `down`: the largest first."""

    by: str
    down: bool = False

    @classmethod
    def parse(cls, text: str, dimensions: Sequence[str]) -> Self:
        """Read `value`, `-value`, `time`, `country` ...; UsageError for what the result is not split by.

        >>> Order.parse("-value", ())
        Order(by='value', down=True)
        """
        found = cls(text.removeprefix("-"), text.startswith("-"))
        known = ("value", "time", *dimensions)
        if found.by not in known:
            message = f"--order: '{found.by}' is neither value, time nor a dimension of --by"
            raise UsageError(message, hint=nearest(found.by, known) or f"one of {', '.join(known)}; a - before it puts the largest first")
        return found


def filled(frame: SeriesFrame, how: str, windows: Sequence[int]) -> SeriesFrame:
    """The frame with a point in each of some windows (ascending) for every key that it has.

    Where there was none, or one without a value, it is 0 (`how` is `zero`) or the value before it (`previous`, absent before the first);
    its status stays `absent`. Points outside of the windows stay as they are.
    """
    starts = {time: number for number, time in enumerate(windows)}
    parts = [_filled(part, how, windows, starts) for _, part in frame.series()] if windows else [frame]
    return parts[0] if len(parts) == 1 else _joined(frame, parts)


def _filled(part: SeriesFrame, how: str, windows: Sequence[int], starts: dict[int, int]) -> SeriesFrame:
    """`filled` of one series."""
    own = set(part.time.tolist())
    time = np.array(sorted(own | starts.keys()), dtype=np.int64)
    places = np.searchsorted(time, part.time)
    value = np.full(len(time), np.nan)
    count = np.zeros(len(time), dtype=np.int64)
    status = np.full(len(time), Status.ABSENT, dtype=np.uint8)
    value[places], count[places], status[places] = part.value, part.count, part.status
    holes = np.isnan(value) & np.isin(time, np.asarray(windows, dtype=np.int64))
    if how == "zero":
        value[holes] = 0.0
    else:
        known = np.maximum.accumulate(np.where(np.isnan(value), -1, np.arange(len(time))))
        value = np.where(holes & (known >= 0), value[np.maximum(known, 0)], value)
    keys = {}
    for name, column in part.keys.items():
        keys[name] = np.empty(len(time), dtype=object)
        keys[name][:] = column[0]
    return replace(part, keys=keys, time=time, value=value, count=count, status=status)


def _joined(frame: SeriesFrame, parts: Sequence[SeriesFrame]) -> SeriesFrame:
    if not parts:
        return frame
    return replace(
        frame,
        keys={name: np.concatenate([part.keys[name] for part in parts]) for name in frame.keys},
        time=np.concatenate([part.time for part in parts]),
        value=np.concatenate([part.value for part in parts]),
        count=np.concatenate([part.count for part in parts]),
        status=np.concatenate([part.status for part in parts]),
    )


def ordered(frame: SeriesFrame, order: Order | None, limit: int | None) -> SeriesFrame:
    """The points in an order, equal ones by key and time as before, those without a value (or key) last; the first `limit` of them."""
    if order is not None:
        frame = frame.cut(_places(frame, order))
    return frame if limit is None else frame.cut(slice(0, limit))


def _places(frame: SeriesFrame, order: Order) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """The places of the points, in order."""
    if order.by in {"value", "time"}:
        numbers = frame.value if order.by == "value" else frame.time.astype(np.float64)
        return np.argsort(-numbers if order.down else numbers, kind="stable")  # NaN comes last either way
    column = frame.keys[order.by]
    known = sorted({value for value in column if value is not None}, reverse=order.down)
    ranks = {value: number for number, value in enumerate(known)}
    return np.argsort([ranks.get(value, len(ranks)) for value in column], kind="stable")
