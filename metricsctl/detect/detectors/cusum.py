"""Cumulative sum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from metricsctl.detect.base import FloatArray, rowwise
from metricsctl.detect.rolling import median_and_mad, over_past

__all__ = ["Cusum"]

_MOST = 4.0  # standard deviations that one point may add: a spike is no shift


@dataclass(frozen=True, slots=True)
class Cusum:
    r"""How far the deviations from the usual level have added up on one side: small shifts that last.

    $$ s_t = \max(S^+_t, S^-_t), \quad S^\pm_t = \max(0,\; S^\pm_{t-1} \pm u_t - k), \quad
       u_t = \frac{x_t - \operatorname{med}}{1.4826 \operatorname{MAD} + f\,|\operatorname{med}|} $$

    Median and MAD are those of the last `window` points before t, so that a new level is learned in the end.

    Parameters
    ----------
    window : int
        Points of the past that the level is learned from.
    slack : float, k in the formula
        Standard deviations a point that count as none: half of the shift that is looked for.
    floor : float, f in the formula
        Smallest deviation that counts, as a share of the median's size.
    minimum : int
        Points of the past that must be known.

    References
    ----------
    Page (1954), Continuous Inspection Schemes.

    Examples
    --------
    >>> values = np.append(np.tile([9.0, 10.0, 11.0], 40), np.full(6, 12.0))
    >>> Cusum().score(values)[-6:].round(1)
    array([0.9, 1.7, 2.4, 3.2, 4. , 4.7])
    """

    invariant: ClassVar[frozenset[str]] = frozenset({"scale"})
    horizons: ClassVar[tuple[int, ...]] = (1,)

    window: int = 168
    slack: float = 0.5
    floor: float = 0.01
    minimum: int = 20

    def score(self, values: FloatArray) -> FloatArray:
        """Score every point by its past alone; NaN while warming up. Shape (n,) or (series, n)."""
        return rowwise(values, self._score)

    def _score(self, values: FloatArray) -> FloatArray:
        step = max(1, self.window // 24)
        median, deviation = over_past(values, self.window, step, median_and_mad(self.minimum))
        scale = deviation + self.floor * np.abs(median)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            away = np.where(values == median, 0.0, (values - median) / scale)
        away = np.clip(away, -_MOST, _MOST)
        known = ~np.isnan(away)
        sums = [_excess(np.where(known, side * np.nan_to_num(away) - self.slack, 0.0)) for side in (1, -1)]
        return np.where(known, np.maximum(*sums), np.nan)


def _excess(steps: FloatArray) -> FloatArray:
    """A running sum that begins anew wherever it would fall below 0: how far the plain one is above its least value so far."""
    total = np.cumsum(steps, axis=1)
    found: FloatArray = total - np.minimum(np.minimum.accumulate(total, axis=1), 0.0)
    return found
