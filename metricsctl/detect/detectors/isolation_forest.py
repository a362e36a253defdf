"""Isolation forest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from metricsctl.detect.base import FloatArray, rowwise

__all__ = ["IsolationForest"]


@dataclass(frozen=True, slots=True)
class IsolationForest:
    r"""How easily a point is set apart by random cuts, from the points before it.

    $$ s_t = 2^{-\operatorname{E}[h(f_t)] / c(n)}, \quad f_t = (x_t,\; x_t - x_{t-1},\; x_t - \operatorname{mean}(x_{t-6..t-1})) $$

    h is the number of cuts until f_t stands alone, c(n) its mean among n points. The forest is grown anew every `refit` points from what is
    past by then.

    Parameters
    ----------
    window : int
        Points of the past that it is grown from.
    refit : int
        Points after which it is grown anew.
    trees : int
        Trees of the forest.
    minimum : int
        Points of the past that must be known.
    seed : int
        Of the random cuts.

    References
    ----------
    Liu, Ting and Zhou (2008), Isolation Forest.

    Examples
    --------
    >>> values = np.append(np.sin(np.arange(200.0)), 9.0)
    >>> bool(np.nanargmax(IsolationForest().score(values)) == 200)
    True
    """

    invariant: ClassVar[frozenset[str]] = frozenset()
    horizons: ClassVar[tuple[int, ...]] = (1,)

    window: int = 2000
    refit: int = 200
    trees: int = 50
    minimum: int = 50
    seed: int = 0

    def score(self, values: FloatArray) -> FloatArray:
        """Score every point by its past alone, from 0 to 1; NaN while warming up. Shape (n,) or (series, n)."""
        return rowwise(values, lambda table: np.stack([self._score_one(row) for row in table]) if len(table) else table)

    def _score_one(self, values: FloatArray) -> FloatArray:
        features = _features(values)
        usable: npt.NDArray[np.bool_] = np.isfinite(features.sum(axis=1))
        found = np.full(len(values), np.nan)
        for first in range(self.minimum + 6, len(values), self.refit):
            past = features[max(0, first - self.window) : first][usable[max(0, first - self.window) : first]]
            block = np.flatnonzero(usable[first : first + self.refit]) + first
            if len(past) >= self.minimum and len(block):
                found[block] = self._forest_scores(past, features[block])
        return found

    def _forest_scores(self, past: FloatArray, block: FloatArray) -> FloatArray:
        from sklearn.ensemble import IsolationForest as Forest

        centre = np.median(past, axis=0)
        spread = np.median(np.abs(past - centre), axis=0)
        spread = np.where(spread > 0, spread, 1.0)

        def bounded(features: FloatArray) -> FloatArray:
            """In units of the past, since the trees compute in single precision."""
            inside: FloatArray = np.clip((features - centre) / spread, -1e6, 1e6)
            return inside

        forest = Forest(n_estimators=self.trees, max_samples=min(256, len(past)), random_state=self.seed).fit(bounded(past))
        scores: FloatArray = -forest.score_samples(bounded(block))
        return scores


def _features(values: FloatArray) -> FloatArray:
    """Value, step from the last one, distance from the mean of the last six; shape (n, 3)."""
    padded = np.concatenate([np.full(6, np.nan), values])
    before = np.lib.stride_tricks.sliding_window_view(padded, 6)[:-1]
    return np.stack([values, values - padded[5:-1], values - before.mean(axis=1)], axis=1)
