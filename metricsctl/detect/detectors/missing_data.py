"""Missing data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from metricsctl.detect.base import FloatArray
from metricsctl.detect.blocks import Memory, Tape
from metricsctl.detect.detectors.seasonal_robust_z import Season, lagged
from metricsctl.detect.stream import BlockDetector

__all__ = ["MissingData"]


@dataclass(frozen=True, slots=True)
class MissingData(BlockDetector):
    r"""Surprise that a window has no value though windows at this time of the season do.

    $$ s_t = \sum_{i \in \text{run up to } t} -\log_{10} \frac{m_i + 1/2}{n_i + 1} $$

    Of the n windows before i that were expected to have a value, m had none. A window is expected when three quarters of those at its time
    of the season had a value; the sum runs over the expected windows that are missing in a row. 0 where there is a value, or where none is
    expected.

    Parameters
    ----------
    season : Season
        What "this time" means; `Season(1, ...)` where there is none.

    References
    ----------
    Laplace's rule of succession, with Jeffreys' prior.

    Examples
    --------
    >>> import numpy as np
    >>> MissingData(Season(1, 8, 3)).score(np.array([1, 1, 1, 1, 1, 1, np.nan, np.nan])).round(2)
    array([ nan,  nan,  nan, 0.  , 0.  , 0.  , 0.9 , 1.43])
    """

    invariant: ClassVar[frozenset[str]] = frozenset({"scale", "shift"})
    judges_missing: ClassVar[bool] = True

    season: Season = field(default_factory=lambda: Season(1, 24, 8))

    @property
    def reach(self) -> int:
        """Windows of the past that are looked at."""
        return self.season.memory * self.season.period

    def begin(self, series: int) -> Memory:
        """Nothing expected yet, and no first value."""
        counts = {name: np.zeros((series, 1)) for name in ("expected", "missed", "run")}
        return {"start": np.full((series, 1), np.inf), **counts}

    def model(self, tape: Tape, first: int, memory: Memory) -> Memory:
        """The counts before the block."""
        del tape, first
        return memory

    def judge(self, model: Memory, tape: Tape, first: int, last: int) -> FloatArray:
        """The surprise of the run up to each window."""
        ready, missed, after = self._counted(tape, first, last, model)
        return np.where(ready, np.where(missed, after["run"], 0.0), np.nan)

    def learn(self, model: Memory, tape: Tape, first: int, last: int, memory: Memory) -> Memory:
        """The counts after the block."""
        del model
        return {name: own[:, -1:] for name, own in self._counted(tape, first, last, memory)[2].items()}

    def _counted(self, tape: Tape, first: int, last: int, before: Memory) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_], Memory]:
        """Which windows can be judged, which of them are missing, and the memory after each of them."""
        begin = max(first - self.reach, 0)
        there, places = ~np.isnan(tape.observed(begin, last)), np.arange(begin, last)
        start = np.minimum(before["start"], np.where(there, places, np.inf).min(axis=1, keepdims=True, initial=np.inf))
        past = lagged(np.where(places >= start, there.astype(np.float64), np.nan), self.season)[:, :, first - begin :]
        known, present = np.count_nonzero(~np.isnan(past), axis=0), there[:, first - begin :]
        ready = known >= self.season.minimum
        expected = ready & (np.nansum(past, axis=0) >= 0.75 * known)
        missed = expected & ~present
        counts = {"expected": before["expected"] + np.cumsum(expected, axis=1), "missed": before["missed"] + np.cumsum(missed, axis=1)}
        surprise = -np.log10((counts["missed"] - missed + 0.5) / (counts["expected"] - expected + 1.0))
        total = np.cumsum(np.where(missed, surprise, 0.0), axis=1)
        reset = np.maximum.accumulate(np.where(present, total, -before["run"]), axis=1)
        return ready, missed, {"start": np.broadcast_to(start, total.shape), "run": total - reset, **counts}
