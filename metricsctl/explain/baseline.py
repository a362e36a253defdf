"""What would have been normal: expected values that are learned from what lies before an episode."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from metricsctl.detect.base import Band
from metricsctl.detect.detectors.seasonal_robust_z import SeasonalRobustZ
from metricsctl.detect.grid import seasons_of
from metricsctl.detect.noise import Kind, widened
from metricsctl.explain.panel import Axis, Panel

__all__ = ["Move", "Usual", "deviation_of", "expected", "kind_of", "move_of", "usual_totals"]

FloatArray = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
_KINDS: dict[str, Kind] = {"count": "count", "count_distinct": "count", "sum": "sum"}
_RECENT, _FEWEST = 64, 3  # where no season is known: so many windows before, and the fewest that say anything
_WEEKS = 8
_DRAWN = 4  # stretches that the rule of thumb is worth


def kind_of(aggregate: str | None) -> Kind:
    """How the noise of an aggregate depends on its rows; None stands for a formula."""
    return _KINDS.get(aggregate or "", "level")


def expected(panel: Panel, axis: Axis, hidden: Mask, kind: Kind) -> Band:
    """What was to be expected of each window and one standard deviation of it, shape (cells, windows); NaN where too little is known.

    Windows that are `hidden` (the episode) teach nothing. The seasonal expectation is that of `detect`, but one odd week does not move it;
    where no season is known yet, the median of the last windows stands in.
    """
    grid = axis.grid
    shown = np.where(hidden[None, :], np.nan, panel.values)
    values, counts = grid.spread(shown), np.nan_to_num(grid.spread(panel.counts), nan=0.0)
    seasons = seasons_of(grid.length, weekly_only=True)
    band = widened(SeasonalRobustZ(seasons, forgiving=True).band(values), values, counts, kind, max(2 * seasons[0].period, 28))
    found = Band(grid.gather(band.expected), grid.gather(band.scale))
    if np.isfinite(found.expected[:, hidden]).any() or not hidden.any():
        return found
    return _recent(shown, int(np.argmax(hidden)), found)


def _recent(shown: FloatArray, onset: int, found: Band) -> Band:
    """The band with the median and the spread of the last windows before `onset` from there on."""
    level, scale = found.expected.copy(), found.scale.copy()
    for row, values in enumerate(shown):
        past = values[:onset][np.isfinite(values[:onset])][-_RECENT:]
        if len(past) >= _FEWEST:
            middle = float(np.median(past))
            spread = 1.4826 * float(np.median(np.abs(past - middle)))
            level[row, onset:], scale[row, onset:] = middle, max(spread, 0.01 * abs(middle), 1e-12)
    return Band(level, scale)


@dataclass(frozen=True, slots=True)
class Move:
    """What a series did in the windows of an episode: its total (or mean) against the expected one, and how far out that is.

    `score` is in standard deviations of such a total, as the totals of stretches of the same length before show them.
    """

    actual: float
    expected: float
    score: float
    windows: int

    @property
    def change(self) -> float:
        """Actual less expected."""
        return self.actual - self.expected

    @property
    def relative(self) -> float | None:
        """The change as a share of what was expected; None where that says nothing, because the sign changed."""
        return self.change / abs(self.expected) if self.expected and self.actual * self.expected >= 0 else None

    @property
    def is_moved(self) -> bool:
        """Whether it is out of the ordinary."""
        return abs(self.score) >= 4


def deviation_of(panel: Panel, band: Band, *, zero: bool) -> FloatArray:
    """Each window's deviation of the first series, in standard deviations; `zero`: a missing window counts as 0. NaN: unknown."""
    values = np.where(np.isnan(panel.values[0]) & zero, 0.0, panel.values[0])
    with np.errstate(divide="ignore", invalid="ignore"):
        found: FloatArray = np.where(band.scale[0] > 0, (values - band.expected[0]) / band.scale[0], 0.0)
    return found


