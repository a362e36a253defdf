"""Distance from the median of the same time in past seasons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from metricsctl.detect.base import FloatArray
from metricsctl.detect.blocks import Memory, Tape
from metricsctl.detect.past import Ordered, typical_size, windowed_mean
from metricsctl.detect.stream import BlockDetector

__all__ = ["Outlook", "SeasonalMedian"]

_LEVEL = 64  # points of the past whose median is the outlook without a season; with one, as many as the first has
_LEAST = 16  # residuals that must be known


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is known before a block: the standard deviation of each candidate, the level, and which candidate fits best."""

    scales: list[FloatArray]
    level: FloatArray
    floor: FloatArray
    best: FloatArray
    raw: list[FloatArray]


@dataclass(frozen=True, slots=True)
class SeasonalMedian(BlockDetector):
    r"""Distance from the median of the same time in past seasons, moved along by how the last eighth of a season ran against it.

    $$ s_t = \frac{|x_t - m_t - \delta_t|}{\sigma + f\,\ell}, \quad m_t = \operatorname{med}(x_{t-P}, \ldots, x_{t-kP}), \quad
       \delta_t = \operatorname{mean}(\operatorname{clip}(x_i - m_i, \pm 3\sigma))_{i=t-w..t-1} $$

    Of several seasons, and of the median of the last points, the one that has lately fitted best is used. It is `seasonal_robust_z` in a
    form that can go on point by point.

    Parameters
    ----------
    seasons : tuple of (int, int)
        Points of each season, P in the formula, and how many past ones are looked at, k.
    window : int
        Residuals of the past that sigma is the typical size of.
    floor : float, f in the formula
        Smallest deviation that counts, as a share of the typical value.

    References
    ----------
    Hyndman and Athanasopoulos (2021), Forecasting: Principles and Practice, 3rd ed., 5.2 (seasonal naive method).

    Examples
    --------
    >>> day = np.tile(np.repeat([10.0, 50.0], 12), 20) + np.random.default_rng(0).normal(0, 1, 480)
    >>> day[400] = 10.0  # usual at night, but it is day
    >>> int(np.nanargmax(SeasonalMedian(((24, 5),)).score(day)))
    400
    """

    invariant: ClassVar[frozenset[str]] = frozenset({"scale"})

    seasons: tuple[tuple[int, int], ...] = ((24, 5), (168, 3))
    window: int = 1024
    floor: float = 1e-3

    @property
    def reach(self) -> int:
        """Points of the past that are looked at."""
        return max([self.window, self._level, *(period * back for period, back in self.seasons)]) + 1

    def _drift(self, number: int) -> int:
        """Points over which the last deviations are averaged."""
        period = self._level if number == len(self.seasons) else self.seasons[number][0]
        return max(period // 8, 3)

    @property
    def _level(self) -> int:
        return max(_LEVEL, self.seasons[0][0]) if self.seasons else _LEVEL

    def begin(self, series: int) -> Memory:
        """No residual yet."""
        names = [f"{kind}{number}" for kind in ("raw", "rest") for number in range(len(self.seasons) + 1)]
        return {name: np.full((series, 0), np.nan) for name in names}

    def model(self, tape: Tape, first: int, memory: Memory) -> Outlook:
        """Scales of the candidates and the best of them."""
        past = tape.past(first, self.window)
        scales = []
        for number in range(len(self.seasons) + 1):
            rest = memory[f"rest{number}"]
            known = np.count_nonzero(~np.isnan(rest), axis=1) >= _LEAST
            scales.append(np.where(known, typical_size(rest), np.nan) if rest.shape[1] else np.full(len(rest), np.nan))
        best = np.argmin(np.where(np.isnan(scales), np.inf, scales), axis=0)
        level = Ordered(tape.past(first, self._level)).quantile(0.5)[:, None] if first else np.full((len(tape.values), 1), np.nan)
        floor = self.floor * typical_size(past)
        return Outlook(scales, level, floor, best, [memory[f"raw{number}"] for number in range(len(self.seasons) + 1)])

    def judge(self, model: Outlook, tape: Tape, first: int, last: int) -> FloatArray:
        """Distance in standard deviations."""
        expected, scale = self.expect(model, tape, first, last)
        apart = np.abs(tape.span(first, last) - expected)
        return np.where(apart > 0, np.minimum(apart / np.where(scale > 0, scale, np.where(scale == 0, 1e-300, np.nan)), 1e9), apart * scale)

    def expect(self, model: Outlook, tape: Tape, first: int, last: int) -> tuple[FloatArray, FloatArray]:
        """What is expected of each point by the best candidate, and one standard deviation (one column)."""
        values = tape.span(first, last)
        expected, scale = np.full(values.shape, np.nan), np.full(len(values), np.nan)
        for number, own in enumerate(model.scales):
            chosen = (model.best == number) & ~np.isnan(own)
            if chosen.any():
                raw = self._raw(model, tape, first, last, number)
                found = values - self._rest(model, raw, number)
                expected = np.where(chosen[:, None], found, expected)
                scale = np.where(chosen, own + model.floor, scale)
        return expected, scale[:, None]

    def _raw(self, model: Outlook, tape: Tape, first: int, last: int, number: int) -> FloatArray:
        """Deviations from the median of the same time, not yet moved."""
        values = tape.span(first, last)
        if number == len(self.seasons):
            return values - model.level
        period, back = self.seasons[number]
        if last - period <= 0:
            return np.full(values.shape, np.nan)
        lags = np.sort(np.stack([tape.span(first - k * period, last - k * period) for k in range(1, back + 1)]), axis=0)
        known = np.count_nonzero(~np.isnan(lags), axis=0)
        low, high = np.maximum(known - 1, 0) // 2, known // 2
        high = np.minimum(high, np.maximum(known - 1, 0))
        middle = np.take_along_axis(lags, np.stack([low, high]), axis=0)
        usual: FloatArray = (middle[0] + middle[1]) / 2
        return values - usual

    def _rest(self, model: Outlook, raw: FloatArray, number: int) -> FloatArray:
        """Deviations from what is expected: less the mean of the last ones."""
        width = self._drift(number)
        limit = 3 * model.scales[number][:, None]
        limit = np.where(np.isnan(limit), np.inf, limit)
        before = np.concatenate([np.full((len(raw), width), np.nan), model.raw[number], raw], axis=1)[:, -width - raw.shape[1] : -1]
        drift = windowed_mean(np.clip(np.nan_to_num(before, nan=0.0), -limit, limit), width)
        return raw - drift

    def learn(self, model: Outlook, tape: Tape, first: int, last: int, memory: Memory) -> Memory:
        """Keep the deviations of a block."""
        kept: Memory = {}
        for number in range(len(self.seasons) + 1):
            raw = self._raw(model, tape, first, last, number)
            rest = self._rest(model, raw, number)
            kept[f"raw{number}"] = np.concatenate([memory[f"raw{number}"], raw], axis=1)[:, -self._drift(number) :]
            kept[f"rest{number}"] = np.concatenate([memory[f"rest{number}"], rest], axis=1)[:, -self.window :]
        return kept
