"""What operators do with two values, whatever expression they stand in."""

from __future__ import annotations

import datetime as dt
import decimal
import math
from typing import Any

from metricsctl.engine.reference.values import EXACT, Instant, Value, round_half_away

__all__ = ["compared", "in_common_type", "is_number", "negated", "rounded"]


def negated(value: Value) -> Value:
    """NOT."""
    return None if value is None else not value


def is_number(value: Value) -> bool:
    """Whether a value is a number; truth values are none."""
    return isinstance(value, int | float | decimal.Decimal) and not isinstance(value, bool)


def in_common_type(left: Any, right: Any) -> tuple[Any, Any]:
    """Two numbers in the wider of their types: integer, decimal, double."""
    if isinstance(left, float) or isinstance(right, float):
        return float(left), float(right)
    if isinstance(left, decimal.Decimal) or isinstance(right, decimal.Decimal):
        return decimal.Decimal(left), decimal.Decimal(right)
    return left, right


def compared(left: Value, right: Value) -> int | None:
    """-1, 0 or 1 as the left value is less, equal or more; None where the two cannot be compared."""
    if is_number(left) and is_number(right):
        first, second = in_common_type(left, right)
        return _sign(_ordered(first), _ordered(second))
    for family in (bool, str, Instant, dt.date):
        if isinstance(left, family) and isinstance(right, family):
            return _sign(left, right)
    return None


def rounded(value: Any, digits: int) -> Value:
    """A number with so many digits after the point, halves away from 0."""
    if isinstance(value, decimal.Decimal):
        return value.quantize(decimal.Decimal(1).scaleb(-digits), context=EXACT)
    if isinstance(value, float):
        scaled = value * 10.0**digits
        return float(round_half_away(scaled)) / 10.0**digits if math.isfinite(scaled) else value
    whole: Value = value
    return whole


def _sign(left: Any, right: Any) -> int:
    return int(left > right) - int(left < right)


def _ordered(value: Any) -> tuple[bool, Any]:
    """NaN equals itself and is larger than all else."""
    return (True, 0) if value != value else (False, value)  # noqa: PLR0124 - only NaN differs from itself
