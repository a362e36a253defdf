"""Robust z-score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from metricsctl.detect.base import Band, FloatArray, rowwise
from metricsctl.detect.rolling import median_and_mad, over_past

__all__ = ["RobustZ"]


@dataclass(frozen=True, slots=True)
class RobustZ:
    r"""Distance from the median of the past, in robust standard deviations.

    $$ s_t = \frac{|x_t - \operatorname{med}(x_{t-w..t-1})|}{1.4826 \operatorname{MAD}(x_{t-w..t-1}) + f\,|\operatorname{med}|} $$

    Both are refreshed each time a twelfth of the window has passed.

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
    horizons: ClassVar[tuple[int, ...]] = (1,)

    window: int = 288
    floor: float = 0.01
    minimum: int = 20

    def band(self, values: FloatArray) -> Band:
        """Median and robust standard deviation of the past."""
        median, deviation = over_past(values, self.window, max(1, self.window // 12), median_and_mad(self.minimum))
        return Band(median, deviation + self.floor * np.abs(median))

    def score(self, values: FloatArray) -> FloatArray:
        """Score every point by its past alone; NaN while warming up. Shape (n,) or (series, n)."""
        return rowwise(values, lambda table: self.band(table).score(table))
