"""One metric's series from values to episodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from metricsctl.core.timegrid import to_iso
from metricsctl.detect.base import Band, Detector, FloatArray, Status
from metricsctl.detect.detectors.auto import Auto
from metricsctl.detect.detectors.missing_data import MissingData
from metricsctl.detect.detectors.seasonal_robust_z import Season, SeasonalRobustZ
from metricsctl.detect.episodes import ELEVATED, Stretch, fingerprint, quiet_windows, stretches
from metricsctl.detect.grid import seasons_of
from metricsctl.detect.judge import Verdicts, judge
from metricsctl.detect.noise import widened
from metricsctl.detect.registry import AUTO, create
from metricsctl.detect.report import Episode, ScoredSeries
from metricsctl.detect.series import Series, SeriesSet

__all__ = ["Found", "examine", "verdicts_of"]

_CONTEXT = 48  # values shown around an episode
_BEFORE = 30  # of them before its onset


@dataclass(frozen=True, slots=True)
class Found:
    """What was found of one metric; `needs` says what history is missing where nothing was judged, `constant` that it never moves."""

    metric: str
    episodes: tuple[Episode, ...]
    series: tuple[ScoredSeries, ...]
    needs: str | None
    constant: bool


def examine(item: SeriesSet, detector: str, rate: float, since: int | None, *, weekly_only: bool) -> Found:
    """Judge the series of one metric; windows before `since` are learned from and left out of the result."""
    seasons = seasons_of(item.grid.length, weekly_only=weekly_only)
    values = np.stack([np.where(one.status == Status.WARMING_UP, one.value, np.nan) for one in item.series])
    verdicts = verdicts_of(item, values, detector, rate, seasons)
    episodes: list[Episode] = []
    scored: list[ScoredSeries] = []
    first = 0 if since is None else int(np.searchsorted(item.grid.times, since))
    for row, one in enumerate(item.series):
        found = (verdicts.anomaly[row], verdicts.side[row], verdicts.score[row], verdicts.deviation[row])
        own = list(stretches(*found, quiet_windows(item.grid.length)))
        episodes += [_episode(item, one, verdicts, row, stretch, detector) for stretch in own if stretch.end >= first]
        alerts = np.zeros(len(one.value), dtype=bool)
        alerts[[stretch.alert for stretch in own]] = True
        if detector in {AUTO, "missing_data"}:
            gaps = _gaps(item, one, seasons, rate)
            episodes += [gap for gap, _, end in gaps if end >= first]
            alerts[[alert for _, alert, _ in gaps]] = True
        scored.append(_scored(item, one, verdicts, row, alerts, first))
    judged = any(np.any(np.isin(one.status, (Status.NORMAL, Status.ANOMALY))) for one in scored)
    needs = None if judged or first or detector == "missing_data" else _needs(seasons, values, item.traits.kind is None)
    return Found(item.traits.metric, tuple(episodes), tuple(scored), needs, _is_constant(values))


def _detector(name: str, seasons: tuple[Season, ...]) -> Detector:
    if name in {AUTO, "seasonal_robust_z"}:
        return SeasonalRobustZ(seasons)
    if name == "missing_data":
        return MissingData(seasons[-1])
    return create(name)


def verdicts_of(item: SeriesSet, values: FloatArray, name: str, rate: float, seasons: tuple[Season, ...]) -> Verdicts:
    """Verdicts by window; the detector works on the places of the wall clock."""
    grid, season = item.grid, seasons[0]
    on_grid = grid.spread(values)
    detector = _detector(name, seasons)
    period = seasons[-1].period
    beside = Auto(period if period > 1 else 0).trace(on_grid) if name == AUTO else None
    if isinstance(detector, MissingData):
        nothing = np.full(values.shape, np.nan)
        quiet = np.zeros(values.shape, dtype=np.int8)
        return Verdicts(grid.gather(detector.score(on_grid)), quiet.astype(bool), quiet, nothing, nothing, nothing, nothing)
    kind = item.traits.kind
    counts = np.nan_to_num(grid.spread(np.stack([one.count for one in item.series])), nan=0.0)

    def widen(band: Band) -> Band:
        return band if kind is None else widened(band, on_grid, counts, kind, max(2 * season.period, 28))

    found = judge(on_grid, detector, rate, widen, beside)
    side = np.nan_to_num(grid.gather(found.side.astype(np.float64)), nan=0.0).astype(np.int8)
    floats = [grid.gather(part) for part in (found.score, found.deviation, found.expected, found.low, found.high)]
    score, deviation, expected, low, high = floats
    rows = np.stack([one.count for one in item.series])
    matters = item.traits.care.matters(values, expected, rows, adds_up=item.traits.adds_up)
    side = np.where(matters, side, 0).astype(np.int8)
    return Verdicts(score, side != 0, side, deviation, expected, low, high)


def _is_constant(values: FloatArray) -> bool:
    known = values[np.isfinite(values)]
    return len(known) > 2 and bool((known == known[0]).all())


def _needs(seasons: tuple[Season, ...], values: FloatArray, bare: bool) -> str:
    """What there is and what it would take; of a bare series too short to have a step it depends on that."""
    known = int(np.isfinite(values).sum(axis=1).max(initial=0))
    there = f"it has {known:,} {'window' if known == 1 else 'windows'}"
    if bare and known < 3:
        return f"{there}; three days of hours, or three weeks of days, are needed"
    return f"{there}, and more than {min(season.period * season.minimum for season in seasons):,} are needed"


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


def _time(item: SeriesSet, place: int, *, end: bool = False) -> tuple[int, str]:
    """The start of a window, or its end."""
    times = item.grid.times
    following = int(times[place + 1]) if place + 1 < len(times) else int(times[place]) + item.grid.length
    time = min(following, int(times[place]) + 2 * item.grid.length) if end else int(times[place])
    if item.labels is not None and not end:
        return time, item.labels[place]
    return time, to_iso(time, item.traits.zone)


def _episode(item: SeriesSet, one: Series, verdicts: Verdicts, row: int, stretch: Stretch, detector: str) -> Episode:
    traits = item.traits
    span = slice(stretch.onset, stretch.end + 1)
    apart = one.value[span] - verdicts.expected[row][span]
    known = ~np.isnan(apart)
    size = float(apart[known].sum() if traits.adds_up else apart[known].mean()) if known.any() else None
    usual = verdicts.expected[row][span][known]
    base = float(np.abs(usual.sum() if traits.adds_up else usual.mean())) if known.any() else 0.0
    judged = np.flatnonzero(~np.isnan(verdicts.score[row]))
    onset_us, onset = _time(item, stretch.onset)
    end_us, end = _time(item, stretch.end, end=True)
    direction: Literal["up", "down"] = "up" if stretch.side > 0 else "down"
    peak = stretch.peak
    return Episode(
        id=fingerprint(traits.metric, one.key, onset_us, stretch.side),
        metric=traits.metric,
        unit=traits.unit,
        key=dict(one.key),
        kind="deviation",
        state="open" if len(judged) and stretch.end >= judged[-1] else "over",
        onset=onset,
        alert=_time(item, stretch.alert)[1],
        peak=_time(item, peak)[1],
        end=end,
        windows=stretch.end - stretch.onset + 1,
        direction=direction,
        effect="neutral" if traits.direction == "neutral" else "good" if traits.direction == direction else "bad",
        value=_number(one.value[peak]),
        expected=_number(verdicts.expected[row][peak]),
        expected_low=_number(verdicts.low[row][peak]),
        expected_high=_number(verdicts.high[row][peak]),
        size=size,
        size_of="total" if traits.adds_up else "mean",
        relative=size / base if size is not None and base > 0 else None,
        score=float(np.nanmax(verdicts.score[row][span])),
        detector=detector,
        why=_why(verdicts, row, stretch),
        context=_context(one, stretch.onset, stretch.end),
        severity=traits.care.severity,
        runbook=traits.care.runbook,
        onset_us=onset_us,
        end_us=end_us,
    )


def _why(verdicts: Verdicts, row: int, stretch: Stretch) -> str:
    """The reason in a few words."""
    away = float(verdicts.deviation[row][stretch.peak])
    if np.isnan(verdicts.expected[row][stretch.peak]):
        return "set apart from the points before it"
    side = "above" if stretch.side > 0 else "below"
    windows = stretch.end - stretch.onset + 1
    far = f"{abs(away):.1f} standard deviations {side} the usual" if abs(away) < 1e4 else f"far {side} a flat past"
    return far if windows == 1 else f"{windows} windows {side} the usual, at most {far.replace(f' {side} the usual', '')}"


def _context(one: Series, onset: int, end: int) -> tuple[float, ...]:
    start = max(0, onset - _BEFORE)
    return tuple(float(value) for value in one.value[start : max(end + 6, start + _CONTEXT)])


def _number(value: np.floating | float) -> float | None:
    return None if np.isnan(value) else float(value)


def _gaps(item: SeriesSet, one: Series, seasons: tuple[Season, ...], rate: float) -> list[tuple[Episode, int, int]]:
    """Episodes without data, each with its alert and its last window: of a metric's total whose source was silent."""
    if item.alive is None or one.key:
        return []
    present = np.where(item.alive, 1.0, np.nan)
    scores = item.grid.gather(MissingData(seasons[-1]).score(item.grid.spread(present[None])))[0]
    missed = np.nan_to_num(scores, nan=0.0) > 0
    found = []
    for start, end in _runs(missed, item.alive):
        alerts = np.flatnonzero(scores[start : end + 1] > -np.log10(rate))
        if len(alerts):
            found.append(
                (
                    _gap(item, one, start, start + int(alerts[0]), end, float(np.nanmax(scores[start : end + 1]))),
                    start + int(alerts[0]),
                    end,
                )
            )
    return found


