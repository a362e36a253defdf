"""Robust z-score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from metricsctl.detect.base import Band, FloatArray
from metricsctl.detect.rolling import median_and_mad, over_past
from metricsctl.detect.windowed import WindowedDetector

__all__ = ["RobustZ"]

_MOST = 1e9


@dataclass(frozen=True, slots=True)
class RobustZ(WindowedDetector):
    r"""Distance from the median of the past, in robust standard deviations.

    $$ s_t = \frac{|x_t - \operatorname{med}(x_{t-w..t-1})|}{1.4826 \operatorname{MAD}(x_{t-w..t-1}) + f\,|\operatorname{med}|} $$

    Both are refreshed each time a twelfth of the window has passed. Where more than half of the values are the same the MAD is zero; the
    standard deviation from the median then stands for 1.4826 MAD.

    Parameters
    ----------
    window : int, w in the formula
        Points of the past that are looked at.
    floor : float, f in the formula
        Smallest deviation that counts, as a share of the median's size; keeps a flat series from alarming at its first wiggle.
    minimum : int
        Points of the past that must be known.

    References
    ----------
    Iglewicz and Hoaglin (1993), How to Detect and Handle Outliers.

    Examples
    --------
    >>> import numpy as np
    >>> RobustZ(window=5, minimum=5).score(np.array([1, 2, 3, 2, 1, 9.0])).round(2)[-1]
    np.float64(4.66)
    """

    invariant: ClassVar[frozenset[str]] = frozenset({"scale"})

    window: int = 288
    floor: float = 0.01
    minimum: int = 20

    @property
    def look_back(self) -> int:
        """Points of the past that are looked at."""
        return self.window

    @property
    def refresh(self) -> int:
        """Points from one refresh of the statistics to the next."""
        return max(1, self.window // 12)

    @property
    def warm_up(self) -> int:
        """Points after which the first statistics are there."""
        return -(-self.minimum // self.refresh) * self.refresh

    def judged(self, table: FloatArray, begin: int, first: int) -> FloatArray:
        """Distances in robust standard deviations."""
        return np.minimum(self._band(table, first - begin).score(table[:, first - begin :]), _MOST)

    def band(self, values: FloatArray) -> Band:
        """Median and robust standard deviation of the past."""
        return self._band(values, 0)

    def _band(self, values: FloatArray, first: int) -> Band:
        median, deviation = over_past(values, self.window, self.refresh, median_and_mad(self.minimum), first)
        return Band(median, deviation + self.floor * np.abs(median))
