"""Detectors of other libraries, fitted again and again to what is past by then."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from metricsctl.detect.base import FloatArray
from metricsctl.detect.windowed import WindowedDetector

__all__ = ["RefittedDetector"]

_BACK = 6  # points that the features of one look at
_MOST = 1e6  # times the usual deviation: some of them compute in single precision


class RefittedDetector(WindowedDetector):
    """A detector that gives `fitted`, and has the parameters `window`, `refit` and `minimum`.

    Every `refit` points it is fitted to the features of the last `window`, once `minimum` of them are known.
    """

    window: int
    refit: int
    minimum: int

    def fitted(self, past: FloatArray, block: FloatArray) -> FloatArray:
        """Scores of a block by the past: of features, shape (points, 3), in units of those of the past."""
        raise NotImplementedError

    @property
    def look_back(self) -> int:
        """Points of the past that are looked at."""
        return self.window + self.refit + _BACK

    def judged(self, table: FloatArray, begin: int, first: int) -> FloatArray:
        """What the last fit before each point says."""
        rows = [self._one(row, begin, first) for row in table]
        return np.stack(rows) if rows else table[:, first - begin :]

    def _one(self, values: FloatArray, begin: int, first: int) -> FloatArray:
        features = _features(values)
        usable: npt.NDArray[np.bool_] = np.isfinite(features.sum(axis=1))
        end, least = begin + len(values), self.minimum + _BACK
        found = np.full(end - first, np.nan)
        for fit in range(least + max(first - least, 0) // self.refit * self.refit, end, self.refit):
            known = slice(max(fit - self.window - begin, 0), fit - begin)
            past = features[known][usable[known]]
            block = np.arange(max(fit, first), min(fit + self.refit, end))
            block = block[usable[block - begin]]
            if len(past) >= self.minimum and len(block):
                centre = np.median(past, axis=0)
                spread = np.median(np.abs(past - centre), axis=0)
                spread = np.where(spread > 0, spread, 1.0)
                own = features[block - begin]
                found[block - first] = self.fitted(
                    np.clip((past - centre) / spread, -_MOST, _MOST), np.clip((own - centre) / spread, -_MOST, _MOST)
                )
        return found


def _features(values: FloatArray) -> FloatArray:
    """Value, step from the last one, distance from the mean of the last six; shape (n, 3)."""
    padded = np.concatenate([np.full(_BACK, np.nan), values])
    before = np.lib.stride_tricks.sliding_window_view(padded, _BACK)[:-1]
    return np.stack([values, values - padded[_BACK - 1 : -1], values - before.mean(axis=1)], axis=1)
