"""Exponentially weighted moving average."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from metricsctl.detect.base import Band, FloatArray
from metricsctl.detect.blocks import HUGE, Memory, Tape, blocks
from metricsctl.detect.stream import BlockDetector

__all__ = ["Ewma"]

_AT_ONCE = 64  # points whose weights stay within a few orders of magnitude of each other
_MOST = 1e9


@dataclass(frozen=True, slots=True)
class Ewma(BlockDetector):
    r"""Distance from the exponentially weighted mean of the past, in exponentially weighted standard deviations.

    $$ s_t = \frac{|x_t - m_{t-1}|}{\sqrt{v_{t-1}}}, \quad m_t = m_{t-1} + \lambda (x_t - m_{t-1}), \quad
       v_t = (1 - \lambda)(v_{t-1} + \lambda (x_t - m_{t-1})^2) $$

    A missing value leaves mean and variance as they are.

    Parameters
    ----------
    weight : float, lambda in the formula
        Of the newest value.
    minimum : int
        Points of the past that must be known.

    References
    ----------
    Roberts (1959), Control Chart Tests Based on Geometric Moving Averages; West (1979), Updating Mean and Variance Estimates.

    Examples
    --------
    >>> values = np.append(np.tile([9.0, 11.0], 20), 20.0)
    >>> Ewma().score(values)[-1].round(1)
    np.float64(10.2)
    """

    invariant: ClassVar[frozenset[str]] = frozenset({"scale", "shift"})

    weight: float = 0.05
    minimum: int = 20

    @property
    def reach(self) -> int:
        """Points of the past that are looked at."""
        return 0

    def begin(self, series: int) -> Memory:
        """No mean yet."""
        return {"mean": np.full((series, 1), np.nan), "variance": np.zeros((series, 1)), "known": np.zeros((series, 1))}

    def model(self, tape: Tape, first: int, memory: Memory) -> Memory:
        """Mean and variance before the block."""
        del tape, first
        return memory

    def judge(self, model: Memory, tape: Tape, first: int, last: int) -> FloatArray:
        """Distances in standard deviations."""
        values = tape.observed(first, last)
        found = np.minimum(self._follow(values, model)[0].score(values), _MOST)
        # the last digits of what repeats itself exactly would rank its points
        return found.astype(np.float32).astype(np.float64)

    def learn(self, model: Memory, tape: Tape, first: int, last: int, memory: Memory) -> Memory:
        """Mean and variance after the block."""
        del model
        return self._follow(tape.observed(first, last), memory)[1]

    def band(self, values: FloatArray) -> Band:
        """Mean and standard deviation of the past."""
        table, memory = np.clip(values, -HUGE, HUGE), self.begin(len(values))
        mean, scale = np.full(values.shape, np.nan), np.full(values.shape, np.nan)
        for first, last in blocks(0, values.shape[1]):
            found, memory = self._follow(table[:, first:last], memory)
            mean[:, first:last], scale[:, first:last] = found.expected, found.scale
        return Band(mean, scale)

    def _follow(self, values: FloatArray, memory: Memory) -> tuple[Band, Memory]:
        """Mean and deviation before each of the next points, and the memory after them."""
        keep = 1 - self.weight
        before, variance, known = memory["mean"], memory["variance"], memory["known"]
        mean, scale = np.full(values.shape, np.nan), np.full(values.shape, np.nan)
        for place in range(0, values.shape[1], _AT_ONCE):
            part = values[:, place : place + _AT_ONCE]
            there = ~np.isnan(part)
            begun = np.take_along_axis(part, there.argmax(axis=1)[:, None], axis=1)
            before = np.where(np.isnan(before), begun, before)
            count = np.cumsum(there, axis=1)
            decay = keep**count
            apart = np.where(there, part - before, 0.0)
            moved = decay * np.cumsum(self.weight * apart / decay, axis=1)  # how far the mean is from `before`
            ahead = np.concatenate([np.zeros_like(before), moved[:, :-1]], axis=1)
            spread = decay * (variance + np.cumsum(np.where(there, keep * self.weight * (apart - ahead) ** 2 / decay, 0.0), axis=1))
            ready = known + count - there >= self.minimum
            own = slice(place, place + part.shape[1])
            mean[:, own] = np.where(ready, before + ahead, np.nan)
            scale[:, own] = np.where(ready, np.sqrt(np.concatenate([variance, spread[:, :-1]], axis=1)), np.nan)
            before, variance, known = before + moved[:, -1:], spread[:, -1:], known + count[:, -1:]
        return Band(mean, scale), {"mean": before, "variance": variance, "known": known}
