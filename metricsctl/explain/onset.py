"""When it really began: a step put through the deviations, and how far into its first window."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from metricsctl.core.durations import US
from metricsctl.explain.changes import Onset
from metricsctl.explain.panel import Axis

__all__ = ["onset_of", "step_start", "stretch_at"]

FloatArray = npt.NDArray[np.float64]
_CLIP = 8.0
_SPIKE = 4.0  # what one window may add to a stretch: a spike beside a calm window does not draw it in
_REACH = 64  # windows on either side that an episode can reach
_FAR = 4.0  # how far out a stretch must be in all, in standard deviations of one window
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

    Of all stretches that hold them the one with the largest (sum of deviations)^2 / length on the same side: a scan statistic.

    >>> stretch_at(np.array([0.1, -0.3, 4, 5, 0.5, 4, 0.2, -0.1]), 4, 4)
    (2, 5)
    """
    side = np.sign(np.nansum(deviation[first : last + 1]))
    low, high = max(0, first - _REACH), min(len(deviation) - 1, last + _REACH)
    sums = np.concatenate([[0.0], np.cumsum(np.clip(np.nan_to_num(side * deviation[low : high + 1], nan=0.0), -_SPIKE, _SPIKE))])
    starts, ends = np.arange(low, first + 1), np.arange(last, high + 1)
    gain = np.maximum(sums[ends - low + 1][None, :] - sums[starts - low][:, None], 0.0) ** 2 / (ends[None, :] - starts[:, None] + 1)
    place = int(np.argmax(gain))
    if gain.flat[place] < _FAR**2:
        return first, last
    return int(starts[place // len(ends)]), int(ends[place % len(ends)])


def onset_of(axis: Axis, relative: FloatArray, first: int, last: int) -> Onset:
    """The onset within the first window of an episode: a window that is hit by a half began in its middle.

    `relative` is the deviation of each window as a share of what was expected. A single window does not tell where in it things began.
    """
    start, end = int(axis.times[first]), axis.windows.next(int(axis.times[first]))
    scale = max(2 * US["h"], 2 * (end - start))
    full = np.nanmedian(relative[first + 1 : min(last, first + 3) + 1]) if last > first else np.nan
    if not np.isfinite(full) or not full or not np.isfinite(relative[first]):
        return Onset(start, start, end - 1, scale)
    share = float(np.clip(relative[first] / full, 0.0, 1.0))
    time = int(end - share * (end - start))
    return Onset(start, time, min(end - 1, int(time + _TOLERANCE * (end - start))), scale)
