"""Nearest neighbours of windows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from metricsctl.detect.base import FloatArray
from metricsctl.detect.blocks import Memory, Tape
from metricsctl.detect.past import windowed_mean
from metricsctl.detect.stream import BlockDetector

__all__ = ["Knn"]

_MOST = 1e9
_FEATURES = 4
_LEAST = 1e-6  # of the largest value: features that vary less are taken to vary so much


@dataclass(frozen=True, slots=True)
class Knn(BlockDetector):
    r"""Distance of the last few points, seen as a whole, to the most similar stretches of the past.

    $$ s_t = \tfrac1k \sum_{i \in N_k(f_t)} \lVert (f_t - f_i) / \sigma_f \rVert, \quad
       f_t = (x_t,\; \overline{x},\; \operatorname{sd}(x),\; \overline{|\Delta x|})_{t-w+1..t} $$

    N_k are the k nearest among the features of the past, of which an even sample is kept; sigma_f is their standard deviation, so that
    level, spread and roughness count alike.

    Parameters
    ----------
    window : int, w in the formula
        Points that are seen as a whole.
    neighbours : int, k in the formula
        Stretches of the past whose mean distance is taken.
    sample : int
        Stretches that stand for the past once it is longer.
    minimum : int
        Stretches of the past that must be known.

    References
    ----------
    Ramaswamy, Rastogi and Shim (2000), Efficient Algorithms for Mining Outliers from Large Data Sets (distance to the nearest neighbours).

    Examples
    --------
    >>> values = np.sin(np.arange(300.0) / 5)
    >>> values[250:256] = 0.3  # values that are usual, but never so still
    >>> int(np.nanargmax(Knn(window=6).score(values)))
    255
    """

    invariant: ClassVar[frozenset[str]] = frozenset({"scale"})

    window: int = 12
    neighbours: int = 3
    sample: int = 256
    minimum: int = 32

    @property
    def reach(self) -> int:
        """Points of the past that are looked at."""
        return self.window + 1

    def begin(self, series: int) -> Memory:
        """No stretch yet, and every one is kept."""
        return {"bank": np.full((series, 0, _FEATURES), np.nan), "stride": np.ones((series, 1))}

    def model(self, tape: Tape, first: int, memory: Memory) -> tuple[FloatArray, FloatArray] | None:
        """The features of the past in their standard deviations, and these."""
        del tape, first
        bank = memory["bank"]
        if bank.shape[1] < self.minimum:
            return None
        known = ~np.isnan(bank)
        count = np.maximum(known.sum(axis=1, keepdims=True), 1)
        mean = np.where(known, bank, 0.0).sum(axis=1, keepdims=True) / count
        spread = np.sqrt(np.where(known, (bank - mean) ** 2, 0.0).sum(axis=1, keepdims=True) / count)
        least = _LEAST * np.fmax.reduce(np.abs(bank[:, :, :1]), axis=1, keepdims=True)
        spread = np.maximum(spread, least)
        spread = np.where(spread > 0, spread, np.where(count > 1, 1e-300, np.nan))
        return bank / spread, spread

    def judge(self, model: tuple[FloatArray, FloatArray] | None, tape: Tape, first: int, last: int) -> FloatArray:
        """Mean distance to the nearest stretches."""
        if model is None:
            return np.full((len(tape.values), last - first), np.nan)
        bank, spread = model
        own = np.clip(self._features(tape, first, last) / spread, -1e12, 1e12)
        found = np.full(own.shape[:2], np.nan)
        for row in range(len(own)):  # one series at a time: the distances then stay in the cache
            known = bank[row][~np.isnan(bank[row]).any(axis=1)]
            if len(known) >= max(self.neighbours, self.minimum):
                squares = np.zeros((own.shape[1], len(known)))
                for part in range(_FEATURES):
                    squares += (own[row, :, part, None] - known[None, :, part]) ** 2
                if self.neighbours == 1:
                    found[row] = np.sqrt(squares.min(axis=1))
                    continue
                nearest = np.partition(squares, self.neighbours - 1, axis=1)[:, : self.neighbours]
                found[row] = np.sqrt(nearest).mean(axis=1)
        found = np.round(found, 6)  # the last digits of what repeats itself exactly would rank its points
        return np.where(found < _MOST, found, np.where(np.isnan(found), np.nan, _MOST))

    def _features(self, tape: Tape, first: int, last: int) -> FloatArray:
        """Value, mean, deviation and mean step of the window up to each point, shape (series, n, 4)."""
        width = self.window
        values = tape.span(first - width, last)
        mean = windowed_mean(values[:, 1:], width)
        centre = np.where(np.isnan(values[:, :1]), 0.0, values[:, :1])
        square = windowed_mean((values[:, 1:] - centre) ** 2, width) - (mean - centre) ** 2
        steps = windowed_mean(np.abs(np.diff(values, axis=1)), width)
        return np.stack([values[:, width:], mean, np.sqrt(np.maximum(square, 0.0)), steps], axis=2)

    def learn(self, model: tuple[FloatArray, FloatArray] | None, tape: Tape, first: int, last: int, memory: Memory) -> Memory:
        """Keep every so-manieth stretch; once there are too many, every other one of them."""
        del model
        bank, stride = memory["bank"], int(memory["stride"].max(initial=1))
        bank = np.concatenate([bank, self._features(tape, first, last)[:, (-first) % stride :: stride]], axis=1)
        while bank.shape[1] > self.sample:
            bank, stride = bank[:, ::2], stride * 2
        return {"bank": bank, "stride": np.full((len(bank), 1), float(stride))}
