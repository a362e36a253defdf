"""`explain.segments`: which combination of dimension values carries a change, in any data frame."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np
import numpy.typing as npt

from metricsctl.core.errors import UsageError
from metricsctl.core.names import nearest
from metricsctl.explain.search import Found, Leaves, find_segments

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RankedSegment", "SegmentData", "Segments", "SegmentsData", "segments"]

FloatArray = npt.NDArray[np.float64]
Column = Hashable
Measure = Column | tuple[Column, Column]
Segment = Mapping[str, Any]


class SegmentData(TypedDict):
    """A ranked segment in JSON."""

    segment: dict[str, Any]
    share: float | None
    score: float


class SegmentsData(TypedDict):
    """The result in JSON."""

    ranked: list[SegmentData]
    set: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class RankedSegment:
    """A segment; `share` of the whole change lies in it (None where there is no change in all), `change` is actual less expected in it.

    `score` is the share of all movement that is described by "its leaves moved in step, by one factor", less 0.03 for each dimension beyond
    the first; 1 is added to members of the set.
    """

    segment: Segment
    share: float | None
    score: float
    change: float


@dataclass(frozen=True, slots=True)
class Segments:
    """The candidates, best first, and the smallest set that covers what moved (empty: no segment stands out from noise).

    `left_out`: rows without an actual or an expected value.
    """

    ranked: tuple[RankedSegment, ...]
    set: tuple[Segment, ...]
    left_out: int = 0

    def to_dict(self) -> SegmentsData:
        """Plain data."""
        ranked: list[SegmentData] = [{"segment": dict(item.segment), "share": item.share, "score": item.score} for item in self.ranked]
        return {"ranked": ranked, "set": [dict(item) for item in self.set]}


def segments(frame: pd.DataFrame, dimensions: Sequence[str], actual: Measure, expected: Measure, *, limit: int = 12) -> Segments:
    """Find the segments that carry the difference between `actual` and `expected`.

    Parameters
    ----------
    frame
        One row for each of the finest cells; rows with the same values of all dimensions are added up.
    dimensions
        Columns that segments are made of. Up to four: all their combinations are looked at; more: combinations of up to three.
    actual, expected
        Columns of numbers that add up over rows, or for a ratio a pair (numerator, denominator) of such columns.
    limit
        How many candidates are ranked.

    The algorithm is that of `metricsctl.explain.search.find_segments`.

    Raises
    ------
    UsageError
        A column that does not exist or holds no numbers, no dimension, or one measure a ratio and the other not.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = [(c, d, 100 + i, 101 + i) for i, c in enumerate("ABCDE") for d in "xyz"]
    >>> frame = pd.DataFrame(rows, columns=["country", "device", "now", "usual"])
    >>> frame.loc[frame.country == "B", "now"] = 20
    >>> segments(frame, ["country", "device"], "now", "usual").to_dict()["set"]
    [{'country': 'B'}]
    """
    names = list(dimensions)
    if not names:
        raise UsageError("no dimension to search", hint="name the columns that segments are made of")
    if len(set(names)) < len(names):
        raise UsageError("a dimension is named twice", hint=", ".join(map(str, names)))
    now, usual = _measures(frame, actual, expected, names)
    known = np.isfinite(now) & np.isfinite(usual)
    codes, labels = _encoded(frame, names, known)
    if not len(codes):
        return Segments((), (), int((~known).sum()))
    codes, now, usual = _added(codes, now[known], usual[known])
    chosen, ranked = find_segments(Leaves(codes, tuple(len(one) for one in labels), now, usual), limit)
    whole = float(now.sum() - usual.sum())
    members = {(item.dimensions, item.codes) for item in chosen}

    def segment(item: Found) -> dict[str, Any]:
        return {names[place]: labels[place][value] for place, value in zip(item.dimensions, item.codes, strict=True)}

    return Segments(
        tuple(
            RankedSegment(
                segment(item),
                item.change / whole if whole else None,
                item.worth + ((item.dimensions, item.codes) in members),
                item.change,
            )
            for item in ranked
        ),
        tuple(segment(item) for item in chosen),
        int((~known).sum()),
    )


def _measures(frame: pd.DataFrame, actual: Measure, expected: Measure, names: Iterable[str]) -> tuple[FloatArray, FloatArray]:
    """Actual and expected numbers that add up; a ratio becomes its numerator, and the one that its usual rate would give."""
    for name in names:
        _column(frame, name)
    pairs = [one for one in (actual, expected) if isinstance(one, tuple) and one not in frame.columns]
    if not pairs:
        return _numbers(frame, actual), _numbers(frame, expected)
    if len(pairs) == 1 or any(len(pair) != 2 for pair in pairs):
        raise UsageError("both measures must be columns, or both pairs (numerator, denominator)", hint=f"{actual!r} and {expected!r}")
    top, bottom = (_numbers(frame, name) for name in pairs[0])
    usual_top, usual_bottom = (_numbers(frame, name) for name in pairs[1])
    known = np.isfinite(usual_top) & (usual_bottom > 0)
    overall = float(usual_top[known].sum()) / max(float(usual_bottom[known].sum()), 1e-300)
    rate = np.where(known, usual_top, 0.0) / np.where(known, usual_bottom, 1.0)
    return top, np.where(known, rate, overall) * bottom


def _column(frame: pd.DataFrame, name: Column) -> pd.Series[Any]:
    if name not in frame.columns:
        raise UsageError(f"no column '{name}'", hint=nearest(str(name), map(str, frame.columns)))
    return frame[name]


def _numbers(frame: pd.DataFrame, name: Column) -> FloatArray:
    try:
        return np.asarray(_column(frame, name), dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise UsageError(f"column '{name}' does not hold numbers", hint="convert it with pandas.to_numeric") from error


def _encoded(frame: pd.DataFrame, names: Sequence[str], known: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.int64], list[list[Any]]]:
    """Values as codes, in an order that does not depend on that of the rows; what is null is None."""
    import pandas as pd

    columns, labels = [], []
    for name in names:
        code, values = pd.factorize(frame[name][known], use_na_sentinel=False)
        plain = [None if pd.isna(value) else value.item() if hasattr(value, "item") else value for value in values]
        order = sorted(
            range(len(plain)), key=lambda place: (plain[place] is not None, type(plain[place]).__name__, _sortable(plain[place]))
        )
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(len(order))
        columns.append(rank[code])
        labels.append([plain[place] for place in order])
    return np.stack(columns, axis=1).reshape(-1, len(names)), labels


def _sortable(value: Any) -> Any:
    return value if isinstance(value, (str, int, float)) else str(value)


def _added(codes: npt.NDArray[np.int64], now: FloatArray, usual: FloatArray) -> tuple[npt.NDArray[np.int64], FloatArray, FloatArray]:
    """Rows of the same cell added up, in the order of their codes."""
    order = np.lexsort(codes.T[::-1])
    codes, now, usual = codes[order], now[order], usual[order]
    first = np.concatenate([[True], np.any(codes[1:] != codes[:-1], axis=1)])
    starts = np.flatnonzero(first)
    if len(starts) == len(codes):
        return codes, now, usual
    return codes[starts], np.add.reduceat(now, starts), np.add.reduceat(usual, starts)
