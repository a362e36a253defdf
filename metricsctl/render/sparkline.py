"""A series as one line of small bars."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["sparkline"]

_BARS, _ASCII = "▁▂▃▄▅▆▇█", "_.-~=+*#"


def sparkline(values: Sequence[float], width: int, *, ascii_only: bool = False) -> str:
    """The values as at most `width` bars, each the mean of its share of them; a blank where there are none.

    >>> sparkline([0, 1, 2, float("nan"), 7], 10)
    '▁▂▃ █'
    """
    columns = min(len(values), width)
    bars = _ASCII if ascii_only else _BARS
    means = []
    for column in range(columns):
        start, end = column * len(values) // columns, (column + 1) * len(values) // columns
        present = [value for value in values[start:end] if math.isfinite(value)]
        means.append(sum(present) / len(present) if present else math.nan)
    shown = [mean for mean in means if math.isfinite(mean)]
    if not shown:
        return " " * columns
    low, span = min(shown), max(shown) - min(shown)
    return "".join(_bar(mean, low, span, bars) for mean in means)


def _bar(mean: float, low: float, span: float, bars: str) -> str:
    if not math.isfinite(mean):
        return " "
    level = (mean - low) / span if span > 0 else 0.5
    return bars[min(int(level * len(bars)), len(bars) - 1)]
