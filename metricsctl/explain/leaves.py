"""The cells of a metric as leaves of the segment search: one number that adds up over them, however the metric is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from metricsctl.explain.algebra import Algebra
from metricsctl.explain.read import Breakdown, Key
from metricsctl.explain.search import Leaves
from metricsctl.explain.spread import past_spread

__all__ = ["encoded", "leaves_of"]

FloatArray = npt.NDArray[np.float64]
Values = Mapping[str, FloatArray]


def leaves_of(algebra: Algebra, found: Breakdown, slopes: Mapping[str, float], main: str) -> tuple[Leaves, list[list[str | None]]]:
    """The leaves, with the spread that the weeks before show, and what their codes stand for.

    Of a ratio a leaf's actual number is its numerator, and the expected one what its usual rate makes of its denominator: a shift of weight
    is no segment. Otherwise they are those of the input `main`, the changes of the other inputs being converted by `slopes`, what one unit
    of each makes of the metric.
    """
    codes, labels = encoded(found)
    actual, expected = _numbers(algebra, found, found.actual, slopes, main)
    size = (np.abs(actual) + np.abs(expected)) / 2
    rest = [_deviation(*_numbers(algebra, found, week, slopes, main)) for week in found.weeks]
    spread = past_spread(np.stack(rest), size) if rest else None
    return Leaves(codes, tuple(len(one) for one in labels), actual, expected, spread), labels


def encoded(found: Breakdown) -> tuple[npt.NDArray[np.int64], list[list[str | None]]]:
    """Each cell's values as numbers, shape (cells, dimensions), and what the numbers stand for."""
    columns, labels = [], []
    for place in range(len(found.dimensions)):
        known, column = _codes(found.keys, place)
        columns.append(column)
        labels.append(known)
    return np.stack(columns, axis=1).reshape(-1, len(found.dimensions)), labels


def _codes(keys: Sequence[Key], place: int) -> tuple[list[str | None], npt.NDArray[np.int64]]:
    values = [key[place] for key in keys]
    known = sorted(set(values), key=lambda value: (value is not None, value or ""))
    number = {value: code for code, value in enumerate(known)}
    return known, np.array([number[value] for value in values], dtype=np.int64)


def _numbers(algebra: Algebra, found: Breakdown, point: Values, slopes: Mapping[str, float], main: str) -> tuple[FloatArray, FloatArray]:
    """Actual and expected numbers of the cells, the inputs being those of `point`."""
    if algebra.is_ratio and algebra.powers is not None:
        top, bottom = (next(name for name, power in algebra.powers.items() if power == sign) for sign in (1.0, -1.0))
        usual, weight = found.expected[top], found.expected[bottom]
        overall = float(usual.sum()) / max(float(weight.sum()), 1e-300)
        return point[top], np.where(weight > 0, usual / np.where(weight > 0, weight, 1.0), overall) * point[bottom]
    change = sum((slopes[name] * (point[name] - found.expected[name]) for name in slopes), np.zeros(len(found.keys)))
    return found.expected[main] + change / slopes[main], found.expected[main]


def _deviation(actual: FloatArray, expected: FloatArray) -> FloatArray:
    """Relative to the mean size; NaN where there is nothing. Both add up to the same: what all cells share is no scatter."""
    whole = float(expected.sum())
    expected = expected * (float(actual.sum()) / whole) if whole * float(actual.sum()) > 0 else expected
    size = (np.abs(actual) + np.abs(expected)) / 2
    return np.where(size > 0, (actual - expected) / np.where(size > 0, size, 1.0), np.nan)
