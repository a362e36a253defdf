"""Z-score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from metricsctl.detect.base import Band, FloatArray
from metricsctl.detect.rolling import mean_and_deviation, over_past
from metricsctl.detect.windowed import WindowedDetector

__all__ = ["ZScore"]


@dataclass(frozen=True, slots=True)
class ZScore(WindowedDetector):
    r"""Distance from the mean of the past, in standard deviations.

    $$ s_t = \frac{|x_t - \operatorname{mean}(x_{t-w..t-1})|}{\operatorname{sd}(x_{t-w..t-1})} $$

    Parameters
    ----------
    window : int, w in the formula
        Points of the past that are looked at.
    minimum : int
        Points of the past that must be known.

    References
    ----------
    Shewhart (1931), Economic Control of Quality of Manufactured Product.

    Examples
    --------
    >>> import numpy as np
    >>> ZScore(window=5, minimum=5).score(np.array([1, 2, 3, 2, 1, 9.0])).round(2)[-1]
    np.float64(9.62)
    """

    invariant: ClassVar[frozenset[str]] = frozenset({"scale", "shift"})

    window: int = 288
    minimum: int = 20

    @property
    def look_back(self) -> int:
        """Points of the past that are looked at."""
        return self.window

    def judged(self, table: FloatArray, begin: int, first: int) -> FloatArray:
        """Distances in standard deviations."""
        return self._band(table, first - begin).score(table[:, first - begin :])

    def band(self, values: FloatArray) -> Band:
        """Mean and standard deviation of the past."""
        return self._band(values, 0)

    def _band(self, values: FloatArray, first: int) -> Band:
        mean, deviation = over_past(values, self.window, 1, mean_and_deviation(self.minimum), first)
        return Band(mean, deviation)
