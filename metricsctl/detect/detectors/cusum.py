"""Cumulative sum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from metricsctl.detect.base import FloatArray
from metricsctl.detect.blocks import Memory, Tape
from metricsctl.detect.rolling import median_and_mad, over_past
from metricsctl.detect.stream import BlockDetector
from metricsctl.detect.windowed import begin_of

__all__ = ["Cusum"]

_MOST = 4.0  # standard deviations that one point may add: a spike is no shift


@dataclass(frozen=True, slots=True)
class Cusum(BlockDetector):
    r"""How far the deviations from the usual level have added up on one side: small shifts that last.

    $$ s_t = \max(S^+_t, S^-_t), \quad S^\pm_t = \max(0,\; S^\pm_{t-1} \pm u_t - k), \quad
       u_t = \frac{x_t - \operatorname{med}}{1.4826 \operatorname{MAD} + f\,|\operatorname{med}|} $$

    Median and MAD are those of the last `window` points before t, so that a new level is learned in the end. Where the MAD is zero since
    more than half of them are the same, the standard deviation from the median stands for 1.4826 MAD.

    Parameters
    ----------
    window : int
        Points of the past that the level is learned from.
    slack : float, k in the formula
        Standard deviations a point that count as none: half of the shift that is looked for.
    floor : float, f in the formula
        Smallest deviation that counts, as a share of the median's size.
    minimum : int
        Points of the past that must be known.

    References
    ----------
    Page (1954), Continuous Inspection Schemes.

    Examples
    --------
    >>> values = np.append(np.tile([9.0, 10.0, 11.0], 40), np.full(6, 12.0))
    >>> Cusum().score(values)[-6:].round(1)
    array([0.9, 1.7, 2.4, 3.2, 4. , 4.7])
    """

    invariant: ClassVar[frozenset[str]] = frozenset({"scale"})

    window: int = 168
    slack: float = 0.5
    floor: float = 0.01
    minimum: int = 20

    @property
    def reach(self) -> int:
        """Points of the past that are looked at."""
        return self.window + 2 * self._step

    @property
    def _step(self) -> int:
        return max(1, self.window // 24)

    def begin(self, series: int) -> Memory:
        """Nothing has added up."""
        return {"above": np.zeros((series, 1)), "below": np.zeros((series, 1))}

    def model(self, tape: Tape, first: int, memory: Memory) -> Memory:
        """The sums before the block."""
        del tape, first
        return memory

    def judge(self, model: Memory, tape: Tape, first: int, last: int) -> FloatArray:
        """The larger of the two sums."""
        away = self._away(tape, first, last)
        sums = self._sums(away, model)
        return np.where(np.isnan(away), np.nan, np.maximum(sums["above"], sums["below"]))

    def learn(self, model: Memory, tape: Tape, first: int, last: int, memory: Memory) -> Memory:
        """The sums after the block."""
        del model
        return {name: own[:, -1:] for name, own in self._sums(self._away(tape, first, last), memory).items()}

    def _away(self, tape: Tape, first: int, last: int) -> FloatArray:
        """The distances of a block, in robust standard deviations."""
        begin = begin_of(first, self.window, self._step)
        values = tape.observed(begin, last)
        median, deviation = over_past(values, self.window, self._step, median_and_mad(self.minimum), first - begin)
        own, scale = values[:, first - begin :], deviation + self.floor * np.abs(median)
        return np.clip(np.where(own == median, 0.0, (own - median) / scale), -_MOST, _MOST)

    def _sums(self, away: FloatArray, before: Memory) -> Memory:
        steps = {
            name: np.where(np.isnan(away), 0.0, side * np.nan_to_num(away) - self.slack) for name, side in (("above", 1), ("below", -1))
        }
        return {name: _excess(own, before[name]) for name, own in steps.items()}


def _excess(steps: FloatArray, before: FloatArray) -> FloatArray:
    """A running sum that begins anew wherever it would fall below 0: how far the plain one is above its least value so far."""
    total = before + np.cumsum(steps, axis=1)
    found: FloatArray = total - np.minimum(np.minimum.accumulate(total, axis=1), 0.0)
    return found
