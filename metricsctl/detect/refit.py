"""Detectors of other libraries, fitted again and again to what is past by then."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from metricsctl.detect.base import FloatArray

__all__ = ["refitted"]

_BACK = 6  # points that the features of one look at
_MOST = 1e6  # times the usual deviation: some of them compute in single precision


def refitted(values: FloatArray, window: int, every: int, minimum: int, work: Callable[[FloatArray, FloatArray], FloatArray]) -> FloatArray:
    """The scores of one series by `work(past, block)`, which is given the features of both, shape (points, 3), in units of the past."""
    features = _features(values)
    usable: npt.NDArray[np.bool_] = np.isfinite(features.sum(axis=1))
    found = np.full(len(values), np.nan)
    for first in range(minimum + _BACK, len(values), every):
        past = features[max(0, first - window) : first][usable[max(0, first - window) : first]]
        block = np.flatnonzero(usable[first : first + every]) + first
        if len(past) >= minimum and len(block):
            centre = np.median(past, axis=0)
            spread = np.median(np.abs(past - centre), axis=0)
            spread = np.where(spread > 0, spread, 1.0)
            found[block] = work(
                np.clip((past - centre) / spread, -_MOST, _MOST), np.clip((features[block] - centre) / spread, -_MOST, _MOST)
            )
    return found


def _features(values: FloatArray) -> FloatArray:
    """Value, step from the last one, distance from the mean of the last six; shape (n, 3)."""
    padded = np.concatenate([np.full(_BACK, np.nan), values])
    before = np.lib.stride_tricks.sliding_window_view(padded, _BACK)[:-1]
    return np.stack([values, values - padded[_BACK - 1 : -1], values - before.mean(axis=1)], axis=1)
