"""Residual of a decomposition into trend and seasons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from metricsctl.detect.base import Band, FloatArray
from metricsctl.detect.past import Ordered, typical_size
from metricsctl.detect.windowed import WindowedDetector

__all__ = ["Decomposition"]


@dataclass(frozen=True, slots=True)
class Decomposition(WindowedDetector):
    r"""Distance from level plus seasons, in robust standard deviations of what they left over.

    $$ x_i = \ell_i + \sum_P c_P(i \bmod P) + r_i, \quad
       s_t = \frac{|x_t - \ell - \sum_P c_P(t \bmod P)|}{\operatorname{typical}(r) + f\,|\ell|} $$

    Fitted again every eighth of the shortest season, to the last `cycles` of the longest one: the level is the median of each season's
    length, c_P the median of what is left over at each place of a season of P points; shorter seasons first, as in MSTL, with medians in
    place of loess. What is expected stands on the last level.

    Parameters
    ----------
    seasons : tuple of int, P in the formula
        Points of each season, shortest first.
    cycles : int
        Longest seasons of the past that are looked at.
    floor : float, f in the formula
        Smallest deviation that counts, as a share of the level.

    References
    ----------
    Cleveland et al. (1990), STL; Bandara, Hyndman and Bergmeir (2021), MSTL.

    Examples
    --------
    >>> day = np.tile(np.repeat([10.0, 50.0], 12), 20) + np.random.default_rng(0).normal(0, 1, 480)
    >>> day[400] = 10.0  # usual at night, but it is day
    >>> int(np.nanargmax(Decomposition((24,)).score(day)))
    400
    """

    invariant: ClassVar[frozenset[str]] = frozenset({"scale"})
    horizons: ClassVar[tuple[int, ...]] = (1, 4, 16)

    seasons: tuple[int, ...] = (24, 168)
    cycles: int = 5
    floor: float = 0.001

    @property
    def look_back(self) -> int:
        """Points of the past that the seasons are made of."""
        return self.cycles * self.seasons[-1]

    @property
    def refresh(self) -> int:
        """Points from one fit to the next."""
        return max(self.seasons[0] // 8, 1)

    def judged(self, table: FloatArray, begin: int, first: int) -> FloatArray:
        """Distances in robust standard deviations."""
        return self._band(table, begin, first).score(table[:, first - begin :])

    def band(self, values: FloatArray) -> Band:
        """Level plus seasons, and the typical size of what they left over."""
        return self._band(values, 0, 0)

    def _band(self, table: FloatArray, begin: int, first: int) -> Band:
        end = begin + table.shape[1]
        expected, scale = np.full((len(table), end - first), np.nan), np.full((len(table), end - first), np.nan)
        for fit in range(first // self.refresh * self.refresh, end, self.refresh):
            usable = [period for period in self.seasons if fit >= 3 * period]
            if usable:
                oldest, last = fit - min(fit, self.cycles * usable[-1]), min(fit + self.refresh, end)
                level, rest, ahead = _fitted(table[:, oldest - begin : fit - begin], usable, last - fit)
                own = slice(max(fit - first, 0), last - first)
                expected[:, own] = (level + ahead)[:, max(first - fit, 0) :]
                scale[:, own] = typical_size(rest)[:, None] + self.floor * np.abs(level)
        return Band(expected, scale)


def _fitted(past: FloatArray, seasons: list[int], ahead: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The last level (one column), what is left over, and the seasons of the next points; shape (series, n)."""
    size = past.shape[1]
    rest, coming = past, np.zeros((len(past), ahead))
    level = np.zeros((len(past), 1))
    for period in seasons:
        lead = -size % period  # points that are missing from the first cycle
        cycles = np.concatenate([np.full((len(past), lead), np.nan), rest], axis=1).reshape(len(past), -1, period)
        middle = _median(cycles)
        level = level + middle[:, -1:]
        cycles = cycles - middle[:, :, None]
        season = _median(cycles.transpose(0, 2, 1))
        rest = (cycles - season[:, None]).reshape(len(past), -1)[:, lead:]
        coming += season[:, np.arange(ahead) % period]
    return level, rest, coming


def _median(values: FloatArray) -> FloatArray:
    """The median along the last axis; 0 where nothing is known."""
    flat = values.reshape(-1, values.shape[-1])
    return np.nan_to_num(Ordered(flat).quantile(0.5), nan=0.0).reshape(values.shape[:-1])
