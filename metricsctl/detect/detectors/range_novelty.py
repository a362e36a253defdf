"""Range novelty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from metricsctl.detect.base import FloatArray
from metricsctl.detect.blocks import Memory, Tape
from metricsctl.detect.stream import BlockDetector

__all__ = ["RangeNovelty"]

_MOST = 1e9


@dataclass(frozen=True, slots=True)
class RangeNovelty(BlockDetector):
    r"""How far a value lies outside everything seen before, in ranges.

    $$ s_t = \frac{\max(x_t - M_{t-1},\; m_{t-1} - x_t,\; 0)}{M_{t-1} - m_{t-1}} $$

    m and M are the smallest and largest value so far.

    Parameters
    ----------
    minimum : int
        Points of the past that must be known.

    References
    ----------
    The "running range" of record values: Arnold, Balakrishnan and Nagaraja (1998), Records.

    Examples
    --------
    >>> RangeNovelty(minimum=2).score(np.append(np.arange(40.0), [20, 78]))[-2:]
    array([0., 1.])
    """

    invariant: ClassVar[frozenset[str]] = frozenset({"scale", "shift"})

    minimum: int = 8

    @property
    def reach(self) -> int:
        """Points of the past that are looked at."""
        return 0

    def begin(self, series: int) -> Memory:
        """Nothing seen yet."""
        return {"low": np.full((series, 1), np.nan), "high": np.full((series, 1), np.nan)}

    def model(self, tape: Tape, first: int, memory: Memory) -> tuple[FloatArray, FloatArray] | None:
        """Smallest and largest value before the block."""
        del tape
        return None if first < self.minimum else (memory["low"], memory["high"])

    def judge(self, model: tuple[FloatArray, FloatArray] | None, tape: Tape, first: int, last: int) -> FloatArray:
        """Excess over the range so far."""
        values = tape.span(first, last)
        if model is None:
            return np.full(values.shape, np.nan)
        low, high = model
        before = np.concatenate([low, values[:, :-1]], axis=1)
        lowest = np.fmin.accumulate(before, axis=1)
        before[:, :1] = high
        highest = np.fmax.accumulate(before, axis=1)
        excess = np.maximum(np.maximum(values - highest, lowest - values), 0.0)
        found = np.minimum(excess / (highest - lowest), _MOST)
        return np.where(excess > 0, found, np.where(np.isnan(excess), np.nan, 0.0))

    def learn(self, model: tuple[FloatArray, FloatArray] | None, tape: Tape, first: int, last: int, memory: Memory) -> Memory:
        """Widen the range."""
        del model
        values = tape.span(first, last)
        low, high = np.fmin.reduce(values, axis=1), np.fmax.reduce(values, axis=1)
        return {"low": np.fmin(memory["low"], low[:, None]), "high": np.fmax(memory["high"], high[:, None])}
