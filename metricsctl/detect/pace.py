"""How often a surprise came, set against how often it should have: a calibration that cannot be kept up corrects itself.

The rate of alarms is a gamma-distributed unknown whose mean beforehand is the promised one; its mean after what was seen is what a
surprise is divided by. It counts alarms, not points, so that one long incident is one.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from metricsctl.detect.base import FloatArray, State
from metricsctl.detect.blocks import block_end, blocks

__all__ = ["LEVEL", "Pace", "alarms", "correction"]

LEVEL = 2.5  # surprise whose rate is watched: between what is common and what is told
_PRIOR = 1.0  # alarms that the promised rate is believed beforehand
_APART = 12  # points that separate two alarms


def correction(count: FloatArray, seen: FloatArray) -> FloatArray:
    """The decimal logarithm of how much more often than promised there were alarms, of their number and that of all points.

    >>> correction(np.array([2.0]), np.array([200.0])).round(2)
    array([0.26])
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


class Pace:
    """Surprises that arrive bit by bit, corrected by how often those before them came."""

    def __init__(self, series: int) -> None:
        self.first = 0  # where the block begins whose alarms are not yet counted
        self.count, self.seen, self.since = np.zeros((series, 1)), np.zeros((series, 1)), np.full((series, 1), np.inf)
        self.block = np.full((series, 0), np.nan)

    def push(self, scores: FloatArray) -> FloatArray:
        """Correct the next surprises, shape (series, n); NaN stays."""
        begun, start = self.block.shape[1], self.first
        table = np.concatenate([self.block, scores], axis=1)
        found = table.copy()
        for first, last in blocks(start, start + table.shape[1]):
            block = table[:, first - start : last - start]
            found[:, first - start : last - start] = np.maximum(block - correction(self.count, self.seen), 0.0)
            if last == block_end(first):
                more, self.since = alarms(block >= LEVEL, self.since)
                self.count, self.seen = self.count + more, self.seen + (~np.isnan(block)).sum(axis=1, keepdims=True)
                self.first = last
        self.block = table[:, self.first - start :]
        return found[:, begun:]

    def save(self) -> State:
        """The state; `load` goes on from it."""
        return {"first": np.array(self.first), "count": self.count, "seen": self.seen, "since": self.since, "block": self.block}

    def load(self, state: State) -> None:
        """Go on from a saved state of as many series."""
        self.first, self.count, self.seen, self.since = int(state["first"]), state["count"], state["seen"], state["since"]
        self.block = state["block"]
