"""An episode in numbers and words: what was out of the ordinary, by how much, against what, and why it is told."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from metricsctl.core.timegrid import to_iso
from metricsctl.detect.base import FloatArray
from metricsctl.detect.detectors.auto import FAMILIES
from metricsctl.detect.detectors.missing_data import MissingData
from metricsctl.detect.detectors.seasonal_robust_z import Season
from metricsctl.detect.episodes import Stretch, fingerprint
from metricsctl.detect.judge import Verdicts
from metricsctl.detect.registry import AUTO
from metricsctl.detect.report import Course, Episode
from metricsctl.detect.series import Series, SeriesSet

__all__ = ["EVIDENCE", "episode_of", "gaps_of"]

EVIDENCE = ("season", *FAMILIES)
"""The families of evidence of `auto`, in the order of `Verdicts.family`."""
_FAMILY_SAYS = {"novelty": "nothing like it before", "residual": "an unusual step from the windows before it"}
_RESTATED = "; the past changed: events came when the window was final"
_NOTABLE = 0.25  # of the deviation, that makes an episode grow or recover
_CONTEXT = 48  # values shown around an episode
_BEFORE = 30  # of them before its onset


def _time(item: SeriesSet, place: int, *, end: bool = False) -> tuple[int, str]:
    """The start of a window, or its end."""
    times = item.grid.times
    following = int(times[place + 1]) if place + 1 < len(times) else int(times[place]) + item.grid.length
    time = min(following, int(times[place]) + 2 * item.grid.length) if end else int(times[place])
    if item.labels is not None and not end:
        return time, item.labels[place]
    return time, to_iso(time, item.traits.zone)


def episode_of(item: SeriesSet, one: Series, verdicts: Verdicts, row: int, stretch: Stretch, detector: str) -> Episode:
    """A stretch of one series as an episode; `detector` is the name of what found it."""
    traits = item.traits
    span = slice(stretch.onset, stretch.end + 1)
    apart = one.value[span] - verdicts.expected[row][span]
    known = np.isfinite(apart)  # an infinite value is none
    with np.errstate(over="ignore"):  # of several 1e308
        size = float(np.nan_to_num(apart[known].sum() if traits.adds_up else apart[known].mean())) if known.any() else None
    usual = verdicts.expected[row][span][known]
    base = float(np.abs(usual.sum() if traits.adds_up else usual.mean())) if known.any() else 0.0
    judged = np.flatnonzero(~np.isnan(verdicts.score[row]))
    onset_us, onset = _time(item, stretch.onset)
    end_us, end = _time(item, stretch.end, end=True)
    direction: Literal["up", "down"] = "up" if stretch.side > 0 else "down"
    peak = stretch.peak
    family = EVIDENCE[verdicts.family[row][stretch.alert]] if detector == AUTO else None
    restated = one.revised is not None and bool(one.revised[stretch.alert])
    is_open = bool(len(judged)) and stretch.end >= int(judged[-1])
    return Episode(
        id=fingerprint(traits.metric, one.key, onset_us, stretch.side),
        metric=traits.metric,
        unit=traits.unit,
        key=dict(one.key),
        kind="deviation",
        state="open" if is_open else "over",
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
        why=_why(verdicts, row, stretch, family) + (_RESTATED if restated else ""),
        family=family,
        restated=restated,
        context=_context(one, stretch.onset, stretch.end),
        severity=traits.care.severity,
        runbook=traits.care.runbook,
        onset_us=onset_us,
        end_us=end_us,
        course=_course(stretch.side * verdicts.deviation[row][span]) if is_open else None,
    )


def _course(away: FloatArray) -> Course | None:
    """Whether the last third of an episode is further out than the windows before, by a quarter at least; None of a single window."""
    known = away[np.isfinite(away)]
    if len(known) < 2:
        return None
    late = max(len(known) // 3, 1)
    before, now = float(known[:-late].mean()), float(known[-late:].mean())
    if now > before + _NOTABLE * abs(before):
        return "growing"
    return "recovering" if now < before - _NOTABLE * abs(before) else "steady"


def _why(verdicts: Verdicts, row: int, stretch: Stretch, family: str | None) -> str:
    """The reason in a few words: the distance from what was expected, and what else was odd where that raised the alarm."""
    told = _FAMILY_SAYS.get(family or "")
    return f"{told}; {_far(verdicts, row, stretch)}" if told else _far(verdicts, row, stretch)


def _far(verdicts: Verdicts, row: int, stretch: Stretch) -> str:
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


def gaps_of(item: SeriesSet, one: Series, seasons: tuple[Season, ...], rate: float) -> list[tuple[Episode, int, int]]:
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
