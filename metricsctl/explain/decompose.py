"""The change of a metric split over its inputs, to the last digit."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["Evaluate", "MixAndRate", "divisia", "exact", "mix_and_rate", "shapley", "split"]

FloatArray = npt.NDArray[np.float64]
Evaluate = Callable[[Mapping[str, FloatArray]], FloatArray]
_ALL_ORDERS = 10  # inputs up to which every subset is evaluated


def split(
    evaluate: Evaluate, powers: Mapping[str, float] | None, before: Mapping[str, float], after: Mapping[str, float]
) -> dict[str, float]:
    """The contribution of each input to f(after) - f(before); they add up to it (see `exact`).

    Log-mean Divisia where f is a product of powers of positive inputs, else Shapley values. All NaN where f has no value at an end.
    """
    start, end = (float(evaluate({name: np.array([value]) for name, value in point.items()})[0]) for point in (before, after))
    if not (math.isfinite(start) and math.isfinite(end)):
        return dict.fromkeys(before, math.nan)
    positive = start > 0 and end > 0 and all(before[name] > 0 and after[name] > 0 for name in before)
    parts = divisia(powers, before, after, start, end) if powers is not None and positive else shapley(evaluate, before, after)
    return dict(zip(parts, exact(list(parts.values()), end - start), strict=True))


def divisia(
    powers: Mapping[str, float], before: Mapping[str, float], after: Mapping[str, float], start: float, end: float
) -> dict[str, float]:
    r"""Logarithmic mean Divisia index, additive form.

    $$ \Delta_k = L(f_1, f_0)\, p_k \ln\frac{x_{k,1}}{x_{k,0}}, \qquad L(a, b) = \frac{a - b}{\ln a - \ln b} $$

    References
    ----------
    Ang (2005), The LMDI approach to decomposition analysis: a practical guide. Energy Policy 33.

    Examples
    --------
    >>> divisia({"price": 1, "sold": 1}, {"price": 2, "sold": 10}, {"price": 4, "sold": 5}, 20, 20)
    {'price': 13.862943611198906, 'sold': -13.862943611198906}
    """
    ratio = end / start
    mean = start if math.isclose(ratio, 1.0, rel_tol=1e-12) else (end - start) / math.log(ratio)
    return {name: mean * powers.get(name, 0.0) * math.log(after[name] / before[name]) for name in before}


def shapley(evaluate: Evaluate, before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """Shapley values: what each input adds when it moves, averaged over all orders in which they can move.

    With more than ten inputs over the given order and its reverse alone. An input that did not move adds nothing.

    References
    ----------
    Shapley (1953), A value for n-person games.

    >>> shapley(lambda x: x["a"] * x["b"], {"a": 1, "b": 2}, {"a": 3, "b": 4})
    {'a': 6.0, 'b': 4.0}
    """
    moved = [name for name in before if before[name] != after[name]]
    found = dict.fromkeys(before, 0.0)
    if not moved:
        return found
    if len(moved) > _ALL_ORDERS:
        for order in (moved, moved[::-1]):
            _walk(evaluate, before, after, order, found)
        return found
    subsets = np.array(list(itertools.product((False, True), repeat=len(moved))), dtype=bool).reshape(-1, len(moved))
    columns = {name: np.full(len(subsets), float(before[name])) for name in before}
    for place, name in enumerate(moved):
        columns[name] = np.where(subsets[:, place], float(after[name]), float(before[name]))
    values = np.nan_to_num(evaluate(columns), nan=0.0)
    size = len(moved)
    weights = np.array([math.factorial(k) * math.factorial(size - k - 1) / math.factorial(size) for k in range(size)])
    counts = subsets.sum(axis=1)
    for place, name in enumerate(moved):
        without = np.flatnonzero(~subsets[:, place])
        with_it = without + (1 << (size - 1 - place))
        found[name] = float(np.sum(weights[counts[without]] * (values[with_it] - values[without])))
    return found


def _walk(
    evaluate: Evaluate, before: Mapping[str, float], after: Mapping[str, float], order: Sequence[str], found: dict[str, float]
) -> None:
    """Add half of what each input adds in one order."""
    rows = len(order) + 1
    columns = {name: np.full(rows, float(value)) for name, value in before.items()}
    for place, name in enumerate(order):
        columns[name][place + 1 :] = after[name]
    values = np.nan_to_num(evaluate(columns), nan=0.0)
    for name, step in zip(order, np.diff(values).tolist(), strict=True):
        found[name] += step / 2


def exact(parts: Sequence[float], total: float) -> list[float]:
    """The parts with the rounding error put where it fits: their sum (`math.fsum`) is `total`, to the last digit of the largest of them.

    >>> math.fsum(exact([0.1, 0.1, 0.1], 0.3)) == 0.3
    True
    """
    found = list(parts)
    for _ in range(4):
        for place in sorted(range(len(found)), key=lambda place: -abs(found[place])):
            rest = math.fsum([total, *(-part for part in found)])
            if rest == 0 or math.fsum(found) == total:
                return found
            found[place] += rest
    return found


class MixAndRate:
    """The change of a rate by segment: `mix` because segments weigh more or less, `rate` because they themselves moved."""

    __slots__ = ("mix", "rate", "weight_after", "weight_before")

    def __init__(self, mix: FloatArray, rate: FloatArray, weight_before: FloatArray, weight_after: FloatArray) -> None:
        self.mix, self.rate = mix, rate
        self.weight_before, self.weight_after = weight_before, weight_after


def mix_and_rate(before: tuple[FloatArray, FloatArray], after: tuple[FloatArray, FloatArray]) -> MixAndRate:
    r"""Split the change of a rate N / D over segments; `before` and `after` are (N, D) by segment, D not negative.

    $$ \Delta R = \sum_i (w_{i,1} - w_{i,0}) \left(\tfrac{r_{i,0} + r_{i,1}}{2} - \bar R\right)
       + \sum_i \tfrac{w_{i,0} + w_{i,1}}{2} (r_{i,1} - r_{i,0}) $$

    with weights w = D_i / D, rates r = N_i / D_i, and the mean rate of both times. A segment that comes or goes has the rate of the time
    at which it was there.

    >>> found = mix_and_rate((np.array([50.0, 5.0]), np.array([100.0, 100.0])), (np.array([25.0, 7.5]), np.array([50.0, 150.0])))
    >>> round(found.mix.sum(), 4), round(found.rate.sum(), 4)
    (np.float64(-0.1125), np.float64(0.0))
    """
    weights, rates = [], []
    for numerator, denominator in (before, after):
        weights.append(denominator / max(denominator.sum(), 1e-300))
        rates.append(np.divide(numerator, denominator, out=np.full(len(numerator), np.nan), where=denominator > 0))
    first, second = (
        np.nan_to_num(np.where(np.isnan(one), other, one), nan=0.0) for one, other in ((rates[0], rates[1]), (rates[1], rates[0]))
    )
    mean = (np.sum(weights[0] * first) + np.sum(weights[1] * second)) / 2
    mix = (weights[1] - weights[0]) * ((first + second) / 2 - mean)
    rate = (weights[0] + weights[1]) / 2 * (second - first)
    return MixAndRate(mix, rate, weights[0], weights[1])
