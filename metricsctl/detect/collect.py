"""From a project and its store to the series that are judged: every metric, every dimension value that carries enough of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from metricsctl.core.diagnostics import Diagnostic
from metricsctl.core.timegrid import Grain, TimeGrid
from metricsctl.definition.project import Project
from metricsctl.definition.schema import Metric
from metricsctl.detect.base import Status
from metricsctl.detect.grid import Grid, wall_clock
from metricsctl.detect.heed import care_of, known_days
from metricsctl.detect.labels import Label, labelled
from metricsctl.detect.noise import Kind
from metricsctl.detect.series import Direction, Series, SeriesSet, Traits
from metricsctl.engine.duckdb.read import StateReader
from metricsctl.plan.build import build
from metricsctl.plan.types import Base, Computation, Plan, bases
from metricsctl.query.fetch import Fetcher
from metricsctl.query.frame import SeriesFrame
from metricsctl.query.frame import Status as QueryStatus
from metricsctl.query.run import QueryOptions, query
from metricsctl.store.reader import StoreReader

__all__ = ["Collected", "Wanted", "collect"]

_KINDS: dict[str, Kind] = {"count": "count", "count_distinct": "count", "sum": "sum"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to look at: split `by` these together (empty: by each dimension of a metric alone), and which segments carry enough.

    A segment needs `min_share` of its metric's rows, and `min_rows` rows a window on average; of each split the `max_segments` largest
    are taken. Windows in a stretch that is labelled are left out, like the days of the calendar.
    """

    by: tuple[str, ...] = ()
    grain: Grain | None = None
    until: int | str | None = None
    min_share: float = 0.01
    min_rows: float = 5.0
    max_segments: int = 40
    labels: tuple[Label, ...] = ()


@dataclass(frozen=True, slots=True)
class Collected:
    """The series, by metric, and what was noticed on the way."""

    sets: tuple[SeriesSet, ...]
    diagnostics: tuple[Diagnostic, ...]
    marks: dict[str, int]  # metric -> watermark of its slowest source, microseconds


def collect(project: Project, store: Path, metrics: Sequence[str], wanted: Wanted) -> Collected:
    """Read the series of `metrics` from the store; the errors are those of `metricsctl.query.run.query`."""
    plan = build(project)
    names = list(dict.fromkeys(project.metric(name).name.name for name in metrics))
    found: list[SeriesSet] = []
    diagnostics: list[Diagnostic] = []
    marks: dict[str, int] = {}
    opened = StoreReader.open(store)
    known = _Liveness({})
    for grain, group in _by_grain(plan, names, wanted.grain).items():
        frames, noticed = _frames(project, plan, opened, group, grain, wanted)
        diagnostics.extend(noticed)
        fetchers: dict[TimeGrid, Fetcher] = {}
        with contextlib.closing(StateReader()) as reader:
            for name in group:
                metric = project.metric(name)
                grid = TimeGrid(project.in_weeks_of(metric, grain), project.zone_of(metric))
                fetcher = fetchers.setdefault(grid, Fetcher(plan, opened, reader, grid, (), None))
                made = _series_set(project, metric, plan.computations[name], fetcher, frames[name], wanted, known)
                if made is not None:
                    found.append(made)
                    marks[name] = _mark(plan, opened, plan.computations[name])
    return Collected(_silent_once(plan, found), tuple(dict.fromkeys(diagnostics)), marks)


def _by_grain(plan: Plan, names: Iterable[str], asked: Grain | None) -> dict[Grain, list[str]]:
    """The metrics by the grain they are judged at: the asked one, else the coarsest that a metric is stored in."""
    groups: dict[Grain, list[str]] = {}
    for name in names:
        grains = [plan.rollups[base.rollup].grain for base in bases(plan.computation(name))]
        groups.setdefault(asked or max(grains, key=lambda grain: grain.microseconds), []).append(name)
    return groups


