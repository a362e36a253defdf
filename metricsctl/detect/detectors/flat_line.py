"""Flat line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from metricsctl.detect.base import FloatArray
from metricsctl.detect.blocks import Memory, Tape
from metricsctl.detect.stream import BlockDetector

__all__ = ["FlatLine"]


@dataclass(frozen=True, slots=True)
class FlatLine(BlockDetector):
    r"""Surprise that a value stands still though it usually moves: a sensor that is stuck, a job that writes its last result again.

    $$ s_t = -r_t \log_{10} \frac{m_t + 1/2}{n_t + 1} $$

    r is the number of points in a row that repeat the one before them, t the last of them; of the n steps before this run m had been
    repetitions. 0 for a series of which half of the steps are: standing still is its habit.

    Parameters
    ----------
    minimum : int
        Steps of the past that must be known.

    References
    ----------
    Laplace's rule of succession, with Jeffreys' prior.

    Examples
    --------
    >>> values = np.append(np.arange(40.0), [39.0, 39.0, 40.0])
    >>> FlatLine().score(values)[-4:].round(1)
    array([0. , 1.9, 3.8, 0. ])
    """

    invariant: ClassVar[frozenset[str]] = frozenset({"scale"})

    minimum: int = 20

    @property
    def reach(self) -> int:
        """Points of the past that are looked at."""
        return 0

    def begin(self, series: int) -> Memory:
        """No step yet: the last value, the repetitions and the steps by then, and those by the point at which the run began."""
        counts = {name: np.zeros((series, 1)) for name in ("repeated", "steps", "repeated_before", "steps_before")}
        return {"last": np.full((series, 1), np.nan), **counts}

    def model(self, tape: Tape, first: int, memory: Memory) -> Memory:
        """The counts before the block."""
        del tape, first
        return memory

    def judge(self, model: Memory, tape: Tape, first: int, last: int) -> FloatArray:
        """How improbable the run up to each point is."""
        values = tape.observed(first, last)
        after = _counted(values, model)
        share = (after["repeated_before"] + 0.5) / (after["steps_before"] + 1.0)
        run = after["repeated"] - after["repeated_before"]
        found = np.where(share < 0.5, -run * np.log10(np.minimum(share, 0.5)), 0.0) + 0.0
        return np.where(~np.isnan(values) & (after["steps_before"] >= self.minimum), found, np.nan)

    def learn(self, model: Memory, tape: Tape, first: int, last: int, memory: Memory) -> Memory:
        """The counts after the block."""
        del model
        return {name: own[:, -1:] for name, own in _counted(tape.observed(first, last), memory).items()}


def _counted(values: FloatArray, before: Memory) -> Memory:
    """The memory after each point."""
    known = ~np.isnan(values)
    held = np.concatenate([before["last"], values], axis=1)
    there = np.maximum.accumulate(np.where(np.isnan(held), 0, np.arange(held.shape[1])), axis=1)
    latest = np.take_along_axis(held, there, axis=1)
    step = known & ~np.isnan(latest[:, :-1])
    same = step & (values == latest[:, :-1])
    repeated, steps = before["repeated"] + np.cumsum(same, axis=1), before["steps"] + np.cumsum(step, axis=1)
    moved = np.maximum.accumulate(np.where(known & ~same, np.arange(values.shape[1]), -1), axis=1)  # where the run began
    kept = {"last": latest[:, 1:], "repeated": repeated, "steps": steps}
    for name, counts in (("repeated_before", repeated), ("steps_before", steps)):
        kept[name] = np.where(moved < 0, before[name], np.take_along_axis(counts, np.maximum(moved, 0), axis=1))
    return kept
