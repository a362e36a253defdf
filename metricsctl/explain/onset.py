"""When it really began: a step put through the deviations, and how far into its first window."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from metricsctl.core.durations import US
from metricsctl.explain.panel import Axis
from metricsctl.explain.suspects import Onset

__all__ = ["onset_of", "started", "step_start", "stretch_at"]

FloatArray = npt.NDArray[np.float64]
_CLIP = 8.0
_SPIKE = 4.0  # what one window may add to a stretch: a spike beside a calm window does not draw it in
_REACH = 64  # windows on either side that an episode can reach
_FAR = 3.5  # how far out a stretch must be in all, in standard deviations of one window
_ALIKE = 1.5  # neighbours are alike: the likelihood of an onset is taken to this root
_SELDOM = 0.01  # probability below which a window is not thought of
_TOLERANCE = 0.25  # of a window: how exactly the time within the first window is known


def step_start(deviation: FloatArray, first: int, last: int) -> int:
    """The window in [first, last] from which on a step up to `last` fits the deviations (in standard deviations) best, by least squares.

    >>> step_start(np.array([0.3, 1.2, -0.4, 6, 7, 5, 6.0]), 0, 6)
    3
    """
    known = np.clip(np.nan_to_num(deviation[first : last + 1], nan=0.0), -_CLIP, _CLIP)
    gain = np.cumsum(known[::-1])[::-1] ** 2 / np.arange(len(known), 0, -1)
    return first + int(np.argmax(gain))


def stretch_at(deviation: FloatArray, first: int, last: int) -> tuple[int, int]:
    """The stretch of windows around [first, last] that is furthest out of the ordinary, or they themselves if none is.

    Of all stretches that hold them the one with the largest (sum of deviations)^2 / length on the same side: a scan statistic. Windows that
    are calm, or on the other side, in the midst of an episode belong to it: it must stand out on its own both before and after them.

    >>> stretch_at(np.array([0.1, -0.3, 4, 5, 0.5, 4, 0.2, -0.1]), 4, 4)
    (2, 5)
    >>> stretch_at(np.array([0.1, -4, -5, -5, 0.5, -5, -4, 0.2]), 4, 4), stretch_at(np.array([0.1, -4, -5, -5, 0.5, 0.2, -0.1]), 4, 4)
    ((1, 6), (4, 4))
    """
    side = float(np.sign(np.nansum(deviation[first : last + 1]))) or 1.0
    gain, found = _furthest(side * deviation, first, last)
    around, wider = _furthest(-side * deviation, first, last, apart=True)
    if around > gain:
        gain, found = around, wider
    return found if gain >= _FAR**2 else (first, last)


def _furthest(deviation: FloatArray, first: int, last: int, *, apart: bool = False) -> tuple[float, tuple[int, int]]:
    """The gain of the best stretch upwards around [first, last]; `apart`: 0 unless what is on either side of them stands out by itself."""
    low, high = max(0, first - _REACH), min(len(deviation) - 1, last + _REACH)
    sums = np.concatenate([[0.0], np.cumsum(np.clip(np.nan_to_num(deviation[low : high + 1], nan=0.0), -_SPIKE, _SPIKE))])
    starts, ends = np.arange(low, first + 1), np.arange(last, high + 1)
    before, after = sums[first - low] - sums[starts - low], sums[ends - low + 1] - sums[last - low + 1]
    sides = [
        np.max(np.maximum(side, 0.0) ** 2 / np.maximum(length, 1)) for side, length in ((before, first - starts), (after, ends - last))
    ]
    if apart and min(sides) < _FAR**2:
        return 0.0, (first, last)
    gain = np.maximum(sums[ends - low + 1][None, :] - sums[starts - low][:, None], 0.0) ** 2 / (ends[None, :] - starts[:, None] + 1)
    place = int(np.argmax(gain))
    return float(gain.flat[place]), (int(starts[place // len(ends)]), int(ends[place % len(ends)]))


def started(deviation: FloatArray, first: int, last: int) -> FloatArray:
    """How probably a step up to `last` began with each window of [first, last]: by least squares, each start as likely before.

    >>> started(np.array([0.3, 1.2, -0.4, 6, 7, 5, 6.0]), 0, 6).round(2).tolist()
    [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]
    """
    known = np.clip(np.nan_to_num(deviation[first : last + 1], nan=0.0), -_CLIP, _CLIP)
    gain = np.cumsum(known[::-1])[::-1] ** 2 / np.arange(len(known), 0, -1) / 2 / _ALIKE
    weight = np.exp(gain - gain.max())
    return np.asarray(weight / weight.sum(), dtype=np.float64)


def onset_of(axis: Axis, relative: FloatArray, first: int, last: int, before: FloatArray | None = None) -> Onset:
    """The onset within the first window of an episode: a window that is hit by a half began in its middle.

    `before` is the probability of each window up to `last` (the last one of them) that it began there, if that is not sure. `relative` is
    the deviation of each window as a share of what was expected. A single window does not tell where in it things began.
    """
    start, end = int(axis.times[first]), axis.windows.next(int(axis.times[first]))
    scale = max(2 * US["h"], 2 * (end - start))
    after = relative[first + 1 : min(last, first + 3) + 1]
    full = float(np.median(after[np.isfinite(after)])) if np.isfinite(after).any() else 0.0
    if not full or not np.isfinite(relative[first]):
        return Onset(start, start, end - 1, scale, _others(axis, first, last, before))
    share = float(np.clip(relative[first] / full, 0.0, 1.0))
    time = int(end - share * (end - start))
    return Onset(start, time, min(end - 1, int(time + _TOLERANCE * (end - start))), scale, _others(axis, first, last, before))


def _others(axis: Axis, first: int, last: int, before: FloatArray | None) -> tuple[tuple[int, int, float], ...]:
    if before is None:
        return ()
    places = enumerate(before.tolist(), last + 1 - len(before))
    found = [(place, weight) for place, weight in places if place != first and weight >= _SELDOM]
    return tuple((int(axis.times[place]), axis.windows.next(int(axis.times[place])), weight) for place, weight in found)
