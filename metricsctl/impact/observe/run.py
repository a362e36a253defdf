"""From change events and a store to which metrics moved after each change."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from metricsctl.changes.event import ChangeEvent
from metricsctl.changes.match import matches
from metricsctl.core.timegrid import Grain, to_iso, zone_of
from metricsctl.definition.project import Project
from metricsctl.definition.references import bases_of
from metricsctl.definition.schema import Alias, Metric
from metricsctl.impact.observe.compare import DAY, LEAST_AFTER, Comparison, Times, compared_soon
from metricsctl.impact.observe.report import Observation, Observed, Verdict, shift_words
from metricsctl.impact.observe.stats import q_values
from metricsctl.plan.build import build
from metricsctl.plan.types import Base, Plan
from metricsctl.query.frame import SeriesFrame, Status
from metricsctl.query.run import QueryOptions, query

__all__ = ["ALPHA", "MOST", "observe"]

ALPHA = 0.05
"""The share of false discoveries among the metrics that are said to have moved."""
MOST = 20
"""Changes that are looked at, the latest of them."""
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_PAST = 56 * DAY
_WINDOWS, _PERIODS = 7, 12  # where the grain is long: windows that a period has at least, and periods that the past has
_DENSE, _SPARSE = 0.9, 0.5  # the share of windows with a value by which a series was there, and is no longer


def observe(
    project: Project,
    store: Path,
    changes: Sequence[ChangeEvent],
    predicted: Mapping[str, Mapping[str, float]],
    others: Sequence[ChangeEvent],
) -> tuple[Observation, ...]:
    """What the metrics of a store did after changes.

    A change is looked at for a day (or seven windows, where those are longer), and no longer than until the next one of the same sources.
    The false discovery rate is held over all metrics and changes together.

    Parameters
    ----------
    changes
        Those to be looked at; the latest `MOST` of them.
    predicted
        The metrics that each reaches, with the probability, by the id of the change.
    others
        More changes, which end the period of those before them.

    Raises UsageError if there is no store.
    """
    found = [
        _Question(project, event, predicted.get(event.id, {}), _end(project, event, [*changes, *others])) for event in _latest(changes)
    ]
    answers = [question.answers(store) for question in found]
    compared_ones = [item for answer in answers for item in answer.values() if isinstance(item, Comparison)]
    rates = iter(q_values([item.p for item in compared_ones]))
    return tuple(
        Observation(
            str(question.event),
            to_iso(question.event.time),
            to_iso(question.until),
            tuple(question.told(name, item, next(rates) if isinstance(item, Comparison) else None) for name, item in answer.items()),
        )
        for question, answer in zip(found, answers, strict=True)
    )


def _latest(changes: Sequence[ChangeEvent]) -> list[ChangeEvent]:
    return sorted(changes, key=lambda event: (event.time, event.id))[-MOST:]


def _end(project: Project, event: ChangeEvent, events: Sequence[ChangeEvent]) -> int | None:
    """When the next change of the same sources comes."""
    mine = set(matches(project, event))
    return min((other.time for other in events if other.time > event.time and mine & set(matches(project, other))), default=None)


@dataclasses.dataclass(frozen=True)
class _Question:
    """One change, the metrics that it reaches, and the next change of the same."""

    project: Project
    event: ChangeEvent
    predicted: Mapping[str, float]
    following: int | None

    @property
    def until(self) -> int:
        """Until when the change is looked at."""
        end = self.event.time + DAY
        return end if self.following is None else min(end, self.following)

    def answers(self, store: Path) -> dict[str, Comparison | str]:
        """What each metric of the store does, predicted ones first: a comparison, or what stands in the way of one."""
        plan = build(self.project)
        named = [name for name in plan.computations if not isinstance(self.project.all_metrics[name], Alias)]
        order = sorted(named, key=lambda name: (-self.predicted.get(name, 0.0), name))
        grains: dict[Grain, list[str]] = {}
        for name in order:
            found = [self.project.grain_of(base) for base in bases_of(self.project.all_metrics, name).values()]
            grains.setdefault(max(found, key=lambda grain: grain.microseconds), []).append(name)
        answers: dict[str, Comparison | str] = {}
        for grain, names in grains.items():
            end = self._end(grain)
            past = max(_PAST, _PERIODS * _WINDOWS * grain.microseconds)
            options = QueryOptions(grain=grain, since=self.event.time - past, until=end)
            frames = [_with_zeros(frame, alive) for frame, alive in _alive(plan, query(self.project, store, names, options).frames)]
            over = max((int(frame.time[-1]) for frame in map(_final, frames) if len(frame)), default=self.event.time)
            reach = min(end, over + grain.microseconds)
            answers |= {
                frame.metric: self._answer(_final(frame), reach) for frame in frames if len(frame) or frame.metric in self.predicted
            }
        return {name: answers[name] for name in order if name in answers}

    def _end(self, grain: Grain) -> int:
        end = self.event.time + max(DAY, _WINDOWS * grain.microseconds)
        return end if self.following is None else min(end, self.following)

    def _answer(self, frame: SeriesFrame, reach: int) -> Comparison | str:
        """The comparison of one series whose windows are over until `reach`."""
        grain, moment = frame.grain.microseconds, self.event.time
        there = ~np.isnan(frame.value) & (frame.time + grain <= reach)
        times = frame.time[there]
        gone = _gone(times, moment, grain, reach)
        if gone is not None or not len(times):
            return gone or "it has no values"
        return compared_soon(times, _phases(times, frame.zone), frame.value[there], moment, grain)

    def told(self, name: str, item: Comparison | str, rate: float | None) -> Observed:
        """The verdict."""
        probability = self.predicted.get(name)
        if isinstance(item, str):
            is_gone = item.startswith("absent")
            verdict: Verdict = _verdict(probability, moved=True) if is_gone else "too-early"
            return Observed(f"metric:{name}", name, verdict, probability, reason=item)
        assert rate is not None  # noqa: S101 - every comparison has one
        values = dataclasses.asdict(item)
        moved = rate <= ALPHA
        small = moved and _is_small(item, self.project.metric(name))
        reason = f"{shift_words(item.shift, item.relative)}, less than its `min_effect`" if small else None
        return Observed(
            f"metric:{name}", name, _verdict(probability, moved=moved and not small), probability, q=rate, reason=reason, **values
        )


def _is_small(item: Comparison, metric: Metric) -> bool:
    """Whether a shift is smaller than what the metric's `watch:` says matters; a share of about 0 says nothing."""
    least = metric.watch.min_effect if metric.watch is not None else None
    if least is None:
        return False
    return abs(item.shift) < (least.abs or 0.0) or (item.relative is not None and abs(item.relative) < (least.rel or 0.0))


