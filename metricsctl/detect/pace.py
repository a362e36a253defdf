"""How often a surprise came, set against how often it should have: a calibration that cannot be kept up corrects itself.

The rate of alarms is a gamma-distributed unknown whose mean beforehand is the promised one; its mean after what was seen is what a
surprise is divided by. It counts alarms, not points, so that one long incident is one.

What is odder than any past could prove is an extrapolation, and from the third time on it is no more believed than its own past allows: a
spike that comes every day is not rarer than that, however far it is from what was expected.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from metricsctl.detect.base import FloatArray, State
from metricsctl.detect.blocks import block_end, blocks

__all__ = ["LEVEL", "Pace", "alarms", "correction", "least_rate"]

LEVEL = 2.5  # surprise whose rate is watched: between what is common and what is told
_PRIOR = 1.0  # alarms that the promised rate is believed beforehand
_APART = 12  # points that separate two alarms
_UNPROVEN = (5.0, 6.0, 8.0, 12.0, 20.0, 36.0, 68.0, 132.0)  # surprises that no past proves
_HABIT = 2  # of them that come before it is taken for a habit
_SURE = 1.645  # standard deviations: a rate is at least so large with a probability of 95 %


def correction(count: FloatArray, seen: FloatArray) -> FloatArray:
    """The decimal logarithm of how much more often than promised there were alarms, of their number and that of all points.

    >>> correction(np.array([2.0]), np.array([200.0])).round(2)
    array([0.26])
    """
    found: FloatArray = np.log10((count + _PRIOR) / (10.0**-LEVEL * seen + _PRIOR))
    return found


def least_rate(count: FloatArray, seen: FloatArray) -> FloatArray:
    """The least rate of what came `count` times in `seen` points, with 95 % confidence; 0 where it came less than twice.

    Byar's approximation: Breslow and Day (1987), Statistical Methods in Cancer Research II, 2.

    >>> least_rate(np.array([1.0, 2.0, 10.0]), np.array([1000.0])).round(5)
    array([0.     , 0.00035, 0.00542])
    """
    whole = np.maximum(count, 1.0)
    bound = whole * (1 - 1 / (9 * whole) - _SURE / (3 * np.sqrt(whole))) ** 3
    found: FloatArray = np.where(count >= _HABIT, bound, 0.0) / np.maximum(seen, 1.0)
    return found


def alarms(over: npt.NDArray[np.bool_], since: FloatArray) -> tuple[FloatArray, FloatArray]:
    """How many alarms begin in a block (series, n), and the points since the last surprise at its end, shape (series, 1).

    `since` is the latter before the block.

    >>> found = alarms(np.array([[True, True, False, True]]), np.array([[np.inf]]))
    >>> found[0].item(), found[1].item()
    (1.0, 0.0)
    """
    if not over.any():
        return np.zeros(since.shape), since + over.shape[1]
    places = np.where(over, np.arange(over.shape[1]), -np.inf)
    before = np.concatenate([-1 - since, places[:, :-1]], axis=1)
    last = np.maximum.accumulate(before, axis=1)
    begun = over & (np.arange(over.shape[1]) - last > _APART)
    latest = np.maximum(places.max(axis=1, keepdims=True), -1 - since)
    return begun.sum(axis=1, keepdims=True).astype(np.float64), over.shape[1] - 1 - latest


class Pace:
    """Surprises that arrive bit by bit, corrected by how often those before them came."""

    def __init__(self, series: int) -> None:
        levels = 1 + len(_UNPROVEN)
        self.first = 0  # where the block begins whose alarms are not yet counted
        self.count, self.since = np.zeros((series, levels)), np.full((series, levels), np.inf)
        self.seen = np.zeros((series, 1))
        self.block = np.full((series, 0), np.nan)

    def push(self, scores: FloatArray) -> FloatArray:
        """Correct the next surprises, shape (series, n); NaN stays."""
        begun, start = self.block.shape[1], self.first
        table = np.concatenate([self.block, scores], axis=1)
        found = table.copy()
        for first, last in blocks(start, start + table.shape[1]):
            block = table[:, first - start : last - start]
            found[:, first - start : last - start] = self._corrected(block)
            if last == block_end(first):
                self._count(block)
                self.first = last
        self.block = table[:, self.first - start :]
        return found[:, begun:]

    def _corrected(self, block: FloatArray) -> FloatArray:
        found = np.maximum(block - correction(self.count[:, :1], self.seen), 0.0)
        with np.errstate(divide="ignore"):
            known = -np.log10(least_rate(self.count[:, 1:], self.seen))
        for place, level in enumerate(_UNPROVEN):
            found = np.where(block >= level, np.fmin(found, known[:, place : place + 1] + block - level), found)
        return found

    def _count(self, block: FloatArray) -> None:
        levels = enumerate((LEVEL, *_UNPROVEN))
        more, since = zip(*(alarms(block >= level, self.since[:, place : place + 1]) for place, level in levels), strict=True)
        self.count, self.since = self.count + np.concatenate(more, axis=1), np.concatenate(since, axis=1)
        self.seen = self.seen + (~np.isnan(block)).sum(axis=1, keepdims=True)

    def save(self) -> State:
        """The state; `load` goes on from it."""
        return {"first": np.array(self.first), "count": self.count, "seen": self.seen, "since": self.since, "block": self.block}

    def load(self, state: State) -> None:
        """Go on from a saved state of as many series."""
        self.first, self.count, self.seen, self.since = int(state["first"]), state["count"], state["seen"], state["since"]
        self.block = state["block"]
