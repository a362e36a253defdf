"""How often a surprise came, set against how often it should have: a calibration that cannot be kept up corrects itself.

The rate of alarms is a gamma-distributed unknown whose mean beforehand is the promised one; its mean after what was seen is what a
surprise is divided by. It counts alarms, not points, so that one long incident is one.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from metricsctl.detect.base import FloatArray
from metricsctl.detect.blocks import block_end, blocks

__all__ = ["LEVEL", "alarms", "correction", "kept_pace"]

LEVEL = 2.5  # surprise whose rate is watched: between what is common and what is told
_PRIOR = 2.0  # alarms that the promised rate is believed beforehand
_APART = 12  # points that separate two alarms


def correction(count: FloatArray, seen: FloatArray) -> FloatArray:
    """The decimal logarithm of how much more often than promised there were alarms, of their number and that of all points.

    >>> correction(np.array([2.0]), np.array([200.0])).round(2)
    array([0.18])
    """
    found: FloatArray = np.log10((count + _PRIOR) / (10.0**-LEVEL * seen + _PRIOR))
    return found


def alarms(over: npt.NDArray[np.bool_], since: FloatArray) -> tuple[FloatArray, FloatArray]:
    """How many alarms begin in a block (series, n), and the points since the last surprise at its end, shape (series, 1).

    `since` is the latter before the block.


    >>> found = alarms(np.array([[True, True, False, True]]), np.array([[np.inf]]))
    >>> found[0].item(), found[1].item()
    (1.0, 0.0)
    """
    places = np.where(over, np.arange(over.shape[1]), -np.inf)
    before = np.concatenate([-1 - since, places[:, :-1]], axis=1)
    last = np.maximum.accumulate(before, axis=1)
    begun = over & (np.arange(over.shape[1]) - last > _APART)
    latest = np.maximum(places.max(axis=1, keepdims=True), -1 - since)
    return begun.sum(axis=1, keepdims=True).astype(np.float64), over.shape[1] - 1 - latest


def kept_pace(scores: FloatArray) -> FloatArray:
    """Surprises (series, n) corrected by how often those before them came; NaN stays."""
    found = scores.copy()
    count, seen, since = np.zeros((len(scores), 1)), np.zeros((len(scores), 1)), np.full((len(scores), 1), np.inf)
    for first, last in blocks(0, scores.shape[1]):
        block = scores[:, first:last]
        found[:, first:last] = np.maximum(block - correction(count, seen), 0.0)
        if last == block_end(first):
            more, since = alarms(block >= LEVEL, since)
            count, seen = count + more, seen + (~np.isnan(block)).sum(axis=1, keepdims=True)
    return found
