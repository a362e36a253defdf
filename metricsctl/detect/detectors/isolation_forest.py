"""Isolation forest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from metricsctl.detect.base import FloatArray
from metricsctl.detect.refit import RefittedDetector

__all__ = ["IsolationForest"]


@dataclass(frozen=True, slots=True)
class IsolationForest(RefittedDetector):
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
    >>> import numpy as np
    >>> values = np.append(np.sin(np.arange(200.0)), 9.0)
    >>> bool(np.nanargmax(IsolationForest().score(values)) == 200)
    True
    """

    invariant: ClassVar[frozenset[str]] = frozenset()

    window: int = 2000
    refit: int = 200
    trees: int = 50
    minimum: int = 50
    seed: int = 0

    def fitted(self, past: FloatArray, block: FloatArray) -> FloatArray:
        """Scores of the features of a block by those of the past."""
        from sklearn.ensemble import IsolationForest as Forest

        forest = Forest(n_estimators=self.trees, max_samples=min(256, len(past)), random_state=self.seed).fit(past)
        scores: FloatArray = -forest.score_samples(block)
        return scores