def _runs(missed: npt.NDArray[np.bool_], alive: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and last missed window of each stretch without any data in between."""
    runs: list[tuple[int, int]] = []
    for place in np.flatnonzero(missed).tolist():
        if runs and not alive[runs[-1][1] : place].any():
            runs[-1] = (runs[-1][0], place)
        else:
            runs.append((place, place))
    return runs


def _gap(item: SeriesSet, one: Series, start: int, alert: int, end: int, score: float) -> Episode:
    assert item.alive is not None  # noqa: S101 - asked by the caller
    onset_us, onset = _time(item, start)
    end_us, end_text = _time(item, end, end=True)
    return Episode(
        id=fingerprint(item.traits.metric, one.key, onset_us, 0),
        metric=item.traits.metric,
        unit=item.traits.unit,
        key=dict(one.key),
        kind="missing",
        state="over" if item.alive[end + 1 :].any() else "open",
        onset=onset,
        alert=_time(item, alert)[1],
        peak=_time(item, end)[1],
        end=end_text,
        windows=end - start + 1,
        direction="down",
        effect="bad",
        value=None,
        expected=None,
        expected_low=None,
        expected_high=None,
        size=None,
        size_of="total" if item.traits.adds_up else "mean",
        relative=None,
        score=min(score, 300.0),
        detector="missing_data",
        why=f"no data in {end - start + 1:,} windows in which there usually is some",
        context=_context(one, start, end),
        also=item.also,
        severity=item.traits.care.severity,
        runbook=item.traits.care.runbook,
        onset_us=onset_us,
        end_us=end_us,
    )
