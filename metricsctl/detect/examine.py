"""One metric's series from values to episodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt

from metricsctl.detect.base import FloatArray, Status
from metricsctl.detect.blocks import HUGE
from metricsctl.detect.describe import episode_of, gaps_of
from metricsctl.detect.detectors.auto import Auto
from metricsctl.detect.detectors.missing_data import MissingData
from metricsctl.detect.detectors.robust_z import RobustZ
from metricsctl.detect.detectors.seasonal_robust_z import Season, SeasonalRobustZ
from metricsctl.detect.episodes import ELEVATED, quiet_windows, stretches
from metricsctl.detect.grid import seasons_of
from metricsctl.detect.judge import Judged, Verdicts, Widen, judge, verdicts
from metricsctl.detect.monthly import Monthly, is_dated
from metricsctl.detect.noise import widened
from metricsctl.detect.registry import AUTO, create
from metricsctl.detect.report import Episode, ScoredSeries
from metricsctl.detect.resume import Resumable
from metricsctl.detect.series import Series, SeriesSet
from metricsctl.detect.states import SeriesStates

__all__ = ["Found", "examine", "examine_together", "verdicts_of"]


@dataclass(frozen=True, slots=True)
class Found:
    """What was found of one metric; `needs` says what history is missing where nothing was judged, `constant` that it never moves.

    `seasons` are those that were tried, in windows; `judged` windows and `alarms` are those of the whole past.
    """

    metric: str
    episodes: tuple[Episode, ...]
    series: tuple[ScoredSeries, ...]
    needs: str | None
    constant: bool
    seasons: tuple[int, ...]
    judged: int
    alarms: int


def examine(
    item: SeriesSet, detector: str, rate: float, since: int | None, *, weekly_only: bool, states: SeriesStates | None = None
) -> Found:
    """Judge the series of one metric; windows before `since` are learned from and left out of the result."""
    (found,) = examine_together([item], detector, rate, since, weekly_only=weekly_only, states=states)
    return found


def examine_together(
    items: Sequence[SeriesSet], detector: str, rate: float, since: int | None, *, weekly_only: bool, states: SeriesStates | None = None
) -> list[Found]:
    """Judge sets of series of one metric that stand on the same windows: what `examine` finds in each, in less time."""
    whole = replace(items[0], series=tuple(one for item in items for one in item.series))
    seasons = seasons_of(whole.grid.length, weekly_only=weekly_only)
    values = np.stack([np.where(one.status == Status.WARMING_UP, one.value, np.nan) for one in whole.series])
    verdicts = verdicts_of(whole, values, detector, rate, seasons, states, early=not weekly_only)
    found, row = [], 0
    for item in items:
        own = slice(row, row + len(item.series))
        part = Verdicts(*(getattr(verdicts, field.name)[own] for field in fields(verdicts)))
        found.append(_found(item, values[own], part, detector, rate, since, seasons, bare=not weekly_only))
        row = own.stop
    return found


def _found(
    item: SeriesSet,
    values: FloatArray,
    verdicts: Verdicts,
    detector: str,
    rate: float,
    since: int | None,
    seasons: tuple[Season, ...],
    *,
    bare: bool,
) -> Found:
    """What verdicts mean: episodes, alerts, statuses."""
    episodes: list[Episode] = []
    scored: list[ScoredSeries] = []
    judged = alarms_raised = 0
    first = 0 if since is None else int(np.searchsorted(item.grid.times, since))
    for row, one in enumerate(item.series):
        found = (verdicts.anomaly[row], verdicts.side[row], verdicts.score[row], verdicts.deviation[row])
        own = list(stretches(*found, quiet_windows(item.grid.length)))
        episodes += [episode_of(item, one, verdicts, row, stretch, detector) for stretch in own if stretch.end >= first]
        alerts = np.zeros(len(one.value), dtype=bool)
        alerts[[place for stretch in own for place in stretch.alerts]] = True
        if detector in {AUTO, "missing_data"}:
            gaps = gaps_of(item, one, seasons, rate)
            episodes += [gap for gap, _, end in gaps if end >= first]
            alerts[[alert for _, alert, _ in gaps]] = True
        scored.append(_scored(item, one, verdicts, row, alerts, first))
        judged += int(np.count_nonzero((one.status == Status.WARMING_UP) & ~np.isnan(verdicts.score[row])))
        alarms_raised += int(alerts.sum())
    known = int(np.isfinite(values).sum(axis=1).max(initial=0))
    needs = None if judged or first or detector == "missing_data" else _needs(known, seasons, detector, bare=bare)
    return Found(
        item.traits.metric,
        tuple(episodes),
        tuple(scored),
        needs,
        _is_constant(values),
        tuple(season.period for season in seasons),
        judged,
        alarms_raised,
    )


def verdicts_of(
    item: SeriesSet,
    values: FloatArray,
    name: str,
    rate: float,
    seasons: tuple[Season, ...],
    states: SeriesStates | None = None,
    *,
    early: bool = False,
) -> Verdicts:
    """Verdicts by window; the detector works on the places of the wall clock.

    `auto` goes on from `states`, and puts its own there; `early`: it judges before a season is known.
    """
    grid = item.grid
    on_grid = grid.spread(np.where(np.isfinite(values), np.clip(values, -HUGE, HUGE), np.nan))
    if name == "missing_data":
        nothing = np.full(values.shape, np.nan)
        quiet = np.zeros(values.shape, dtype=np.int8)
        score = MissingData(seasons[-1]).score(on_grid)
        return Verdicts(grid.gather(score), quiet.astype(bool), quiet, nothing, nothing, nothing, nothing, quiet)
    counts = np.nan_to_num(grid.spread(np.stack([one.count for one in item.series])), nan=0.0)
    season = SeasonalRobustZ(seasons, monthly=Monthly(grid) if is_dated(grid) else None)
    if name == AUTO:
        period = seasons[-1].period
        resumable = Resumable(
            season,
            Auto(period if period > 1 else 0),
            lambda rows: _widening(item, on_grid[rows], counts[rows], seasons),
            on_grid,
            counts,
            RobustZ() if early else None,
        )
        found = verdicts(on_grid, _resumed(resumable, item, seasons, states), rate)
    else:
        detector = season if name == "seasonal_robust_z" else create(name)
        found = judge(on_grid, detector, rate, _widening(item, on_grid, counts, seasons))
    side, family = (np.nan_to_num(grid.gather(part.astype(np.float64)), nan=0.0).astype(np.int8) for part in (found.side, found.family))
    floats = [grid.gather(part) for part in (found.score, found.deviation, found.expected, found.low, found.high)]
    score, deviation, expected, low, high = floats
    rows = np.stack([one.count for one in item.series])
    matters = item.traits.care.matters(values, expected, rows, adds_up=item.traits.adds_up)
    side = np.where(matters, side, 0).astype(np.int8)
    return Verdicts(score, side != 0, side, deviation, expected, low, high, family)


def _widening(item: SeriesSet, values: FloatArray, counts: FloatArray, seasons: tuple[Season, ...]) -> Widen:
    kind, window = item.traits.kind, max(2 * seasons[0].period, 28)
    return lambda band: band if kind is None else widened(band, values, counts, kind, window)


def _resumed(resumable: Resumable, item: SeriesSet, seasons: tuple[Season, ...], states: SeriesStates | None) -> Judged:
    """What `auto` finds, with what is known from an earlier run."""
    if states is None or not states.keeps(len(item.series), item.grid.size):
        return resumable.judge(0, [None] * len(item.series))[0]
    grid = item.grid
    unsettled = np.logical_or.reduce([one.status == Status.OPEN for one in item.series])
    settled = int(grid.place[np.argmax(unsettled)]) if unsettled.any() else grid.size
    names = [repr((sorted(one.key.items()), item.traits.kind, grid.start, grid.length, seasons)) for one in item.series]
    known = [states.get(name, *row, settled) for name, row in zip(names, zip(resumable.values, resumable.counts, strict=True), strict=True)]
    found, fresh = resumable.judge(settled, known)
    for name, state in zip(names, fresh, strict=True):
        states.put(name, state)
    return found


def _is_constant(values: FloatArray) -> bool:
    known = values[np.isfinite(values)]
    return len(known) > 2 and bool((known == known[0]).all())


def _needs(known: int, seasons: tuple[Season, ...], detector: str, *, bare: bool) -> str:
    """What there is and what it would take; of a bare series too short to have a step it depends on that."""
    there = f"it has {known:,} {'window' if known == 1 else 'windows'}"
    if bare and known < 3:
        return f"{there}; three days of hours, or three weeks of days, are needed"
    if detector not in {AUTO, "seasonal_robust_z"}:
        return f"{there}, and {detector} needs more"
    bare = bare and detector == AUTO
    least = min(season.period * season.minimum for season in seasons)
    return f"{there}, and more than {min(least, RobustZ().warm_up) if bare else least:,} are needed"


def _scored(item: SeriesSet, one: Series, verdicts: Verdicts, row: int, alerts: npt.NDArray[np.bool_], first: int) -> ScoredSeries:
    """The series with a status and a score for each window from `first` on."""
    score, anomaly = verdicts.score[row], verdicts.anomaly[row]
    judged = (one.status == Status.WARMING_UP) & ~np.isnan(score)
    # a sum of deviations stays high a while after the last odd window: that window itself is in order
    away = np.copysign(1.0, verdicts.side[row]) * np.nan_to_num(verdicts.deviation[row], nan=0.0)
    odd = anomaly & ((away > ELEVATED) | alerts)
    status = np.where(judged, np.where(odd, Status.ANOMALY, Status.NORMAL), one.status).astype(np.uint8)
    status = np.where(item.grid.single | (one.status != Status.WARMING_UP), status, Status.EXCLUDED).astype(np.uint8)
    cut = slice(first, None)
    return ScoredSeries(
        metric=item.traits.metric,
        unit=item.traits.unit,
        zone=item.traits.zone,
        key=one.key,
        time=item.grid.times[cut],
        value=one.value[cut],
        score=np.where(judged & (~anomaly | alerts), score, np.where(judged, 0.0, np.nan))[cut],
        expected_low=verdicts.low[row][cut],
        expected=verdicts.expected[row][cut],
        expected_high=verdicts.high[row][cut],
        status=status[cut],
        alert=alerts[cut],
        rows=None if item.rows is None else item.rows[cut],
        labels=None if item.labels is None else item.labels[cut],
    )
