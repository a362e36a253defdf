"""The statistics: Student's t, Kolmogorov and Smirnov's test of two samples, the false discovery rate. Numpy alone."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["KOLMOGOROV_MEAN", "ks_distance", "ks_p", "q_values", "robust_spread", "t_quantile", "t_two_sided"]

Floats = npt.NDArray[np.float64]
_MAD_TO_SD = 1.4826  # of normal values
KOLMOGOROV_MEAN = math.sqrt(math.pi / 2) * math.log(2)
"""The mean of the distance times the root of the number of values."""


def robust_spread(values: Floats) -> float:
    """The standard deviation that the median distance from the median stands for; 0 without values."""
    if not len(values):
        return 0.0
    return _MAD_TO_SD * float(np.median(np.abs(values - np.median(values))))


def t_two_sided(t: float, freedom: float) -> float:
    """The probability of a value of Student's t at least so far from 0, by the incomplete beta function.

    >>> round(t_two_sided(2.2622, 9), 4), t_two_sided(0.0, 5)
    (0.05, 1.0)
    """
    return _beta(freedom / 2, 0.5, freedom / (freedom + t * t))


def t_quantile(p: float, freedom: float) -> float:
    """The t that is exceeded, on both sides together, with probability `p`.

    >>> round(t_quantile(0.05, 9), 3)
    2.262
    """
    low, high = 0.0, 1.0
    while t_two_sided(high, freedom) > p:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if t_two_sided(middle, freedom) > p else (low, middle)
    return high


def _beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function, by Lentz's continued fraction (Press et al., Numerical Recipes, 6.4)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - _beta(b, a, 1 - x)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)) / a
    tiny = 1e-300
    c, d = 1.0, 1 / _not_zero(1 - (a + b) * x / (a + 1), tiny)
    fraction = d
    for m in range(1, 300):
        for factor in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / _not_zero(1 + factor * d, tiny)
            c = _not_zero(1 + factor / c, tiny)
            fraction *= c * d
        if abs(c * d - 1) < 1e-14:
            break
    return front * fraction


def _not_zero(value: float, tiny: float) -> float:
    return value if abs(value) > tiny else tiny


def ks_distance(first: Floats, second: Floats) -> float:
    """The largest distance between two empirical distributions.

    >>> ks_distance(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    1.0
    """
    everything = np.concatenate([first, second])
    one, other = (np.searchsorted(np.sort(sample), everything, side="right") / len(sample) for sample in (first, second))
    return float(np.max(np.abs(one - other)))


def ks_p(distance: float, size: float) -> float:
    """The probability of at least this distance between samples of one distribution; `size` is the root of nm / (n + m) independent values.

    The limit of Kolmogorov with Stephens' correction (Journal of the Royal Statistical Society B 32, 1970).
    """
    scaled = (size + 0.12 + 0.11 / size) * distance
    if scaled < 0.2:  # the series does not converge there, and the probability is 1
        return 1.0
    total = sum((1 if term % 2 else -1) * math.exp(-2 * (term * scaled) ** 2) for term in range(1, 101))
    return min(max(2 * total, 0.0), 1.0)


def q_values(p_values: Sequence[float]) -> list[float]:
    """The false discovery rate at which each is found (Benjamini and Hochberg, Journal of the Royal Statistical Society B 57, 1995).

    >>> q_values([0.01, 0.04, 0.03, 0.5])
    [0.04, 0.05333333333333334, 0.05333333333333334, 0.5]
    """
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    found, least = [1.0] * len(p_values), 1.0
    for rank in range(len(order), 0, -1):
        place = order[rank - 1]
        least = min(least, p_values[place] * len(order) / rank)
        found[place] = least
    return found