def _verdict(probability: float | None, *, moved: bool) -> Verdict:
    if probability is None:
        return "moved-unpredicted" if moved else "still"
    return "moved-as-predicted" if moved else "not-moved"


def _alive(plan: Plan, frames: Sequence[SeriesFrame]) -> list[tuple[SeriesFrame, Times]]:
    """Each frame with the windows in which it must have a number: those of a count or sum in which others of its sources have one."""
    there: dict[str, list[Times]] = {}
    for frame in frames:
        for source in plan.sources_of(plan.computation(frame.metric)):
            there.setdefault(source, []).append(frame.time)
    windows = {source: np.unique(np.concatenate(times)) for source, times in there.items()}
    found = []
    for frame in frames:
        computation = plan.computation(frame.metric)
        adds = isinstance(computation, Base) and computation.additive and len(frame) > 0
        own = [windows[source] for source in plan.sources_of(computation)] if adds else []
        found.append((frame, np.unique(np.concatenate(own)) if own else frame.time))
    return found


def _with_zeros(frame: SeriesFrame, alive: Times) -> SeriesFrame:
    """The frame with 0 in windows without a row, from its first one on."""
    missing = np.setdiff1d(alive, frame.time)
    missing = missing[missing > frame.time[0]] if len(frame) else missing[:0]
    if not len(missing):
        return frame
    order = np.argsort(np.concatenate([frame.time, missing]), kind="stable")

    def joined(values: Any, filler: Any) -> Any:
        return np.concatenate([values, np.full(len(missing), filler, dtype=values.dtype)])[order]

    return dataclasses.replace(
        frame,
        time=np.concatenate([frame.time, missing])[order],
        value=joined(frame.value, 0.0),
        count=joined(frame.count, 0),
        status=joined(frame.status, np.uint8(Status.FINAL)),
    )


def _final(frame: SeriesFrame) -> SeriesFrame:
    """The points whose windows are over."""
    return frame.cut(frame.status != np.uint8(Status.OPEN))


def _gone(times: Times, moment: int, grain: int, reach: int) -> str | None:
    """That a series has no values any more where it always had, if that is so."""
    due, week = (reach - moment) // grain, 7 * DAY // grain
    there = int((times >= moment).sum())
    usual = int(((times >= moment - week * grain) & (times + grain <= moment)).sum()) / week
    if due < LEAST_AFTER or usual < _DENSE or there >= _SPARSE * due:
        return None
    return f"absent in {due - there} of {due} windows since"


def _phases(times: Times, zone: str) -> Times:
    """The microsecond of the week at which each window starts, by the clock of a zone."""
    return np.array([_phase(time, zone) for time in times.tolist()], dtype=np.int64)


def _phase(time: int, zone: str) -> int:
    local = (_EPOCH + dt.timedelta(microseconds=time)).astimezone(zone_of(zone))
    return local.weekday() * DAY + ((local.hour * 60 + local.minute) * 60 + local.second) * 1_000_000 + local.microsecond
