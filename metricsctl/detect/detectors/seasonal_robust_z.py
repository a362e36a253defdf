"""Seasonal robust z-score."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from metricsctl.detect.base import Band, FloatArray, rowwise
from metricsctl.detect.blocks import Memory, Tape
from metricsctl.detect.monthly import Monthly
from metricsctl.detect.rolling import MAD, mean_and_deviation, median, over_past, rarely_negative, typical
from metricsctl.detect.stream import BlockDetector
from metricsctl.detect.windowed import begin_of

__all__ = ["Season", "SeasonalRobustZ", "lagged"]

_ROWS = 16  # series that are worked on at once: what is made of them then stays in the cache
_SELDOM = 0.1


@dataclass(frozen=True, slots=True)
class Season:
    """A season: its length in points, how many past ones are looked at, and how many of them must be known before a point is judged."""

    period: int
    memory: int = 8
    minimum: int = 2

    @property
    def step(self) -> int:
        """How often statistics of the past are refreshed, in points."""
        return max(1, self.period // 12)


@dataclass(frozen=True, slots=True)
class SeasonalRobustZ(BlockDetector):
    r"""Distance from what this time of the season usually is, in robust standard deviations.

    $$ b_t = \operatorname{midmean}(x_{t-P}, x_{t-2P}, \ldots), \quad e_t = b_t \operatorname{med}(x/b), \quad
       u_t = (x_t - e_t) / g_t, \quad s_t = |u_t| / \operatorname{typical}(u) $$

    The median of x/b runs over the last season, so that a trend moves the expectation along. The typical size of u is 1.4826 med|u| over
    the last two, or 0.8 mean|u| where that is more. While all values have been non-negative the season is a factor and g the geometric
    mean of e and the level, so that the noise grows with the square root of the expectation; with negative values the season is added, and
    g is 1. The noise of a time of season that is known to be larger than usual is used instead. Of several seasons each point takes the one
    that has lately fitted best. With `monthly` the expectation is moved by what the same day of the last months had in common, of
    (x - e) / g.

    Parameters
    ----------
    seasons : tuple of Season
        Candidates, longest first.
    floor : float
        Smallest standard deviation that counts, as a share of the level.
    forgiving : bool
        Whether what is odd but once is forgiven: a drift counts only as far as two seasons in a row show it, and a season stays a factor
        while no more than a tenth of all values have been negative.
    monthly : Monthly, optional
        The calendar of the points; without one no day of a month is special.

    References
    ----------
    Hyndman and Athanasopoulos (2021), Forecasting: Principles and Practice, 3rd ed., 5.2 (seasonal naive method).

    Examples
    --------
    >>> import numpy as np
    >>> week = np.array([10, 11, 12, 11, 10, 5, 4.0])
    >>> values = np.concatenate([week, week + 1, week, week + 1, [10, 30]])
    >>> SeasonalRobustZ((Season(7),)).score(values).round(1)[-2:]
    array([ 0.1, 12.2])
    """

    invariant: ClassVar[frozenset[str]] = frozenset({"scale"})
    horizons: ClassVar[tuple[int, ...]] = (1, 4, 16)

    seasons: tuple[Season, ...] = (Season(168), Season(24, 14, 3))
    floor: float = 0.01
    forgiving: bool = False
    monthly: Monthly | None = None

    def score(self, values: FloatArray) -> FloatArray:
        """Score every point by its past alone; NaN while warming up. Shape (n,) or (series, n)."""
        return rowwise(values, lambda table: self.band(table).score(table))

    @property
    def reach(self) -> int:
        """Points of the past that are looked at; statistics are refreshed at fixed places."""
        return self._look_back + 2 * self._refresh

    @property
    def _refresh(self) -> int:
        """Points after which the statistics of all seasons are refreshed at once."""
        return math.lcm(*(season.step for season in self.seasons))

    @property
    def _look_back(self) -> int:
        """Points of the past that the band of a point depends on, but for whether one of them was ever negative."""
        longest, step = self.seasons[0], max(season.step for season in self.seasons)
        lags = max(season.memory * season.period for season in self.seasons)
        window = max(longest.period, 14)
        expected = 3 * (window + step) + lags + (longest.period if self.forgiving else 0)
        noise = max(longest.memory * longest.period, max(2 * longest.period, 28) + step)
        return expected + noise + (self.monthly.reach if self.monthly is not None else 0)

    def begin(self, series: int) -> Memory:
        """No value yet."""
        return {"negative": np.zeros((series, 1)), "known": np.zeros((series, 1))}

    def model(self, tape: Tape, first: int, memory: Memory) -> Memory:
        """How many values before the block there were, and how many negative ones."""
        del tape, first
        return memory

    def judge(self, model: Memory, tape: Tape, first: int, last: int) -> FloatArray:
        """Distances in robust standard deviations; it looks back as far as `reach` for each block."""
        begin = begin_of(first, self._look_back, self._refresh)
        table = tape.observed(begin, last)
        past = table[:, : first - begin]
        counts = model["negative"] - _how_many(past < 0), model["known"] - _how_many(~np.isnan(past))
        return self._bands(table, self._is_factor(table, *counts), begin, first).score(table[:, first - begin :])

    def learn(self, model: Memory, tape: Tape, first: int, last: int, memory: Memory) -> Memory:
        """Count the values of the block."""
        del model
        values = tape.observed(first, last)
        return {"negative": memory["negative"] + _how_many(values < 0), "known": memory["known"] + _how_many(~np.isnan(values))}

    def band(self, values: FloatArray, first: int = 0) -> Band:
        """The seasonal expectation and the robust standard deviation around it, of the points from `first` on."""
        begin = begin_of(first, self._look_back, self._refresh)
        return self._bands(values[:, begin:], self._is_factor(values)[:, begin:], begin, first)

    def _bands(self, table: FloatArray, positive: npt.NDArray[np.bool_], begin: int, first: int) -> Band:
        """The band from point `first` on, a few series at once; the first column of the table is point `begin`."""
        groups = [slice(row, row + _ROWS) for row in range(0, max(len(table), 1), _ROWS)]
        parts = [self._band(table[rows], positive[rows], begin) for rows in groups]
        expected, scale = np.concatenate([part.expected for part in parts]), np.concatenate([part.scale for part in parts])
        return Band(expected[:, first - begin :], scale[:, first - begin :])

    def _band(self, values: FloatArray, positive: npt.NDArray[np.bool_], begin: int) -> Band:
        expected, usable = self._expected(values, positive)
        longest = self.seasons[0]
        level = over_past(np.abs(values), max(2 * longest.period, 14), longest.step, mean_and_deviation(1))[0]
        spread = _spread(expected, level, positive)
        with np.errstate(divide="ignore", invalid="ignore"):
            apart = (values - expected) / spread
        if self.monthly is not None:
            common = self.monthly.common(apart, begin)
            expected, apart = expected + common * spread, apart - common
        noise = np.where(np.isfinite(apart), np.abs(apart), np.nan)
        scale = np.maximum(spread * _usual(noise, longest), self.floor * level)
        return Band(np.where(usable, expected, np.nan), np.where(usable, scale, np.nan))

    def _is_factor(self, values: FloatArray, negative: FloatArray | float = 0.0, known: FloatArray | float = 0.0) -> npt.NDArray[np.bool_]:
        """Whether the season is a factor at each point, shape (series, n), after so many values and negative ones."""
        return rarely_negative(values, _SELDOM if self.forgiving else 0.0, negative, known)

    def _expected(self, values: FloatArray, positive: npt.NDArray[np.bool_]) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
        """What each point should be, and whether enough seasons are known to judge by it."""
        best, usable, error = _candidate(values, self.seasons[0], positive, self.seasons[0], forgiving=self.forgiving)
        for season in self.seasons[1:]:
            other, ready, other_error = _candidate(values, season, positive, self.seasons[0], forgiving=self.forgiving)
            better = ready & (~usable | (other_error < error))
            best = np.where(better | np.isnan(best), other, best)
            error = np.where(better, other_error, error)
            usable = usable | ready
        return best, usable


def _how_many(found: npt.NDArray[np.bool_]) -> FloatArray:
    """In each series, one column."""
    count: FloatArray = found.sum(axis=1, keepdims=True).astype(np.float64)
    return count


def _candidate(
    values: FloatArray, season: Season, positive: npt.NDArray[np.bool_], judged_over: Season, *, forgiving: bool
) -> tuple[FloatArray, npt.NDArray[np.bool_], FloatArray]:
    """A season's expectation, where it may be used, and how far off it has lately been."""
    base, known = _midmean(lagged(values, season))
    expected = _drifted(values, base, season, positive, forgiving=forgiving)
    error = over_past(np.abs(values - expected), max(judged_over.period, 14), judged_over.step, median(1))[0]
    return expected, known >= season.minimum, np.where(np.isnan(error), np.inf, error)