def _mean_spread(past: FloatArray, count: int) -> float:
    """One standard deviation of the mean of `count` neighbouring deviations, as the past shows it.

    The median absolute deviation of the means of stretches of that length (from three windows on), drawn towards one over the root of
    2 sqrt(count), since neighbours are alike to some degree. It is never more than that: a move can be surer by its history, not less.
    """
    usual = 1 / np.sqrt(min(count, 2 * np.sqrt(count)))
    blocks = len(past) // count
    if blocks < _FEWEST or count < _FEWEST:
        return float(usual)
    means = past[len(past) - blocks * count :].reshape(blocks, count).mean(axis=1)
    seen = 1.4826 * float(np.median(np.abs(means - np.median(means))))
    return float(min(np.sqrt((blocks * seen**2 + _DRAWN * usual**2) / (blocks + _DRAWN)), usual))


def move_of(values: FloatArray, band: Band, inside: Mask, *, total: bool, row: int = 0) -> Move | None:
    """The move of one series; None if nothing is known of what was to be expected. Of a `total` a missing window counts as 0."""
    level, scale = band.expected[row], band.scale[row]
    actual = np.where(np.isnan(values) & total, 0.0, values)
    known = inside & np.isfinite(level) & np.isfinite(actual)
    count = int(known.sum())
    if not count:
        return None
    apart = float(np.sum(actual[known] - level[known]))
    noise = float(np.nansum(scale[known]))
    with np.errstate(divide="ignore", invalid="ignore"):
        past = ((actual - level) / scale)[: int(np.argmax(inside))]
    spread = _mean_spread(past[np.isfinite(past)], count)
    score = 0.0 if apart == 0 else float(np.sign(apart) * 1e6 if noise <= 0 else np.clip(apart / noise / spread, -1e6, 1e6))
    share = 1.0 if total else 1.0 / count
    return Move(float(actual[known].sum()) * share, float(level[known].sum()) * share, float(score), count)


@dataclass(frozen=True)
class Usual:
    """What windows like those of an episode usually have, by cell: `total`, shape (cells,), NaN where nothing is known.

    `weeks` are the earlier totals that it is the trimmed mean of, by how many seasons back; empty where no season is known.
    """

    total: FloatArray
    weeks: Mapping[int, FloatArray]


def usual_totals(panel: Panel, axis: Axis, inside: Mask, places: npt.NDArray[np.int64] | None = None) -> Usual:
    """For each cell the total that windows like those of the episode usually have: the trimmed mean over the weeks before.

    Sparse cells are added up over the episode first, so that they are no noisier than they must be. `places` are the windows to look at
    where they are not those `inside` themselves (an input of an earlier time).
    """
    grid = axis.grid
    chosen = np.flatnonzero(inside) if places is None else places
    onset = int(chosen[0])
    by_place = {int(place): number for number, place in enumerate(grid.place.tolist())}
    for season in (item.period for item in seasons_of(grid.length, weekly_only=False)):
        sums: dict[int, FloatArray] = {}
        for back in range(1, _WEEKS * max(1, 168 // max(season, 1)) + 1):
            earlier = np.array([by_place.get(int(grid.place[window]) - back * season, -1) for window in chosen])
            if earlier.max(initial=-1) >= onset:
                continue
            known = earlier >= 0
            if known.mean() < 0.9:
                break
            values = panel.values[:, earlier[known]]
            present = np.isfinite(values).mean(axis=0) > 0
            if present.any():
                sums[back] = np.nansum(values, axis=1) * (len(chosen) / known.sum())
            if len(sums) == _WEEKS:
                break
        if len(sums) >= 2 or (len(sums) == 1 and season == 1):
            return Usual(_trimmed_mean(np.stack(list(sums.values()))), sums)
    return Usual(_level_total(panel, onset, len(chosen)), {})


def _trimmed_mean(sums: FloatArray) -> FloatArray:
    """Mean along the first axis without the smallest and the largest, if there are at least four."""
    ordered = np.sort(sums, axis=0)
    return np.asarray((ordered[1:-1] if len(sums) >= 4 else ordered).mean(axis=0), dtype=np.float64)


def _level_total(panel: Panel, onset: int, count: int) -> FloatArray:
    """Where no season is known: the mean of the last windows before, times the number of windows."""
    past = panel.values[:, max(0, onset - _RECENT) : onset]
    known = np.isfinite(past).sum(axis=1)
    return np.where(known >= _FEWEST, np.nansum(past, axis=1) / np.maximum(known, 1) * count, np.nan)
