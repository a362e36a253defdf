"""Flat line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from metricsctl.detect.base import FloatArray, rowwise

__all__ = ["FlatLine"]


@dataclass(frozen=True, slots=True)
class FlatLine:
    r"""Surprise that a value stands still though it usually moves: a sensor that is stuck, a job that writes its last result again.

    $$ s_t = -r_t \log_{10} \frac{m_t + 1/2}{n_t + 1} $$

    r is the number of points in a row that repeat the one before them, t the last of them; of the n steps before this run m had been
    repetitions. 0 for a series of which half of the steps are: standing still is its habit.

    Parameters
    ----------
    minimum : int
        Steps of the past that must be known.

    References
    ----------
    Laplace's rule of succession, with Jeffreys' prior.

    Examples
    --------
    >>> values = np.append(np.arange(40.0), [39.0, 39.0, 40.0])
    >>> FlatLine().score(values)[-4:].round(1)
    array([0. , 1.9, 3.8, 0. ])
    """

    invariant: ClassVar[frozenset[str]] = frozenset({"scale"})
    horizons: ClassVar[tuple[int, ...]] = (1,)

    minimum: int = 20

    def score(self, values: FloatArray) -> FloatArray:
        """Score every point by its past alone; NaN while warming up. Shape (n,) or (series, n)."""
        return rowwise(values, self._score)

    def _score(self, values: FloatArray) -> FloatArray:
        places = np.arange(values.shape[1])
        known = ~np.isnan(values)
        latest = np.maximum.accumulate(np.where(known, places, -1), axis=1)
        before = np.concatenate([np.full((len(values), 1), -1), latest[:, :-1]], axis=1)
        last = np.where(before >= 0, np.take_along_axis(values, np.maximum(before, 0), axis=1), np.nan)
        step = known & (before >= 0)
        same = step & (values == last)
        repeated, steps = np.cumsum(same, axis=1), np.cumsum(step, axis=1)
        moved = np.maximum.accumulate(np.where(known & ~same, places, 0), axis=1)  # the last point that was new: the run began there
        at = np.take_along_axis
        run = repeated - at(repeated, moved, axis=1)
        share = (at(repeated, moved, axis=1) + 0.5) / (at(steps, moved, axis=1) + 1.0)
        found = np.where(share < 0.5, -run * np.log10(np.minimum(share, 0.5)), 0.0) + 0.0
        return np.where(known & (at(steps, moved, axis=1) >= self.minimum), found, np.nan)
