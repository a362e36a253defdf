"""Numbers and sizes as people read them."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["column", "exact", "human", "size"]


def human(value: float | None) -> str:
    """A value with thousands separated and about six digits that count.

    >>> human(1234567.891), human(0.0123456789), human(3.0), human(None)
    ('1,234,568', '0.0123457', '3', '')
    """
    if value is None or math.isnan(value):
        return ""
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    if abs(value) >= 1e15 or abs(value) < 1e-4:
        return f"{value:.5g}"
    digits = max(0, 5 - math.floor(math.log10(abs(value))))
    return f"{value:,.{min(digits, 9)}f}".rstrip("0").rstrip(".") if digits else f"{value:,.0f}"


def column(values: Sequence[float | None]) -> list[str]:
    """Values that stand under one another: the same number of decimals, so that the points are aligned.

    >>> column([1.5, None, 1200.25]), column([1.0, 2.0])
    (['1.5', '', '1,200.2'], ['1', '2'])
    """
    finite = [value for value in values if value is not None and math.isfinite(value)]
    largest = max((abs(value) for value in finite), default=0.0)
    if not largest or largest >= 1e15 or largest < 1e-4:
        return [human(value) for value in values]
    whole = all(value == int(value) for value in finite)
    digits = 0 if whole else max(0, 4 - math.floor(math.log10(largest)))
    return [human(value) if value is None or not math.isfinite(value) else f"{value:,.{digits}f}" for value in values]


def exact(value: float | None) -> str:
    """A value with 12 significant digits, for machines; empty where there is none.

    >>> exact(0.1 + 0.2), exact(1e6), exact(None)
    ('0.3', '1000000', '')
    """
    if value is None or math.isnan(value):
        return ""
    if value == int(value) and abs(value) < 1e15 if math.isfinite(value) else False:
        return str(int(value))
    return f"{value:.12g}"


def size(count: int) -> str:
    """Bytes in a unit that fits.

    >>> size(999), size(3_200_000)
    ('999 B', '3.2 MB')
    """
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"
