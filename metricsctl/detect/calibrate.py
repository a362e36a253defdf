"""From scores to tail probabilities: one threshold then means the same for every series.

A score is set against the scores before it: the probability of one at least as large, from their upper tail. Beyond the largest scores
seen the tail is extrapolated with a generalised Pareto distribution (peaks over threshold).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from metricsctl.detect.base import FloatArray, State
from metricsctl.detect.rolling import sorted_quantile

__all__ = ["TAIL_SHARE", "Calibrated", "Calibration", "Tail", "calibrate"]

TAIL_SHARE = 0.1  # the share of scores that counts as the tail
_MAX_SHAPE = 0.25  # heavier tails would let a series never alarm again
_PRIOR_SHAPE, _PRIOR_WEIGHT = 0.1, 10.0
_FIRST_STEP, _LAST_STEP = 32, 256
_LONGEST_STEP, _LONG_SHARE = 512, 128  # a long past is fitted again when it has grown by so small a part
_WINDOW = 8192
_ENOUGH = 1024  # scores of its own that a series needs to do without borrowed ones
_TEACHES = 1 / 5000
_LEAST_SCALE = 0.03  # of the tail, as a share of where it begins: a noise that grows for good is learned after a while
_START = 64  # scores that must be known, or are taken as known


@dataclass(frozen=True, slots=True)
class Calibrated:
    """The probability of a score at least as large, and the score that one in a hundred exceeds; NaN while warming up."""

    probability: FloatArray
    usual: FloatArray


def _reference(count: int = _START) -> FloatArray:
    """Scores of a well-behaved series, as a start: quantiles of a half-logistic distribution whose median is that of |N(0, 1)|.

    Its tail is heavier than the normal one, so that little history means caution.
    """
    shares = (np.arange(count) + 0.5) / count
    scores: FloatArray = 0.6745 / np.log(3.0) * np.log((1 + shares) / (1 - shares))
    return scores


def calibrate(scores: FloatArray, *, reference: bool = True, window: int = _WINDOW) -> Calibrated:
    """Calibrate scores (0 or more, shape (series, n)) by those before them; what a `Calibration` says of all of them at once.

    >>> calm = np.tile([0.5, 1.0, 0.2, 0.8], 50)
    >>> calibrate(np.append(calm, [0.9, 12.0])[None]).probability[0, -2:].round(4)
    array([0.284, 0.   ])
    """
    return Calibration(len(scores), reference=reference, window=window).push(scores)


class Calibration:
    """Tail probabilities of scores that arrive bit by bit, each by those before it.

    The tail is refitted again and again on the last `window` scores, ever more rarely as they become many. A score teaches no more than one
    in five thousand does, so that an incident does not make the next one invisible. With `reference` the past begins with the scores of a
    well-behaved series, in standard deviations, until 1,024 of its own are known; without it nothing is judged before 64 scores are known.
    Where scores are `seldom`, stretches without any are passed over, and have no `usual`.
    """

    def __init__(self, series: int, *, reference: bool = True, window: int = _WINDOW, seldom: bool = False) -> None:
        self.window, self.seldom = window, seldom
        self.borrowed = np.tile(_reference(), (series, 1)) if reference else np.full((series, 0), np.nan)
        self.first = 0  # where the block begins whose scores are not yet learned from
        self.past = np.full((series, 0), np.nan)
        self.block = np.full((series, 0), np.nan)

    def push(self, scores: FloatArray) -> Calibrated:
        """Calibrate the next scores, shape (series, n)."""
        begun = self.block.shape[1]
        table, start = np.concatenate([self.block, scores], axis=1), self.first
        probability, usual = np.full(table.shape, np.nan), np.full(table.shape, np.nan)
        for first in _block_starts(start, start + table.shape[1]):
            own = slice(first - start, _block_end(first) - start)
            learned = block = table[:, own]
            if not (self.seldom and np.isnan(block).all()):
                tail = Tail.fit(self.past if first >= _ENOUGH else np.concatenate([self.borrowed, self.past], axis=1))
                probability[:, own] = tail.probability(block)
                usual[:, own] = tail.limit(0.01)[:, None]
                bound = tail.limit(_TEACHES)[:, None]
                learned = np.where(np.isnan(bound), block, np.minimum(block, bound))
            if own.stop <= table.shape[1]:
                self.past = np.concatenate([self.past, learned], axis=1)[:, -self.window :]
                self.first = _block_end(first)
        self.block = table[:, self.first - start :]
        return Calibrated(probability[:, begun:], usual[:, begun:])

    def save(self) -> State:
        """The state; `load` goes on from it."""
        return {"first": np.array(self.first), "past": self.past, "block": self.block}

    def load(self, state: State) -> None:
        """Go on from a saved state of as many series."""
        self.first, self.past, self.block = int(state["first"]), state["past"], state["block"]


def _block_end(first: int) -> int:
    """Where the next fit is, after one at `first`."""
    most = max(_LAST_STEP, min(first // _LONG_SHARE, _LONGEST_STEP))
    return first + min(max(first // 8, _FIRST_STEP), most)


def _block_starts(first: int, end: int) -> Iterator[int]:
    """Where the fits are from `first` to before `end`: it does not depend on how long the series is."""
    while first < end:
        yield first
        first = _block_end(first)


@dataclass(frozen=True, slots=True)
class Tail:
    """The sorted past of each series, where its tail begins, and the Pareto distribution of the excesses; one row a series."""

    ordered: FloatArray
    counts: FloatArray
    threshold: FloatArray
    shape: FloatArray
    scale: FloatArray

    @classmethod
    def fit(cls, past: FloatArray) -> Tail:
        """The tail of past scores, shape (series, n)."""
        ordered = np.sort(past, axis=1)
        counts = np.count_nonzero(~np.isnan(past), axis=1).astype(np.float64)
        ordered[counts < _START] = np.nan
        counts = np.where(counts < _START, 0.0, counts)
        threshold = sorted_quantile(ordered, counts, 1 - TAIL_SHARE)
        excess = np.where(ordered > threshold[:, None], ordered - threshold[:, None], np.nan)
        shape, scale = _pareto(excess)
        return cls(ordered, counts, threshold, shape, np.maximum(scale, _LEAST_SCALE * threshold + 1e-9))

    def probability(self, scores: FloatArray) -> FloatArray:
        """Probability of a score at least as large: by rank below the tail, by the Pareto distribution in it."""
        found = np.empty_like(scores)
        for row, count in enumerate(self.counts.astype(np.int64).tolist()):
            found[row] = 1 - self.ordered[row, :count].searchsorted(scores[row]) / (count + 1)
        np.maximum(found, TAIL_SHARE, out=found)
        rows, places = np.nonzero(scores > self.threshold[:, None])
        shape, scale = self.shape[rows], self.scale[rows]
        beyond = (scores[rows, places] - self.threshold[rows]) / scale
        with np.errstate(over="ignore", invalid="ignore"):
            tail = TAIL_SHARE * np.power(1 + shape * beyond, -1 / shape)
        found[rows, places] = np.minimum(tail, TAIL_SHARE)
        return np.where(np.isnan(scores) | np.isnan(self.threshold[:, None]), np.nan, found)

    def limit(self, rate: float) -> FloatArray:
        """The score whose probability is `rate`."""
        share = min(rate, TAIL_SHARE) / TAIL_SHARE
        found: FloatArray = self.threshold + self.scale * (share**-self.shape - 1) / self.shape
        return found


def _pareto(excess: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Shape and scale by probability-weighted moments (Hosking and Wallis, 1987), the shape drawn to a light tail and kept in bounds."""
    known = ~np.isnan(excess)
    counts = np.maximum(np.count_nonzero(known, axis=1), 1)
    filled = np.where(known, excess, 0.0)  # sorted: the known ones stand together, in order
    rank = np.cumsum(known, axis=1)
    mean = filled.sum(axis=1) / counts
    weight = np.where(known, (counts[:, None] - rank + 0.35) / counts[:, None], 0.0)
    weighted = (filled * weight).sum(axis=1) / counts
    with np.errstate(divide="ignore", invalid="ignore"):
        raw = 2 - mean / (mean - 2 * weighted)
    raw = np.where(np.isfinite(raw), raw, _PRIOR_SHAPE)
    shape = np.clip((raw * counts + _PRIOR_SHAPE * _PRIOR_WEIGHT) / (counts + _PRIOR_WEIGHT), 0.02, _MAX_SHAPE)
    return shape, mean * (1 - shape)
