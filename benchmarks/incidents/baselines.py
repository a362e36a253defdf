"""Simple methods of our own that the explainer is held against."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["adtributor", "largest_deviation"]

Named = frozenset[str]


def adtributor(frame: pd.DataFrame, dimensions: Sequence[str], actual: str, expected: str) -> list[Named]:
    """Adtributor (Bhagwan et al. 2014): values of one dimension by surprise until they explain two thirds of the change, each a tenth."""
    best: tuple[float, list[Named]] = (0.0, [])
    whole = float(frame[actual].sum() - frame[expected].sum())
    for name in dimensions:
        sums = frame.groupby(name)[[actual, expected]].sum()
        p, q = sums[expected] / sums[expected].sum(), sums[actual] / sums[actual].sum()
        mean = (p + q) / 2
        with np.errstate(divide="ignore", invalid="ignore"):
            surprise = 0.5 * (np.nan_to_num(p * np.log(p / mean)) + np.nan_to_num(q * np.log(q / mean)))
        power = ((sums[actual] - sums[expected]) / whole if whole else sums[actual] * 0).to_numpy()
        chosen: list[Named] = []
        explained = told = 0.0
        for place in np.argsort(-surprise, kind="stable"):
            if power[place] > 0.1:
                chosen.append(frozenset({f"{name}={sums.index[place]}"}))
                explained, told = explained + power[place], told + float(surprise[place])
            if explained > 0.67:
                break
        if explained > 0.67 and told > best[0]:
            best = (told, chosen)
    return best[1]


def largest_deviation(frame: pd.DataFrame, dimensions: Sequence[str], actual: str, expected: str) -> list[Named]:
    """Single values by the size of their deviation."""
    found: list[tuple[float, Any, str]] = []
    for name in dimensions:
        sums = frame.groupby(name)[[actual, expected]].sum()
        found += [(abs(float(row[actual] - row[expected])), value, name) for value, row in sums.iterrows()]
    found.sort(key=lambda item: (-item[0], item[2]))
    return [frozenset({f"{name}={value}"}) for _, value, name in found[:3]]
