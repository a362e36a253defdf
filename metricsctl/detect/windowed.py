"""Detectors whose scores depend on a limited past alone: their state is its last points."""

from __future__ import annotations

import numpy as np

from metricsctl.detect.base import FloatArray, rowwise
from metricsctl.detect.blocks import HUGE, Memory, Tape
from metricsctl.detect.stream import BlockDetector

__all__ = ["WindowedDetector", "begin_of"]


def begin_of(first: int, look_back: int, refresh: int) -> int:
    """The first point that what is judged from `first` on depends on; it stands where statistics are refreshed.

    >>> begin_of(1000, look_back=288, refresh=24)
    696
    """
    return max((first // refresh * refresh - look_back) // refresh * refresh, 0)


class WindowedDetector(BlockDetector):
    """A detector that gives `look_back` and `judged`, and perhaps `refresh`.

    `look_back` is the number of points before one at which statistics are refreshed that they are made of; `refresh` says how many points
    apart those are, counted from the first one of the series.
    """

    @property
    def look_back(self) -> int:
        """Points of the past that statistics are made of."""
        raise NotImplementedError

    @property
    def refresh(self) -> int:
        """Points from one refresh of the statistics to the next."""
        return 1

    def judged(self, table: FloatArray, begin: int, first: int) -> FloatArray:
        """Scores of the points of `table` (series, n) from number `first` on, its first column being number `begin`."""
        raise NotImplementedError

    @property
    def reach(self) -> int:
        """Points of the past that are looked at."""
        return self.look_back + 2 * self.refresh

    def model(self, tape: Tape, first: int, memory: Memory) -> None:
        """Nothing is learned before a block: its points look back for themselves."""

    def judge(self, model: None, tape: Tape, first: int, last: int) -> FloatArray:
        """What `judged` says of the points and those before them."""
        del model
        begin = begin_of(first, self.look_back, self.refresh)
        return self.judged(tape.observed(begin, last), begin, first)

    def score(self, values: FloatArray) -> FloatArray:
        """Score every point by its past alone; NaN while warming up and where there is no value. Shape (n,) or (series, n)."""
        return rowwise(values, lambda table: self.judged(np.clip(table, -HUGE, HUGE), 0, 0))
