"""Nearest past value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from metricsctl.detect.base import FloatArray
from metricsctl.detect.blocks import Memory, Tape
from metricsctl.detect.past import Ordered, merged, windowed_mean
from metricsctl.detect.stream import BlockDetector

__all__ = ["NearestPast"]

_MOST = 1e9


@dataclass(frozen=True, slots=True)
class NearestPast(BlockDetector):
    r"""Distance to the value of the past that is nearest: what was never there is odd, also between two levels.

    $$ s_t = \frac{\min_{i < b(t)} |y_t - y_i|}{q_{0.95}(y) - q_{0.05}(y)}, \quad y_t = \operatorname{mean}(x_{t-w+1..t}) $$

    b(t) is the beginning of the block of t, so that a new level stays odd for a while.

    Parameters
    ----------
    mean : int, w in the formula
        Points that are averaged before: 1 for the value itself, more for slower changes.
    sketch : int
        Quantiles that stand for the past once it is longer.
    minimum : int
        Points of the past that must be known.

    References
    ----------
    Ramaswamy, Rastogi and Shim (2000), Efficient Algorithms for Mining Outliers from Large Data Sets (distance to the nearest neighbour).

    Examples
    --------
    >>> values = np.append(np.tile([0.0, 10.0], 40), [10.0, 5.0])
    >>> NearestPast().score(values)[-2:]
    array([0. , 0.5])
    """

    invariant: ClassVar[frozenset[str]] = frozenset({"scale", "shift"})

    mean: int = 1
    sketch: int = 4096
    minimum: int = 8

    @property
    def reach(self) -> int:
        """Points of the past that are looked at."""
        return self.mean

    def begin(self, series: int) -> Memory:
        """Nothing seen yet."""
        return {"sketch": np.full((series, 0), np.nan)}

    def model(self, tape: Tape, first: int, memory: Memory) -> tuple[Ordered, FloatArray] | None:
        """The sorted past, and the width of most of it."""
        del tape, first
        if memory["sketch"].shape[1] < self.minimum:
            return None
        past = Ordered(memory["sketch"], sort=False)
        return past, past.quantile(0.95) - past.quantile(0.05)

    def judge(self, model: tuple[Ordered, FloatArray] | None, tape: Tape, first: int, last: int) -> FloatArray:
        """Distance to the nearer neighbour in the sorted past."""
        values = windowed_mean(tape.span(first - self.mean + 1, last), self.mean)
        if model is None:
            return np.full(values.shape, np.nan)
        past, width = model
        found = np.full(values.shape, np.nan)
        for row in np.flatnonzero(past.counts >= self.minimum).tolist():
            own, count = past.rows[row], int(past.counts[row])
            place = past.places(row, values[row])
            above, below = own[np.minimum(place, count - 1)], own[np.maximum(place - 1, 0)]
            found[row] = np.minimum(np.abs(values[row] - above), np.abs(values[row] - below))
        return np.where(found > 0, np.minimum(found / width[:, None], _MOST), found)

    def learn(self, model: tuple[Ordered, FloatArray] | None, tape: Tape, first: int, last: int, memory: Memory) -> Memory:
        """Merge a block into the sorted past."""
        del model
        values = windowed_mean(tape.observed(first - self.mean + 1, last), self.mean)
        return {"sketch": merged(memory["sketch"], values, self.sketch)}
