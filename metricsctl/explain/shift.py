"""By how much a series moved at a time that is known only roughly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Shift", "shift_of"]

FloatArray = npt.NDArray[np.float64]
_GAP = 0.05  # of the time before and after: not looked at, for the time of the onset may be as wrong
_PART = 0.3  # of the time after, in which a move is seen at least
_USUAL = 0.5244  # the quantile of a standard normal that _PART of its values exceed
_FLOOR = 0.005  # of the level: the smallest spread that counts
_MOST = 50.0
_FEWEST = 3
_MEDIAN = 1.25  # the standard error of a median, in those of a mean
_BY_SIZE, _BY_SIGNIFICANCE = 4.0, 0.75  # three quarters of a standard deviation, and four standard errors, are as likely as not a move


@dataclass(frozen=True, slots=True)
class Shift:
    """How clearly a series rose and fell after a time, from 0 to 50, 3 being as likely as not; from `start` on it was out."""

    up: float
    down: float
    start: float | None


def shift_of(times: FloatArray, values: FloatArray, onset: float) -> Shift | None:
    """The shift of one series around `onset`; times in order, shape (n,). None if too little is known before or after.

    The level is the median of what lies before. The scale is the median absolute deviation, plus how far the halves before differ (so
    that a drift is not taken for a move), at least half a percent of the level. Rise and fall are the value that three in ten points after
    the onset exceed on that side, less what noise would give. The twentieth before and after the onset is left out, and medians and
    quantiles do not mind a few wrong points: a start time that is 5 % of the window wrong changes nothing but by chance.
    """
    gap_before, gap_after = _GAP * (onset - times[0]), _GAP * (times[-1] - onset)
    before, after = values[times < onset - gap_before], values[times >= onset + gap_after]
    if len(before) < _FEWEST or len(after) < _FEWEST:
        return None
    level = float(np.median(before))
    half = len(before) // 2
    drift = abs(float(np.median(before[half:])) - float(np.median(before[:half]))) if half >= _FEWEST else 0.0
    scale = 1.4826 * float(np.median(np.abs(before - level))) + drift
    scale = max(scale, _FLOOR * abs(level))
    out = (values - level) / scale if scale > 0 else np.sign(values - level) * _MOST
    late = out[times >= onset + gap_after]
    sure = 1 / (_MEDIAN * np.sqrt(_inflation(out[times < onset - gap_before]) * (1 / len(before) + 1 / len(late))))
    up, down = float(np.quantile(late, 1 - _PART)) - _USUAL, -float(np.quantile(late, _PART)) - _USUAL
    return Shift(_clear(up, sure), _clear(down, sure), _start(times, np.clip(out, -8, 8), onset - gap_before))


def _clear(size: float, sure: float) -> float:
    """How clear a move is: by its size, and by its significance (`sure`: standard errors for each standard deviation)."""
    return float(np.clip(min(_BY_SIZE * size, _BY_SIGNIFICANCE * size * sure), 0.0, _MOST))


def _inflation(out: FloatArray) -> float:
    """How many times the variance of a mean is larger because neighbours are alike."""
    rest = np.clip(out, -4, 4)
    rest = rest - rest.mean()
    square = float(np.sum(rest * rest))
    alike = float(np.clip(np.sum(rest[1:] * rest[:-1]) / square, 0.0, 0.95)) if square > 0 else 0.0
    return (1 + alike) / (1 - alike)


def _start(times: FloatArray, out: FloatArray, since: float) -> float | None:
    """The time from which on a step up to the end fits best, by least squares."""
    inside = np.flatnonzero(times >= since)
    if not len(inside):
        return None
    sums = np.cumsum(out[inside][::-1])[::-1]
    return float(times[inside[int(np.argmax(sums**2 / np.arange(len(inside), 0, -1)))]])
