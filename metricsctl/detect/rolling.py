"""Statistics of the past of every point, for many series at once.

They are refreshed every `step` points from what lies before the refresh, so that a point is never in its own past.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from metricsctl.detect.base import FloatArray

__all__ = [
    "MAD",
    "mean_and_deviation",
    "median",
    "median_and_mad",
    "never_negative",
    "over_past",
    "rarely_negative",
    "sorted_quantile",
    "typical",
]

MAD = 1.4826  # median absolute deviation to standard deviation, for a normal distribution
_CHUNK = 250_000  # numbers in one piece of work: what fits into a core's cache


def over_past(values: FloatArray, window: int, step: int, work: Callable[[FloatArray], FloatArray], first: int = 0) -> FloatArray:
    """`work` on the last `window` values before each refresh, spread over the `step` points after it.

    `work` takes shape (m, window), the oldest first and NaN where there is nothing, and gives (m, k); the result has shape (k, series, n),
    or without the points before `first`.
    """
    series, size = values.shape
    padded = np.concatenate([np.full((series, window), np.nan), values], axis=1)
    starts = np.arange(first // step * step, size, step)
    views = np.lib.stride_tricks.sliding_window_view(padded, window, axis=1)
    rows = max(1, _CHUNK // (window * max(series, 1)))
    parts = []
    for place in range(0, len(starts), rows):
        part = np.ascontiguousarray(views[:, starts[place : place + rows]])
        parts.append(work(part.reshape(-1, window)).reshape(series, part.shape[1], -1))
    found = np.concatenate(parts, axis=1) if parts else np.full((series, 0, 1), np.nan)
    return np.ascontiguousarray(np.repeat(found, step, axis=1)[:, first % step :][:, : size - first].transpose(2, 0, 1))


def sorted_quantile(ordered: FloatArray, counts: FloatArray, share: float) -> FloatArray:
    """A quantile of each row of sorted values whose first `counts` are finite; NaN where there are none."""
    if not ordered.shape[1]:
        return np.full(len(ordered), np.nan)
    place = np.maximum(counts - 1, 0) * share
    low = np.floor(place).astype(np.int64)
    high = np.ceil(place).astype(np.int64)
    rows = np.arange(len(ordered))
    below, above = ordered[rows, low], ordered[rows, high]
    return below + (above - below) * (place - low)


def _known(ordered: FloatArray) -> FloatArray:
    """How many values of each sorted row are there; NaN stand last, so that most rows need no look at more than their end."""
    counts = np.full(len(ordered), float(ordered.shape[1]))
    holed = np.flatnonzero(np.isnan(ordered[:, -1])) if ordered.shape[1] else np.zeros(0, dtype=np.int64)
    counts[holed] = np.count_nonzero(~np.isnan(ordered[holed]), axis=1)
    return counts


def median(minimum: int) -> Callable[[FloatArray], FloatArray]:
    """Work for `over_past`: the median alone, NaN where fewer than `minimum` are known."""

    def work(rows: FloatArray) -> FloatArray:
        ordered = np.sort(rows, axis=1)
        counts = _known(ordered)
        return np.where(counts >= minimum, sorted_quantile(ordered, counts, 0.5), np.nan)[:, None]

    return work


def median_and_mad(minimum: int) -> Callable[[FloatArray], FloatArray]:
    """Work for `over_past`: median and median absolute deviation (as a standard deviation), NaN where fewer than `minimum` are known.

    Where most values are the same, and the latter is zero, it is the plain standard deviation from the median instead.
    """

    def work(rows: FloatArray) -> FloatArray:
        ordered = np.sort(rows, axis=1)
        counts = _known(ordered)
        centre = sorted_quantile(ordered, counts, 0.5)
        apart = np.abs(rows - centre[:, None])
        apart.sort(axis=1)
        spread = MAD * sorted_quantile(apart, counts, 0.5)
        flat = np.flatnonzero(spread == 0)
        spread[flat] = np.sqrt(np.nansum(apart[flat] ** 2, axis=1) / np.maximum(counts[flat], 1))
        return np.where(counts[:, None] >= minimum, np.stack([centre, spread], axis=1), np.nan)

    return work


def typical(minimum: int) -> Callable[[FloatArray], FloatArray]:
    """Work for `over_past`: the usual size of deviations as one standard deviation, NaN where fewer than `minimum` are known.

    It is that of their median; where most of them are next to nothing, as in a series of few distinct values, that of their mean.
    """

    def work(rows: FloatArray) -> FloatArray:
        ordered = np.sort(np.abs(rows), axis=1)
        counts = _known(ordered)
        limit = sorted_quantile(ordered, counts, 0.99)
        total = np.where(np.isnan(ordered), 0.0, np.minimum(ordered, limit[:, None])).sum(axis=1)
        middle = sorted_quantile(ordered, counts, 0.5)
        size = np.maximum(MAD * middle, 0.8 * total / np.maximum(counts, 1))
        return np.where(counts >= minimum, size, np.nan)[:, None]

    return work


def mean_and_deviation(minimum: int) -> Callable[[FloatArray], FloatArray]:
    """Work for `over_past`: mean and standard deviation, NaN where fewer than `minimum` are known."""

    def work(rows: FloatArray) -> FloatArray:
        known = ~np.isnan(rows)
        counts = np.count_nonzero(known, axis=1)
        safe = np.maximum(counts, 1)
        mean = np.where(known, rows, 0.0).sum(axis=1) / safe
        apart = np.where(known, rows - mean[:, None], 0.0)
        deviation = np.sqrt((apart**2).sum(axis=1) / safe)
        return np.where((counts >= minimum)[:, None], np.stack([mean, deviation], axis=1), np.nan)

    return work


def never_negative(values: FloatArray) -> npt.NDArray[np.bool_]:
    """Whether no value before a point was negative."""
    kept = np.logical_and.accumulate(~(values < 0), axis=1)
    return np.concatenate([np.ones((len(values), 1), dtype=bool), kept[:, :-1]], axis=1)


def rarely_negative(
    values: FloatArray, share: float, negative: FloatArray | float = 0.0, known: FloatArray | float = 0.0
) -> npt.NDArray[np.bool_]:
    """Whether at most a `share` of the known values before a point were negative; of those before the first one `negative` of `known`."""
    found = negative + np.cumsum(values < 0, axis=1) <= share * (known + np.cumsum(~np.isnan(values), axis=1))
    begun = np.broadcast_to(np.asarray(negative <= share * known), (len(values), 1))
    return np.concatenate([begun, found[:, :-1]], axis=1)
