"""`query`: metrics from the store."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from metricsctl.core.diagnostics import Diagnostic, Severity
from metricsctl.core.errors import UsageError
from metricsctl.core.names import nearest
from metricsctl.core.timegrid import Grain, TimeGrid
from metricsctl.definition.project import Project
from metricsctl.definition.schema import Metric
from metricsctl.definition.sql import SqlSyntaxError, columns_of, parse_expression
from metricsctl.engine.duckdb.read import StateReader
from metricsctl.engine.duckdb.statements import ReadStatement
from metricsctl.plan.build import build
from metricsctl.plan.types import Base, Computation, Plan, bases
from metricsctl.query.block import Block, from_points
from metricsctl.query.compute import Computer, leaves
from metricsctl.query.fetch import Fetcher, Period
from metricsctl.query.frame import QueryReport, SeriesFrame, Status
from metricsctl.query.past import as_known
from metricsctl.query.period import parse_period
from metricsctl.query.shape import Order, filled, ordered
from metricsctl.query.sql import SqlReport
from metricsctl.store.held import is_held, rebuild_findings, waiting_metrics
from metricsctl.store.reader import StoreReader

__all__ = ["QueryOptions", "query", "shown_sql"]


@dataclass(frozen=True, slots=True)
class QueryOptions:
    """What to compute: split `by` dimensions, at `grain` (default: the coarsest that the metrics are stored in), within a period.

    `since` and `until` are microseconds (UTC), or text: a date or time (naive: in the metric's zone), or `7d` back from the watermark.
    `where` is a condition over dimensions. `fill`: windows without a value are filled as the metrics say. `order` is `value`, `time` or a
    dimension, with a `-` before it the largest first; `limit` keeps so many points of each metric.
    `as_of` (microseconds, or a time in the zone of the first metric) asks for series as they were known then.
    """

    by: tuple[str, ...] = ()
    grain: Grain | None = None
    since: int | str | None = None
    until: int | str | None = None
    where: str | None = None
    fill: bool = False
    order: str | None = None
    limit: int | None = None
    as_of: int | str | None = None


def query(project: Project, store: Path | StoreReader, metrics: Sequence[str], options: QueryOptions | None = None) -> QueryReport:
    """Compute metrics from the store at `store`, or one that is open; one frame a metric, in the order asked.

    A metric that the store does not hold gives an empty frame and a finding.

    Raises
    ------
    UnknownName
        A metric or dimension that the project does not have.
    NotComputed
        A metric that stands on something that this version cannot compute.
    UsageError
        No store, or a grain, dimension or condition that the stored states do not allow.
    DataError
        A division by zero in a metric with `on_zero: error`, or a store that cannot be read.
    """
    return _run(project, store, metrics, options or QueryOptions(), None)


def shown_sql(project: Project, store: Path, metrics: Sequence[str], options: QueryOptions | None = None) -> SqlReport:
    """The SQL that `query` runs for the same arguments; the errors are the same too."""
    log: list[ReadStatement] = []
    report = _run(project, store, metrics, options or QueryOptions(), log)
    plan = build(project)
    return SqlReport.of(log, {name: plan.computation(name) for name in metrics}, report.diagnostics)


def _run(
    project: Project, store: Path | StoreReader, metrics: Sequence[str], options: QueryOptions, log: list[ReadStatement] | None
) -> QueryReport:
    plan = build(project)
    found = [(name, project.metric(name)) for name in metrics]
    if not found:
        raise UsageError("no metric is named", hint=f"known: {', '.join(sorted(project.metrics)[:8])}")
    _check_names(plan, metrics, options)
    opened = store if isinstance(store, StoreReader) else StoreReader.open(store)
    with contextlib.closing(StateReader(log, opened.connection)) as reader:
        return opened.retrying(lambda now: _at_moment(project, plan, (now, reader), found, options))


def _at_moment(
    project: Project, plan: Plan, opened: tuple[StoreReader, StateReader], found: Sequence[tuple[str, Metric]], options: QueryOptions
) -> QueryReport:
    """The answer as of now, or as of an earlier moment."""
    if options.as_of is None:
        return _answer(project, plan, opened, found, options)
    moment = parse_period(options.as_of, None, project.zone_of(found[0][1]), time.time_ns() // 1000).since
    assert moment is not None  # noqa: S101 - there is a reference for relative times
    with as_known(plan, opened[0], [(name, plan.computation(name)) for name, _ in found], moment) as past:
        return _answer(project, plan, (past, opened[1]), found, options)


def _answer(
    project: Project, plan: Plan, opened: tuple[StoreReader, StateReader], found: Sequence[tuple[str, Metric]], options: QueryOptions
) -> QueryReport:
    store, reader = opened
    if reader.log:
        reader.log.clear()  # of an answer that failed
    order = None if options.order is None else Order.parse(options.order, options.by)
    grain = options.grain or _default_grain(plan, [plan.computation(name) for name, _ in found])
    diagnostics: list[Diagnostic] = list(rebuild_findings(waiting_metrics(plan, store.head)))
    frames = []
    fetchers: dict[TimeGrid, Fetcher] = {}
    for (name, metric), (grid, period) in zip(found, _prefetched(project, plan, opened, found, options, grain, fetchers), strict=True):
        fetcher, computation = fetchers[grid], plan.computation(name)
        if period is None:
            message = f"the store has no data for metric '{name}'"
            diagnostics.append(Diagnostic("no-data", Severity.WARNING, message, hint=_way_to(plan, name, computation)))
            frames.append(_frame(name, metric, from_points([], [], [], []), fetcher))
            continue
        computer = Computer(fetcher)
        frame = _frame(name, metric, computer.block(computation, period), fetcher)
        if options.fill and metric.fill != "absent":
            frame = filled(frame, metric.fill, _windows_over(fetcher, computation, frame, period))
        frames.append(frame)
        diagnostics.extend(computer.diagnostics)
    shown = tuple(ordered(frame, order, options.limit) for frame in frames)
    left_off = sum(len(frame) for frame in frames) - sum(len(frame) for frame in shown)
    return QueryReport(shown, tuple(dict.fromkeys(diagnostics)), ordered=order is not None, left_off=left_off)


def _prefetched(
    project: Project,
    plan: Plan,
    opened: tuple[StoreReader, StateReader],
    found: Sequence[tuple[str, Metric]],
    options: QueryOptions,
    grain: Grain,
    fetchers: dict[TimeGrid, Fetcher],
) -> list[tuple[TimeGrid, Period | None]]:
    """The windows of each metric and the period to read, None where nothing is held; what metrics have in common is read in one scan."""
    store, reader = opened
    asked: list[tuple[TimeGrid, Period | None]] = []
    wanted: dict[TimeGrid, list[tuple[Base, Period]]] = {}
    for name, metric in found:
        zone, computation = project.zone_of(metric), plan.computation(name)
        grid = TimeGrid(project.in_weeks_of(metric, grain), zone)
        if grid not in fetchers:
            fetchers[grid] = Fetcher(plan, store, reader, grid, options.by, options.where)
        period = None
        if is_held(computation, store.head):
            period = parse_period(options.since, options.until, zone, _reference_time(plan, store, computation))
            wanted.setdefault(grid, []).extend(leaves(computation, period, zone))
        asked.append((grid, period))
    for grid, bases_of in wanted.items():
        fetchers[grid].prefetch(bases_of)
    return asked


def _way_to(plan: Plan, name: str, computation: Computation) -> str:
    """How data of a metric come into the store."""
    if plan.is_external(computation):
        return f"run `metricsctl ingest --series {name}`"
    return "run `metricsctl ingest` with event files of its source"


def _windows_over(fetcher: Fetcher, computation: Computation, frame: SeriesFrame, period: Period) -> list[int]:
    """The windows that are filled: of the period, or from the first point to the last, as far as their sources have events and are over."""
    reach = [fetcher.reach(source) for source in fetcher.plan.sources_of(computation)]
    if not len(frame) or any(span is None for span in reach):
        return []
    first = max(span[0] for span in reach if span is not None)
    last = min(span[1] for span in reach if span is not None)
    since = int(frame.time.min()) if period.since is None else period.since
    until = int(frame.time.max()) if period.until is None else period.until - 1
    rollups = {fetcher.plan.rollups[base.rollup].id: fetcher.plan.rollups[base.rollup] for base in bases(computation)}
    windows = fetcher.grid.starts(max(first, since), min(last, until))
    return [start for start in windows if all(fetcher.is_over(rollup, start) for rollup in rollups.values())]


def _frame(name: str, metric: Metric, block: Block, fetcher: Fetcher) -> SeriesFrame:
    keys = {}
    for number, dimension in enumerate(fetcher.by):
        keys[dimension] = block.keys[number] if block.keys else np.empty(0, dtype=object)
    grid = fetcher.grid
    status = np.where(np.isnan(block.value), np.uint8(Status.ABSENT), block.status)
    return SeriesFrame(name, metric.unit, grid.grain, grid.zone, keys, block.time, block.value, block.count, status, metric.label)


def _check_names(plan: Plan, metrics: Sequence[str], options: QueryOptions) -> None:
    """Every dimension that is split by or filtered on must be stored for every metric that is asked."""
    wanted = list(options.by)
    if len(set(wanted)) != len(wanted):
        raise UsageError("a dimension is named twice in --by", hint="name each once")
    if options.where is not None:
        try:
            tree = parse_expression(options.where, "duckdb")
        except SqlSyntaxError as error:
            raise UsageError(f"the condition does not parse: {error}", hint="write it as SQL: \"country = 'DE'\"") from error
        wanted.extend(name for _, name, _, _ in columns_of(tree))
    for metric in metrics:
        stored = [set(plan.rollups[base.rollup].dimensions) for base in bases(plan.computation(metric))]
        common = set.intersection(*stored) if stored else set()
        for name in wanted:
            if name not in common:
                hint = nearest(name, common) or "only its total is stored: list dimensions in its definition"
                raise UsageError(f"metric '{metric}' is not stored by '{name}'", hint=hint, code="dimension")


def _default_grain(plan: Plan, computations: Sequence[Computation]) -> Grain:
    grains = [plan.rollups[base.rollup].grain for computation in computations for base in bases(computation)]
    return max(grains, key=lambda grain: grain.microseconds)


def _reference_time(plan: Plan, store: StoreReader, computation: Computation) -> int | None:
    """The time that relative ones count back from: the watermark of the slowest source."""
    marks = []
    for name in plan.sources_of(computation):
        state = store.head.sources.get(name)
        known = [mark for mark in (state.watermark, state.closed_until) if mark is not None] if state else []
        if known:
            marks.append(max(known))
    return min(marks) if marks else None
