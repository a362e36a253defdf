"""Histogram novelty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from metricsctl.detect.base import FloatArray
from metricsctl.detect.blocks import Memory, Tape
from metricsctl.detect.past import merged
from metricsctl.detect.stream import BlockDetector

__all__ = ["HistogramNovelty"]

Bins = tuple[FloatArray, FloatArray, FloatArray, FloatArray]


@dataclass(frozen=True, slots=True)
class HistogramNovelty(BlockDetector):
    r"""How rarely values like this one were seen: minus the logarithm of the smoothed share of their bin.

    $$ s_t = -\log_{10} \frac{\frac14 n_{b-1} + \frac12 n_b + \frac14 n_{b+1} + \epsilon}{n + \epsilon (B + 2)} $$

    b is the bin of x_t among B equal ones between the smallest and the largest value of the past. What lies outside is as rare as such
    values have been so far: in a series that rises for good they are nothing new.

    Parameters
    ----------
    bins : int, B in the formula
        Bins between the smallest and the largest value.
    sketch : int
        Quantiles that stand for the past once it is longer.
    minimum : int
        Points of the past that must be known.
    prior : float, epsilon in the formula
        Points that every bin is taken to have beforehand.

    References
    ----------
    Goldstein and Dengel (2012), Histogram-based Outlier Score (HBOS).

    Examples
    --------
    >>> values = np.append(np.tile([0.0, 10.0], 40), [10.0, 5.0])
    >>> HistogramNovelty().score(values)[-2:].round(1)
    array([0.6, 3.1])
    """

    invariant: ClassVar[frozenset[str]] = frozenset({"scale"})

    bins: int = 32
    sketch: int = 4096
    minimum: int = 16
    prior: float = 0.05

    @property
    def reach(self) -> int:
        """Points of the past that are looked at."""
        return 0

    def begin(self, series: int) -> Memory:
        """Nothing seen yet."""
        return {"sketch": np.full((series, 0), np.nan), "outside": np.zeros((series, 1)), "judged": np.zeros((series, 1))}

    def model(self, tape: Tape, first: int, memory: Memory) -> Bins | None:
        """Where the bins begin and end, their width, and the score of each."""
        del tape, first
        past = memory["sketch"]
        if past.shape[1] < self.minimum:
            return None
        low, high = np.fmin.reduce(past, axis=1)[:, None], np.fmax.reduce(past, axis=1)[:, None]
        width = (high - low) / self.bins
        width = np.where(width > 0, width, 1e-9 * np.abs(high) + 1e-300)
        known = ~np.isnan(past)
        place = np.where(known, np.clip(np.floor((past - low) / width), 0, self.bins - 1), 0).astype(np.int64)
        each = self.bins + 2
        flat = (place + 1 + each * np.arange(len(past))[:, None])[known]
        count = np.bincount(flat, minlength=each * len(past)).reshape(len(past), each).astype(np.float64)
        wide = np.pad(count, ((0, 0), (1, 1)))
        smooth = 0.25 * wide[:, :-2] + 0.5 * count + 0.25 * wide[:, 2:]
        total = known.sum(axis=1)[:, None]
        scores = -np.log10((smooth + self.prior) / (total + self.prior * each))
        records = -np.log10((memory["outside"] + 0.5) / (memory["judged"] + 1.0))
        scores[:, [0, -1]] = np.minimum(scores[:, [0, -1]], records)
        scores[:, 1] = np.where((high == low)[:, 0], 0.0, scores[:, 1])  # as usual as can be, however little is known
        return low, high, width, np.where(total >= self.minimum, scores, np.nan)

    def judge(self, model: Bins | None, tape: Tape, first: int, last: int) -> FloatArray:
        """The score of each point's bin."""
        values = tape.span(first, last)
        if model is None:
            return np.full(values.shape, np.nan)
        low, high, width, scores = model
        place = np.clip(np.floor((values - low) / width) + 1, 1, self.bins)
        place = np.where(values < low, 0, np.where(values > high, self.bins + 1, place))
        found = np.take_along_axis(scores, np.where(np.isnan(place), 0, place).astype(np.int64), axis=1)
        return np.where(np.isnan(values), np.nan, np.maximum(found, 0.0))

    def learn(self, model: Bins | None, tape: Tape, first: int, last: int, memory: Memory) -> Memory:
        """Merge a block into the sorted past, and count what lay outside of it."""
        values = tape.observed(first, last)
        outside, judged = memory["outside"], memory["judged"]
        if model is not None:
            low, high, _, _ = model
            beyond = (values < low) | (values > high)
            outside = outside + beyond.sum(axis=1, keepdims=True)
            judged = judged + (~np.isnan(values)).sum(axis=1, keepdims=True)
        return {"sketch": merged(memory["sketch"], values, self.sketch), "outside": outside, "judged": judged}
