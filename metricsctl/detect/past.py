"""Statistics of one stretch of the past for many series at once; NaN counts as absent."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from metricsctl.detect.base import FloatArray
from metricsctl.detect.rolling import MAD, sorted_quantile

__all__ = ["Ordered", "merged", "typical_size", "windowed_mean"]


class Ordered:
    """A sorted past, shape (series, n), NaN last, and how many of each row are known."""

    __slots__ = ("counts", "rows")

    def __init__(self, rows: FloatArray, *, sort: bool = True) -> None:
        self.rows = np.sort(rows, axis=1) if sort else rows
        self.counts = np.count_nonzero(~np.isnan(rows), axis=1)

    def quantile(self, share: float) -> FloatArray:
        """A quantile of each row; NaN where nothing is known."""
        return sorted_quantile(self.rows, self.counts.astype(np.float64), share)

    def places(self, row: int, values: FloatArray) -> npt.NDArray[np.int64]:
        """Where values would be put in a row: the number of past ones that are smaller."""
        found: npt.NDArray[np.int64] = self.rows[row, : self.counts[row]].searchsorted(values)
        return found


def typical_size(rows: FloatArray) -> FloatArray:
    """The usual size of deviations as one standard deviation: by their median, or by their mean where half of them are small."""
    past = Ordered(np.abs(rows))
    if not past.rows.shape[1]:
        return np.full(len(rows), np.nan)
    limit = past.quantile(0.99)[:, None]
    known = ~np.isnan(past.rows)
    total = np.where(known, np.minimum(past.rows, limit), 0.0).sum(axis=1)
    mean = total / np.maximum(past.counts, 1)
    size: FloatArray = np.maximum(MAD * past.quantile(0.5), 0.8 * mean)
    return size


def windowed_mean(rows: FloatArray, window: int) -> FloatArray:
    """The mean of each point and the `window` - 1 before it, shape (series, n - window + 1); NaN where one of them is."""
    if window == 1:
        return rows
    absent = np.isnan(rows)
    start = np.nan_to_num(rows[:, :1], nan=0.0)
    sums = np.cumsum(np.where(absent, 0.0, rows - start), axis=1)
    gaps = np.cumsum(absent, axis=1)
    total, missing = sums[:, window - 1 :].copy(), gaps[:, window - 1 :].copy()
    total[:, 1:] -= sums[:, :-window]
    missing[:, 1:] -= gaps[:, :-window]
    return np.where(missing > 0, np.nan, total / window + start)


def merged(sketch: FloatArray, more: FloatArray, most: int) -> FloatArray:
    """A sorted sketch of a past with more values in it, shape (series, at most `most`), NaN last.

    Where there are too many, half as many quantiles stand for them, the smallest and the largest among them: old values are thinned
    again and again, so that recent ones weigh more.

    >>> merged(np.array([[1.0, 2.0, 4.0]]), np.array([[3.0, np.nan]]), 4)
    array([[1., 2., 3., 4.]])
    >>> merged(np.array([[1.0, 2.0, 4.0, 5.0]]), np.array([[3.0, 6.0]]), 4)
    array([[1., 6.]])
    """
    rows = np.sort(np.concatenate([sketch, more], axis=1), axis=1)
    counts = np.count_nonzero(~np.isnan(rows), axis=1)
    width = int(counts.max(initial=0))
    if width <= most:
        return rows[:, :width]
    half = most // 2
    many = np.maximum(counts - 1, 0)
    place = np.where(
        (counts > most)[:, None], many[:, None] * np.arange(half) // (half - 1), np.minimum(np.arange(half), rows.shape[1] - 1)
    )
    thin = np.take_along_axis(rows, place, axis=1)
    if (counts > most).all():
        return thin
    kept = np.full((len(rows), most), np.nan)
    kept[:, :half] = thin
    few = counts <= most
    kept[few] = rows[few, :most]
    return kept
