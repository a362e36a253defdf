"""Noise that comes from few events: counts are Poisson, so a series can never be surer than its rows allow."""

from __future__ import annotations

from typing import Literal

import numpy as np

from metricsctl.detect.base import Band, FloatArray
from metricsctl.detect.rolling import median, never_negative, over_past

__all__ = ["Kind", "widened"]

Kind = Literal["count", "sum", "level"]
"""What a metric's value is: a number of things, an amount added up over rows, or anything that does not add up (a ratio, a mean)."""


def widened(band: Band, values: FloatArray, counts: FloatArray, kind: Kind, window: int) -> Band:
    """The band with at least the deviation that the number of rows brings along.

    A count deviates by the root of what is expected (and one more, so that 0 -> 2 at night is none); a sum by that of its rows, each of the
    usual amount; anything else as much more than usual as it stands on fewer rows than usual, and what has always been a share like one
    of so many rows. The band may be that of the last values alone, and so is what comes back.
    """
    step, first = max(1, window // 24), values.shape[1] - band.expected.shape[1]
    if kind == "count":
        return Band(band.expected, np.maximum(band.scale, np.sqrt(np.maximum(band.expected, 0.0) + 1.0)))
    if kind == "sum":
        with np.errstate(divide="ignore", invalid="ignore"):
            amounts = np.where(counts > 0, np.abs(values) / counts, np.nan)
        amount = np.nan_to_num(over_past(amounts, window, step, median(1), first)[0], nan=0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            rows = np.where(amount > 0, np.abs(band.expected) / amount, 0.0)
        return Band(band.expected, np.maximum(band.scale, amount * np.sqrt(rows + 1.0)))
    usual = over_past(np.where(counts > 0, counts, np.nan), window, step, median(1), first)[0]
    counts, share = counts[:, first:], (never_negative(values) & never_negative(1.0 - values))[:, first:]
    with np.errstate(divide="ignore", invalid="ignore"):
        fewer = np.where((counts > 0) & (usual > counts), np.sqrt(usual / counts), 1.0)
    return Band(band.expected, np.maximum(band.scale * fewer, np.where(share, _of_share(band.expected, counts), 0.0)))


def _of_share(expected: FloatArray, counts: FloatArray) -> FloatArray:
    """Binomial deviation of a share of so many rows."""
    rows = np.maximum(counts, 1.0)
    chance = np.clip((expected * rows + 1.0) / (rows + 2.0), 0.0, 1.0)
    found: FloatArray = np.sqrt(chance * (1.0 - chance) / rows)
    return found
