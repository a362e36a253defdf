"""Exponentially weighted moving average."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from metricsctl.detect.base import Band, FloatArray, rowwise

__all__ = ["Ewma"]


@dataclass(frozen=True, slots=True)
class Ewma:
    r"""Distance from the exponentially weighted mean of the past, in exponentially weighted standard deviations.

    $$ s_t = \frac{|x_t - m_{t-1}|}{\sqrt{v_{t-1}}}, \quad m_t = m_{t-1} + \lambda (x_t - m_{t-1}), \quad
       v_t = (1 - \lambda)(v_{t-1} + \lambda (x_t - m_{t-1})^2) $$

    A missing value leaves mean and variance as they are.

    Parameters
    ----------
    weight : float, lambda in the formula
        Of the newest value.
    minimum : int
        Points of the past that must be known.

    References
    ----------
    Roberts (1959), Control Chart Tests Based on Geometric Moving Averages; West (1979), Updating Mean and Variance Estimates.

    Examples
    --------
    >>> values = np.append(np.tile([9.0, 11.0], 20), 20.0)
    >>> Ewma().score(values)[-1].round(1)
    np.float64(10.2)
    """

    invariant: ClassVar[frozenset[str]] = frozenset({"scale", "shift"})
    horizons: ClassVar[tuple[int, ...]] = (1,)

    weight: float = 0.05
    minimum: int = 20

    def band(self, values: FloatArray) -> Band:
        """Mean and standard deviation of the past."""
        mean, scale = np.full(values.shape, np.nan), np.full(values.shape, np.nan)
        centre, variance, known = np.full(len(values), np.nan), np.zeros(len(values)), np.zeros(len(values))
        for place in range(values.shape[1]):
            ready = known >= self.minimum
            mean[:, place] = np.where(ready, centre, np.nan)
            scale[:, place] = np.where(ready, np.sqrt(variance), np.nan)
            value = values[:, place]
            present = ~np.isnan(value)
            first = present & (known == 0)
            apart = np.where(present & ~first, np.clip(value - centre, -1e120, 1e120), 0.0)
            centre = np.where(first, value, centre + self.weight * apart)
            variance = np.where(present & ~first, (1 - self.weight) * (variance + self.weight * apart**2), variance)
            known = known + present
        return Band(mean, scale)

    def score(self, values: FloatArray) -> FloatArray:
        """Score every point by its past alone; NaN while warming up. Shape (n,) or (series, n)."""
        return rowwise(values, lambda table: self.band(table).score(table))
