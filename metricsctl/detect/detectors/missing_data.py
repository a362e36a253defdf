"""Missing data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from metricsctl.detect.base import FloatArray, rowwise
from metricsctl.detect.detectors.seasonal_robust_z import Season, lagged

__all__ = ["MissingData"]


@dataclass(frozen=True, slots=True)
class MissingData:
    r"""Surprise that a window has no value though windows at this time of the season do.

    $$ s_t = \sum_{i \in \text{run up to } t} -\log_{10} \frac{m_i + 1/2}{n_i + 1} $$

    Of the n windows before i that were expected to have a value, m had none. A window is expected when three quarters of those at its time
    of the season had a value; the sum runs over the expected windows that are missing in a row. 0 where there is a value, or where none is
    expected.

    Parameters
    ----------
    season : Season
        What "this time" means; `Season(1, ...)` where there is none.

    References
    ----------
    Laplace's rule of succession, with Jeffreys' prior.

    Examples
    --------
    >>> import numpy as np
    >>> MissingData(Season(1, 8, 3)).score(np.array([1, 1, 1, 1, 1, 1, np.nan, np.nan])).round(2)
    array([ nan,  nan,  nan, 0.  , 0.  , 0.  , 0.9 , 1.43])
    """

    invariant: ClassVar[frozenset[str]] = frozenset({"scale", "shift"})
    horizons: ClassVar[tuple[int, ...]] = (1,)

    season: Season = field(default_factory=lambda: Season(1, 24, 8))

    def score(self, values: FloatArray) -> FloatArray:
        """Score every window by its past alone; NaN while warming up. Shape (n,) or (series, n)."""
        return rowwise(values, self._score)

    def _score(self, values: FloatArray) -> FloatArray:
        present = ~np.isnan(values)
        begun = np.logical_or.accumulate(present, axis=1)
        before = lagged(np.where(begun, present.astype(np.float64), np.nan), self.season)
        known = np.count_nonzero(~np.isnan(before), axis=0)
        seen = np.nansum(before, axis=0)
        ready = known >= self.season.minimum
        expected = ready & (seen >= 0.75 * known)
        missed = expected & ~present
        earlier_expected = np.cumsum(expected, axis=1) - expected
        earlier_missed = np.cumsum(missed, axis=1) - missed
        surprise = -np.log10((earlier_missed + 0.5) / (earlier_expected + 1.0))
        total = np.cumsum(np.where(missed, surprise, 0.0), axis=1)
        reset = np.maximum.accumulate(np.where(present, total, 0.0), axis=1)
        return np.where(ready, np.where(missed, total - reset, 0.0), np.nan)
