"""By how much a series moved at a time that is known only roughly."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Shift", "settled", "shift_of"]

FloatArray = npt.NDArray[np.float64]
_NEAR = 0.075  # of the window: how far from the onset that is given the real one is looked for; that may be 0.05 wrong
_GAP = 0.02  # of the time before and after: not looked at, for no move is sudden everywhere
_PART = 0.3  # of the time after, in which a move is seen at least
_USUAL = 0.5244  # the quantile of a standard normal that _PART of its values exceed
_FLOOR = 0.005  # of the level: the smallest spread that counts
_MOST = 50.0
_FEWEST = 3
_CLIP = 8.0  # spreads that one value may lie out
_USUAL_STEP = 0.954  # the median of the steps between values of a standard normal
_MEDIAN = 1.25  # the standard error of a median, in those of a mean
_BY_SIZE, _BY_SIGNIFICANCE = 4.0, 0.75  # three quarters of a standard deviation, and four standard errors, are as likely as not a move


@dataclass(frozen=True, slots=True)
class Shift:
    """How clearly a series rose and fell after a time, from 0 to 50, 3 being as likely as not; from `start` on it was out."""

    up: float
    down: float
    start: float | None


def settled(found: Iterable[tuple[FloatArray, FloatArray]], onset: float) -> float:
    """When it really began: the time near `onset` at which several series (times, values) most likely stepped.

    Each of them stepped then, or did not, as likely before: the likelihood of a step is that of two means with a common, robust spread,
    less for series whose neighbours are alike. So an `onset` that is somewhat wrong gives the same time, unless there is no step to see.
    """
    series = [(times, values) for times, values in found if len(times) > 2 * _FEWEST]
    if not series:
        return onset
    span = max(float(times[-1]) for times, _ in series) - min(float(times[0]) for times, _ in series)
    near = np.unique(np.concatenate([times[np.abs(times - onset) <= _NEAR * span] for times, _ in series]))
    if not len(near):
        return onset
    likely = np.zeros(len(near))
    for times, values in series:
        likely += np.logaddexp(0.0, _step_gain(times, values, near)) - np.log(2)
    return float(near[int(np.argmax(likely))]) if likely.any() else onset


def _step_gain(times: FloatArray, values: FloatArray, candidates: FloatArray) -> FloatArray:
    """By how much a step at each of some times explains a series better than none: the difference of the log likelihoods."""
    steps = np.abs(np.diff(values))
    spread = max(1.4826 * float(np.median(np.abs(values - np.median(values)))), float(np.median(steps)) / _USUAL_STEP)
    out = np.clip((values - np.median(values)) / spread if spread > 0 else np.sign(values - np.median(values)), -_CLIP, _CLIP)
    number = len(values)
    before = np.searchsorted(times, candidates, side="left")
    sums = np.concatenate([[0.0], np.cumsum(out)])
    inside = (before >= _FEWEST) & (number - before >= _FEWEST)
    first = np.where(inside, before, _FEWEST)
    difference = (sums[number] - sums[first]) / (number - first) - sums[first] / first
    gain = difference**2 * first * (number - first) / number / 2 / _inflation(_without_step(out, first[int(np.argmax(difference**2))]))
    return np.asarray(np.where(inside, gain, 0.0), dtype=np.float64)


def _without_step(out: FloatArray, place: int) -> FloatArray:
    return np.concatenate([out[:place] - out[:place].mean(), out[place:] - out[place:].mean()])


def shift_of(times: FloatArray, values: FloatArray, onset: float) -> Shift | None:
    """The shift of one series around `onset`; times in order, shape (n,). None if too little is known before or after.

    The level is the median of what lies before. The scale is the median absolute deviation, plus how far the halves before differ (so
    that a drift is not taken for a move), at least half a percent of the level. Rise and fall are the difference of the means, outliers
    clipped, or for a move that does not last the value that three in ten points after the onset exceed on that side, less what noise would
    give: whichever is clearer. `onset` should be `settled`.
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
    early = out[times < onset - gap_before]
    sure = 1 / np.sqrt(_inflation(early) * (1 / len(before) + 1 / len(late)))
    up, down = float(np.quantile(late, 1 - _PART)) - _USUAL, -float(np.quantile(late, _PART)) - _USUAL
    whole = float(np.mean(np.clip(late, -4, 4)) - np.mean(np.clip(early, -4, 4)))
    up, down = (max(_clear(part, sure / _MEDIAN), _clear(all_, sure)) for part, all_ in ((up, whole), (down, -whole)))
    return Shift(up, down, _start(times, np.clip(out, -8, 8), onset - gap_before))


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
