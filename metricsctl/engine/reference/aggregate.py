"""Aggregates of a list of values, as the books define them."""

from __future__ import annotations

import fractions
import math
import statistics
from collections.abc import Sequence
from typing import Any

from metricsctl.engine.reference.values import Value, to_text

__all__ = ["ADDITIVE", "aggregate"]

ADDITIVE = frozenset({"count", "sum", "count_distinct"})
"""Aggregates that are 0 where there is nothing."""


def aggregate(name: str, values: Sequence[tuple[int, Value]], p: float | None) -> float | None:
    """The aggregate of (time, value) pairs, None where there is none; `p` is the percentile. NULL values count for nothing."""
    present = [(time, value) for time, value in values if value is not None]
    if name == "count":
        return float(len(present))
    if name == "count_distinct":
        return float(len({to_text(value) for _, value in present}))
    timed = [(time, _number(value)) for time, value in present]
    numbers = [number for _, number in timed]
    if name == "sum":
        return _sum(numbers)
    if not numbers:
        return None
    if name == "first":
        earliest = min(time for time, _ in timed)
        return max((number for time, number in timed if time == earliest), key=_order)
    if name == "last":
        latest = max(time for time, _ in timed)
        return max((number for time, number in timed if time == latest), key=_order)
    return _of_numbers(name, numbers, p)


def _of_numbers(name: str, numbers: list[float], p: float | None) -> float | None:
    if name == "avg":
        return _sum(numbers) / len(numbers)
    if name == "min":
        return min(numbers, key=_order)
    if name == "max":
        return max(numbers, key=_order)
    if name == "stddev":
        return statistics.stdev(numbers) if len(numbers) > 1 and all(map(math.isfinite, numbers)) else None
    if name == "median":
        return _percentile(sorted(numbers, key=_order), 0.5)
    if name == "percentile" and p is not None:
        return _percentile(sorted(numbers, key=_order), p)
    raise AssertionError(f"no such aggregate: {name}")


def _number(value: Any) -> float:
    return float(value)


def _order(number: float) -> tuple[bool, float]:
    """NaN is larger than all else."""
    return (True, 0) if math.isnan(number) else (False, number)


def _sum(numbers: Sequence[float]) -> float:
    """The exact sum of the finite ones, rounded once; infinity where it is too large."""
    exact = sum((fractions.Fraction(number) for number in numbers if math.isfinite(number)), fractions.Fraction())
    try:
        finite = float(exact)
    except OverflowError:
        finite = math.inf if exact > 0 else -math.inf
    return finite + sum(number for number in numbers if not math.isfinite(number))


def _percentile(ordered: Sequence[float], p: float) -> float:
    """Linear interpolation between the two nearest ranks, SQL's PERCENTILE_CONT."""
    place = p * (len(ordered) - 1)
    low, high = ordered[math.floor(place)], ordered[math.ceil(place)]
    return low if low == high else low + (high - low) * (place - math.floor(place))
