"""Local outlier factor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from metricsctl.detect.base import FloatArray
from metricsctl.detect.refit import RefittedDetector

__all__ = ["Lof"]

_MOST = 1e9


@dataclass(frozen=True, slots=True)
class Lof(RefittedDetector):
    r"""How much thinner the past lies around a point than around the neighbours that it has there.

    $$ s_t = \max\Bigl(\frac{1}{k} \sum_{i \in N_k(f_t)} \frac{\operatorname{lrd}(f_i)}{\operatorname{lrd}(f_t)} - 1,\; 0\Bigr), \quad
       f_t = (x_t,\; x_t - x_{t-1},\; x_t - \operatorname{mean}(x_{t-6..t-1})) $$

    lrd is the local reachability density, N_k are the k nearest of the past. They are learned anew every `refit` points.

    Parameters
    ----------
    window : int
        Points of the past that are neighbours.
    refit : int
        Points after which they are learned anew.
    neighbours : int, k in the formula
        Neighbours that are compared with.
    minimum : int
        Points of the past that must be known.

    References
    ----------
    Breunig, Kriegel, Ng and Sander (2000), LOF: Identifying Density-Based Local Outliers.

    Examples
    --------
    >>> values = np.append(np.sin(np.arange(200.0)), 9.0)
    >>> int(np.nanargmax(Lof().score(values)))
    200
    """

    invariant: ClassVar[frozenset[str]] = frozenset()

    window: int = 1000
    refit: int = 200
    neighbours: int = 20
    minimum: int = 50

    def fitted(self, past: FloatArray, block: FloatArray) -> FloatArray:
        """Scores of the features of a block by those of the past."""
        from sklearn.neighbors import LocalOutlierFactor

        if (past == past[0]).all():  # no density to compare with
            return np.where((block == past[0]).all(axis=1), 0.0, _MOST)
        factor = LocalOutlierFactor(n_neighbors=min(self.neighbours, len(past) - 1), novelty=True).fit(past)
        scores: FloatArray = np.clip(-factor.score_samples(block) - 1, 0.0, _MOST)
        return scores