def lagged(values: FloatArray, season: Season) -> FloatArray:
    """The values one, two ... seasons before each point, shape (memory, series, n)."""
    lags = np.full((season.memory, *values.shape), np.nan)
    size = values.shape[1]
    for number in range(season.memory):
        back = (number + 1) * season.period
        if back < size:
            lags[number, :, back:] = values[:, : size - back]
    return lags


def _midmean(lags: FloatArray) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    """Mean of the middle half along the first axis (of three or four: the median), and how many values there were."""
    known = np.count_nonzero(~np.isnan(lags), axis=0)
    ordered = np.sort(lags, axis=0)
    sums = np.zeros((len(ordered) + 1, *known.shape))
    for place, layer in enumerate(ordered):  # np.cumsum along the first axis takes ten times as long
        np.add(sums[place], np.where(np.isnan(layer), 0.0, layer), out=sums[place + 1])
    cut = np.where(known >= 3, (known + 3) // 4, 0)
    top = np.take_along_axis(sums, (known - cut)[None], axis=0)[0]
    bottom = np.take_along_axis(sums, cut[None], axis=0)[0]
    return np.where(known > 0, (top - bottom) / np.maximum(known - 2 * cut, 1), np.nan), known


def _drifted(values: FloatArray, base: FloatArray, season: Season, positive: npt.NDArray[np.bool_], *, forgiving: bool) -> FloatArray:
    """The seasonal base, moved by how the last season ran against its own base."""
    if season.period == 1:
        return base
    window = max(season.period, 14)
    minimum = min(max(3, season.period // 8), 24)
    work = median(minimum)
    usual = over_past(base, window, season.step, median(1))[0]
    busy = base >= usual
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratio = np.where(busy & (base > 0), values / base, np.nan)
    factor = np.nan_to_num(over_past(ratio, window, season.step, work)[0], nan=1.0)
    shift = np.nan_to_num(over_past(values - base, window, season.step, work)[0], nan=0.0)
    if forgiving:
        factor, shift = (_in_both(one, season.period, neutral) for one, neutral in ((factor, 1.0), (shift, 0.0)))
    moved: FloatArray = np.where(positive, base * np.clip(factor, 0.2, 5.0), base + shift)
    return moved


def _in_both(drift: FloatArray, period: int, neutral: float) -> FloatArray:
    """The drift as far as the season before showed it too: the median of both and none."""
    before = np.full(drift.shape, neutral)
    before[:, period:] = drift[:, :-period]
    middle: FloatArray = np.maximum(np.minimum(drift, before), np.minimum(np.maximum(drift, before), neutral))
    return middle


def _spread(expected: FloatArray, level: FloatArray, positive: npt.NDArray[np.bool_]) -> FloatArray:
    """How the noise depends on the expectation, in the values' unit."""
    grown: FloatArray = np.sqrt(np.maximum(expected, 0.05 * level) * level)
    return np.where(positive, grown, 1.0)


def _usual(noise: FloatArray, season: Season) -> FloatArray:
    """The usual size of the noise as a standard deviation; that of the time of season where it is known to be larger."""
    pooled: FloatArray = over_past(noise, max(2 * season.period, 28), season.step, typical(10))[0]
    if season.period == 1:
        return pooled
    own, known = _midmean(lagged(noise, season))
    trusted = np.where(known >= 4, MAD * own * known / (known + 2.0), 0.0)
    larger: FloatArray = np.maximum(pooled, trusted)
    return larger