def _frames(
    project: Project, plan: Plan, store: StoreReader, names: list[str], grain: Grain, wanted: Wanted
) -> tuple[dict[str, list[SeriesFrame]], list[Diagnostic]]:
    """The total of each metric, and its splits; metrics that share a split are read together."""
    together: dict[tuple[str, ...], list[str]] = {(): [name for name in names if not plan.is_as_it_is(plan.computation(name))]}
    for name in names:
        if plan.is_as_it_is(plan.computations[name]):  # neither a total nor a split by less can be had
            together.setdefault(tuple(_dimensions(plan, plan.computations[name])), []).append(name)
            continue
        for by in (wanted.by,) if wanted.by else _watched(project.metric(name), _dimensions(plan, plan.computations[name])):
            together.setdefault(by, []).append(name)
    frames: dict[str, list[SeriesFrame]] = {name: [] for name in names}
    diagnostics: list[Diagnostic] = []
    for by, group in together.items():
        if not group:
            continue
        report = query(project, store, group, QueryOptions(by=by, grain=grain, until=wanted.until))
        diagnostics.extend(report.diagnostics)
        for name, frame in zip(group, report.frames, strict=True):
            frames[name].append(frame)
    return frames, diagnostics


def _dimensions(plan: Plan, computation: Computation) -> list[str]:
    """The dimensions that every part of a metric is stored by."""
    lists = [plan.rollups[base.rollup].dimensions for base in bases(computation)]
    return [name for name in lists[0] if all(name in other for other in lists)]


def _watched(metric: Metric, dimensions: list[str]) -> list[tuple[str, ...]]:
    """The dimensions, each alone, whose values are judged too: those of `watch:`, else all."""
    if metric.watch is None or metric.watch.by is None:
        return [(dimension,) for dimension in dimensions]
    asked = [ref.name for ref in metric.watch.by]
    return [(dimension,) for dimension in dimensions if dimension in asked]


def _complete(fetcher: Fetcher, computation: Computation, times: npt.NDArray[np.int64], after: int) -> npt.NDArray[np.bool_]:
    """Which windows ended at least `after` microseconds before the watermark of every source, or belong to a finished replay."""
    ends = times + fetcher.grid.grain.microseconds
    found = np.ones(len(times), dtype=bool)
    for name in fetcher.plan.sources_of(computation):
        state = fetcher.store.head.sources.get(name)
        if state is not None:
            found &= (ends + after <= (state.watermark or 0)) | (times <= (state.closed_until or 0))
    return found


def _mark(plan: Plan, store: StoreReader, computation: Computation) -> int:
    """The time up to which the slowest source of a metric is known."""
    states = [store.head.sources[name] for name in plan.sources_of(computation) if name in store.head.sources]
    known = [max(mark for mark in (state.watermark, state.closed_until, 0) if mark is not None) for state in states]
    return min(known, default=0)


