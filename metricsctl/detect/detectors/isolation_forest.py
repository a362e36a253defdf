"""Isolation forest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from metricsctl.detect.base import FloatArray, rowwise
from metricsctl.detect.refit import refitted

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
        return rowwise(values, lambda table: np.stack([self._one(row) for row in table]) if len(table) else table)

    def _one(self, values: FloatArray) -> FloatArray:
        return refitted(values, self.window, self.refit, self.minimum, self._scores)

    def _scores(self, past: FloatArray, block: FloatArray) -> FloatArray:
        from sklearn.ensemble import IsolationForest as Forest

        forest = Forest(n_estimators=self.trees, max_samples=min(256, len(past)), random_state=self.seed).fit(past)
        scores: FloatArray = -forest.score_samples(block)
        return scores
