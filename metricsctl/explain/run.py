"""`explain`: from a metric and a time to ranked reasons."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from metricsctl.core.diagnostics import Diagnostic, Severity
from metricsctl.core.errors import UsageError
from metricsctl.core.timegrid import TimeGrid, to_iso
from metricsctl.definition.project import Project
from metricsctl.engine.duckdb.read import StateReader
from metricsctl.explain.case import open_case
from metricsctl.explain.evidence import Collection
from metricsctl.explain.investigate import investigate
from metricsctl.explain.panel import PanelReader
from metricsctl.explain.report import Explanation
from metricsctl.explain.subject import Asked, asked_of, at_time, from_detect
from metricsctl.plan.build import build
from metricsctl.store.held import is_held, rebuild_findings, waiting_metrics
from metricsctl.store.reader import StoreReader

if TYPE_CHECKING:
    from metricsctl.detect.report import Episode

__all__ = ["ExplainOptions", "explain"]

_FEWEST = 3  # windows before an episode without which nothing can be said of what is normal


@dataclass(frozen=True, slots=True)
class ExplainOptions:
    """How to explain. `changes`: whether change events are looked at."""

    changes: bool = True


def explain(
    project: Project,
    store: Path,
    metric: str | None = None,
    *,
    at: str | int | None = None,
    episode: str | Episode | None = None,
    options: ExplainOptions | None = None,
    folder: Path | None = None,
) -> Explanation:
    """Why a metric moved: the `episode` (or the one of that id), the one at the time `at`, else the worst open one that `detect` finds.

    `at` is microseconds (UTC), or text as `query` takes it; a date means its whole day. Nothing after the end of the episode is looked at.
    Where none is open it is the worst of those that are over. What `detect` found is kept in `folder` (None: nowhere).

    Raises
    ------
    UnknownName
        A metric or an episode that does not exist.
    NotComputed
        A metric that stands on something that this version cannot compute.
    UsageError
        No store, a time that cannot be read, or both `at` and `episode`.
    DataError
        A store that cannot be read.
    """
    if at is not None and episode is not None:
        raise UsageError("a time and an anomaly exclude each other", hint="name one of them")
    given = None if episode is None or isinstance(episode, str) else asked_of(episode)
    name = given.metric if given is not None else None if metric is None else project.metric(metric).name.name
    options = options or ExplainOptions()
    opened = StoreReader.open(store)
    plan = build(project)
    if name is not None and not is_held(plan.computation(name), opened.head):
        return _no_data(name, rebuild_findings(tuple({name} & set(waiting_metrics(plan, opened.head)))))
    asked: Asked | str | int | None = given or (at if name is not None else None)
    if asked is None or name is None:
        found = from_detect(project, store, name, at=at, episode=episode if isinstance(episode, str) else None, folder=folder)
        if isinstance(found, tuple):
            return _nothing(name, at, found)
        asked, name = found, found.metric
    with contextlib.closing(StateReader()) as states:
        return _explain(project, store, PanelReader(plan, opened, states), name, asked, options)


def _explain(
    project: Project, store: Path, reader: PanelReader, name: str, asked: Asked | str | int, options: ExplainOptions
) -> Explanation:
    computation = reader.plan.computations[name]
    if reader.plan.is_without_total(computation):
        return _empty("numbers-only", f"'{name}' keeps numbers only (`rollup: final_only`): it has no total to explain", "drop `rollup:`")
    grain, zone = reader.grain_of(computation), project.zone_of(project.metric(name))
    span = reader.span(computation, grain, zone)
    if span is None:
        return _no_data(name)
    if not isinstance(asked, Asked):
        last = TimeGrid(grain, zone).next(span[1])
        asked = at_time(name, asked, TimeGrid(grain, zone), last)
        if asked.since >= last:  # its source may be late, or silent, while others go on
            span = (span[0], max(span[1], reader.latest(grain, zone) or span[1]))
            last = TimeGrid(grain, zone).next(span[1])
        if asked.until <= span[0] or asked.since >= last:
            between = f"between {to_iso(span[0], zone)} and {to_iso(last, zone)}"
            return _empty("no-data", f"the store has no events of '{name}' then", f"name a time {between}")
    reader.key = dict(asked.key)
    case = open_case(project, reader, asked, span, refine=not _is_day(asked, grain.microseconds))
    known = np.isfinite(case.panel.values[0][: case.first])
    if int(known.sum()) < _FEWEST:
        return _too_short(name, int(known.sum()))
    if np.ptp(case.panel.values[0][np.isfinite(case.panel.values[0])]) == 0:
        return _empty("constant", f"'{name}' never changed: there is nothing to explain", "is its filter or its source right?")
    return investigate(case, store, Collection(), asked.diagnostics, with_changes=options.changes)


def _is_day(asked: Asked, length: int) -> bool:
    """Whether several windows were asked for by a date: they are taken as they are."""
    return not asked.exact and asked.until - asked.since > length


def _empty(code: str, message: str, hint: str) -> Explanation:
    return Explanation(None, message, diagnostics=(Diagnostic(code, Severity.WARNING, message, hint=hint),))


def _no_data(name: str, rebuild: tuple[Diagnostic, ...] = ()) -> Explanation:
    """Nothing is stored of the metric: never ingested, or `rebuild` says that it is newer than what is stored."""
    if rebuild:
        return Explanation(None, f"the store has no data for metric '{name}'", diagnostics=rebuild)
    return _empty("no-data", f"the store has no data for metric '{name}'", "run `metricsctl ingest` with event files of its source")


def _too_short(name: str, known: int) -> Explanation:
    count = "no value" if not known else "1 value" if known == 1 else f"{known} values"
    message = f"too little history to explain '{name}': {count} before this time"
    return _empty("short-history", message, "ingest earlier events, or name a later time with --at")


def _nothing(name: str | None, at: str | int | None, diagnostics: tuple[Diagnostic, ...]) -> Explanation:
    what = f"'{name}'" if name is not None else "the metrics"
    when = f" at {at}" if at is not None else ""
    message = f"nothing is out of the ordinary in {what}{when}"
    return Explanation(None, message, diagnostics=diagnostics, next=(f"metricsctl explain {name or 'METRIC'} --at TIME",))