@dataclass(frozen=True, slots=True)
class _Liveness:
    """Which windows are over, and in which a source was heard of; asked once for all metrics of the same sources."""

    found: dict[Any, tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]]

    def of(
        self, fetcher: Fetcher, computation: Computation, times: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Whether each window is over, and whether every part of the metric was alive in it."""
        rollups = {fetcher.plan.rollups[base.rollup].sources: fetcher.plan.rollups[base.rollup] for base in bases(computation)}
        place = (frozenset(rollups), str(fetcher.grid.grain), fetcher.grid.zone, int(times[0]), int(times[-1]))
        if place not in self.found:
            over = np.logical_and.reduce([fetcher.over(rollup, times) for rollup in rollups.values()])
            alive = np.logical_and.reduce([fetcher.alive(rollup, times) for rollup in rollups.values()])
            self.found[place] = (over, alive)
        return self.found[place]


def _series_set(
    project: Project,
    metric: Metric,
    computation: Computation,
    fetcher: Fetcher,
    frames: list[SeriesFrame],
    wanted: Wanted,
    known: _Liveness,
) -> SeriesSet | None:
    total = frames[0]
    if not len(total):
        return None
    grain, zone = fetcher.grid.grain, fetcher.grid.zone
    times = np.array(list(fetcher.grid.starts(int(total.time.min()), int(total.time.max()))), dtype=np.int64)
    over, alive = known.of(fetcher, computation, times)
    days = known_days(project, metric, times, grain)
    name, length = metric.name.name, grain.microseconds
    alive = alive | days | labelled(wanted.labels, name, {}, times, length)  # silence is no news where it is known
    if metric.sla is not None:
        over = over & _complete(fetcher, computation, times, metric.sla.complete_after.microseconds)
    additive = isinstance(computation, Base) and computation.additive
    brought = fetcher.plan.is_external(computation)
    if brought:  # on how many rows its values stand is not known
        wanted = replace(wanted, min_share=0.0, min_rows=0.0)
    series = [
        _series(key, frame, times, over, over & alive & additive, days | labelled(wanted.labels, name, key, times, length))
        for split in frames
        for key, frame in (_carrying(split, int(total.count.sum()), int(alive.sum()), wanted) if split.dimensions else [({}, split)])
    ]
    direction: Direction = metric.direction if metric.direction in {"up", "down"} else "neutral"  # type: ignore[assignment]
    kind: Kind | None = (
        _KINDS.get(computation.aggregate, "level") if isinstance(computation, Base) and computation.of_its_window else "level"
    )
    kind = None if brought else kind
    traits = Traits(metric.name.name, metric.unit, direction, kind, zone, care_of(metric))
    place = wall_clock(times, grain, zone)
    grid = Grid.of(times, place, length, int(place[0]) * length)
    return SeriesSet(traits, grid, tuple(series), alive | ~over)


def _carrying(split: SeriesFrame, rows: int, windows: int, wanted: Wanted) -> Iterator[tuple[dict[str, str | None], SeriesFrame]]:
    """The segments of a split that carry enough rows, the largest first."""
    parts = [(int(part.count.sum()), key, part) for key, part in split.series()]
    least = max(wanted.min_share * rows, wanted.min_rows * windows)
    kept = sorted((part for part in parts if part[0] >= least), key=lambda part: -part[0])[: wanted.max_segments]
    for _, key, part in kept:
        yield dict(zip(split.dimensions, key, strict=True)), part


def _series(
    key: dict[str, str | None],
    frame: SeriesFrame,
    times: npt.NDArray[np.int64],
    over: npt.NDArray[np.bool_],
    zero: npt.NDArray[np.bool_],
    known: npt.NDArray[np.bool_],
) -> Series:
    """A frame on all windows: 0 where it adds up and its source was alive, once it has begun; else nothing. Known ones are left out."""
    places = np.searchsorted(times, frame.time)
    value, count = np.full(len(times), np.nan), np.zeros(len(times))
    begun = np.arange(len(times)) >= (places[0] if len(places) else len(times))
    value[zero & begun] = 0.0
    value[places], count[places] = frame.value, frame.count
    status = np.where(np.isfinite(value), np.uint8(Status.WARMING_UP), np.uint8(Status.MISSING))
    status = np.where(known & (status == Status.WARMING_UP), np.uint8(Status.EXCLUDED), status)
    revised = np.zeros(len(times), dtype=bool)
    revised[places] = frame.status == QueryStatus.REVISED
    return Series(key, value, count, np.where(over, status, np.uint8(Status.OPEN)), revised)


def _silent_once(plan: Plan, sets: list[SeriesSet]) -> tuple[SeriesSet, ...]:
    """A source that falls silent takes all its metrics along: only the first of them tells, and names the others."""
    groups: dict[tuple[frozenset[str], int], list[str]] = {}
    for item in sets:
        sources = frozenset(plan.sources_of(plan.computations[item.traits.metric]))
        groups.setdefault((sources, item.grid.length), []).append(item.traits.metric)
    also = {names[0]: tuple(names[1:]) for names in groups.values()}
    return tuple(
        SeriesSet(
            item.traits, item.grid, item.series, item.alive if item.traits.metric in also else None, also=also.get(item.traits.metric, ())
        )
        for item in sets
    )
