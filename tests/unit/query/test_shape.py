"""Filling, ordering and limiting points, against the plainest way to say them."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metricsctl.core.errors import UsageError
from metricsctl.core.timegrid import Grain
from metricsctl.query.frame import SeriesFrame, Status
from metricsctl.query.shape import Order, filled, ordered

Row = tuple[str | None, int, float]
POINTS = st.dictionaries(
    st.tuples(st.sampled_from(["a", "b", None]), st.integers(0, 6)), st.sampled_from([0.0, 1.0, 2.5, math.nan]), max_size=12
)


def frame_of(points: dict[tuple[str | None, int], float]) -> SeriesFrame:
    rows = sorted(points.items(), key=lambda item: (item[0][0] is not None, item[0][0] or "", item[0][1]))
    key = np.empty(len(rows), dtype=object)
    key[:] = [place[0] for place, _ in rows]
    value = np.array([value for _, value in rows], dtype=np.float64)
    time = np.array([place[1] for place, _ in rows], dtype=np.int64)
    status = np.where(np.isnan(value), Status.ABSENT, Status.FINAL).astype(np.uint8)
    return SeriesFrame("m", None, Grain.parse("1h"), "UTC", {"k": key}, time, value, np.ones(len(rows), dtype=np.int64), status)


def rows_of(frame: SeriesFrame) -> list[tuple]:
    return [(key[0], time, value, status) for time, key, value, status in frame.rows()]


@settings(max_examples=60)
@given(points=POINTS, first=st.integers(0, 3), length=st.integers(0, 5), how=st.sampled_from(["zero", "previous"]))
def test_filled(points: dict, first: int, length: int, how: str) -> None:
    windows = range(first, first + length)
    expected = []
    for key in sorted({key for key, _ in points}, key=lambda key: (key is not None, key or "")):
        before = None
        own = {time: value for (found, time), value in points.items() if found == key}
        for time in sorted(own.keys() | set(windows)):
            value = own.get(time, math.nan)
            status = "absent" if math.isnan(value) else "final"
            if math.isnan(value):
                shown = None if time not in windows else 0.0 if how == "zero" else before
            else:
                shown = before = value
            expected.append((key, time, shown, status))
    if not length:
        expected = rows_of(frame_of(points))
    assert rows_of(filled(frame_of(points), how, list(windows))) == expected


@settings(max_examples=60)
@given(points=POINTS, by=st.sampled_from(["value", "time", "k"]), down=st.booleans(), limit=st.none() | st.integers(1, 5))
def test_ordered(points: dict, by: str, down: bool, limit: int | None) -> None:
    rows = rows_of(frame_of(points))
    place = {"k": 0, "time": 1, "value": 2}[by]
    known = sorted({row[place] for row in rows if row[place] is not None}, reverse=down)
    expected = sorted(rows, key=lambda row: len(known) if row[place] is None else known.index(row[place]))
    assert rows_of(ordered(frame_of(points), Order(by, down), limit)) == expected[:limit]
    assert rows_of(ordered(frame_of(points), None, limit)) == rows[:limit]


@pytest.mark.parametrize(("text", "dimensions"), [("valeu", ()), ("country", ()), ("-", ()), ("--value", ())])
def test_an_unknown_order(text: str, dimensions: Sequence[str]) -> None:
    with pytest.raises(UsageError, match="neither value, time nor a dimension"):
        Order.parse(text, dimensions)
