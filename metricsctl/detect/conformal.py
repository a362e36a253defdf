"""Causal tail probabilities of many series at once: ranks among the scores of the past, and a generalised Pareto tail beyond the largest.

`calibrate` does the same for distances in standard deviations, of which it knows how a well-behaved series looks; here nothing is known of
a score but what the series itself has shown.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metricsctl.detect.base import FloatArray

__all__ = ["MEMORY", "MOST", "Ranks", "remembered"]

MEMORY = 8192  # scores of the past that are kept
MOST = float(np.log10(MEMORY + 1))  # what is kept proves no probability smaller than one in so many
_LEAST = 32  # scores that must be known
_TAIL = 16  # of them at least are the tail
_MAX_SHAPE, _MIN_SHAPE = 0.5, 0.01  # from 0.5 on a tail has no variance
_PRIOR_SHAPE, _PRIOR_WEIGHT = 0.1, 10.0


def remembered(past: FloatArray, more: FloatArray) -> FloatArray:
    """The last scores of the past with more behind them, shape (series, at most MEMORY)."""
    return np.concatenate([past, more], axis=1)[:, -MEMORY:]


@dataclass(frozen=True, slots=True)
class Ranks:
    """The sorted past of each series, how many scores it has, and the tail: where it begins, its share, shape and scale."""

    ordered: FloatArray
    counts: FloatArray
    threshold: FloatArray
    share: FloatArray
    shape: FloatArray
    scale: FloatArray

    @classmethod
    def of(cls, past: FloatArray, share: float) -> Ranks:
        """The past (series, n) whose largest `share` is the tail; NaN counts as absent.

        Shape and scale come from probability-weighted moments (Hosking and Wallis, 1987), the shape drawn to a light tail, and in bounds.
        """
        ordered = np.sort(past, axis=1)
        counts = np.count_nonzero(~np.isnan(past), axis=1)
        if not ordered.shape[1]:
            nothing = np.full(len(past), np.nan)
            return cls(ordered, counts.astype(np.float64), nothing, nothing, nothing, nothing)
        rows = np.arange(len(past))
        tail = np.clip((share * counts).astype(np.int64), _TAIL, np.maximum(counts - 1, 0))
        threshold = ordered[rows, np.maximum(counts - tail - 1, 0)]
        places = np.maximum(counts - tail, 0)[:, None] + np.arange(int(tail.max(initial=0)))
        inside = places < counts[:, None]
        excess = np.where(inside, ordered[rows[:, None], np.minimum(places, ordered.shape[1] - 1)] - threshold[:, None], 0.0)
        above = excess > 0
        number = np.maximum(above.sum(axis=1), 1)
        rank = np.cumsum(above, axis=1)
        mean = np.where(above, excess, 0.0).sum(axis=1) / number
        weighted = np.where(above, (number[:, None] - rank + 0.35) / number[:, None] * excess, 0.0).sum(axis=1) / number
        with np.errstate(all="ignore"):
            raw = 2 - mean / (mean - 2 * weighted)
        raw = np.where(np.isfinite(raw), raw, _PRIOR_SHAPE)
        shape = np.clip((raw * number + _PRIOR_SHAPE * _PRIOR_WEIGHT) / (number + _PRIOR_WEIGHT), _MIN_SHAPE, _MAX_SHAPE)
        scale = np.maximum(mean * (1 - shape), 1e-12)
        enough = counts >= _LEAST
        return cls(
            ordered, counts.astype(np.float64), np.where(enough, threshold, np.nan), above.sum(axis=1) / (counts + 1.0), shape, scale
        )

    def surprise(self, scores: FloatArray) -> FloatArray:
        """Minus the decimal logarithm of the probability of a score at least as large; NaN while too few are known.

        It is no larger than that of one score in as many as are known: they prove no more.
        """
        found = np.full(scores.shape, np.nan)
        for row in np.flatnonzero(self.counts >= _LEAST).tolist():
            count = int(self.counts[row])
            found[row] = (count - self.ordered[row, :count].searchsorted(scores[row]) + 1) / (count + 1.0)
        rows, places = np.nonzero((scores > self.threshold[:, None]) & (self.share > 0)[:, None])
        beyond = (scores[rows, places] - self.threshold[rows]) / self.scale[rows]
        with np.errstate(all="ignore"):
            found[rows, places] = self.share[rows] * np.power(1 + self.shape[rows] * beyond, -1 / self.shape[rows])
            surprise: FloatArray = np.clip(-np.log10(found), 0.0, np.log10(self.counts + 1)[:, None])
        return np.where(np.isnan(scores), np.nan, surprise)
