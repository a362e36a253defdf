"""A metric's values straight from the rows: no states, no merging."""

from __future__ import annotations

import datetime as dt
import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from metricsctl.core.durations import Duration
from metricsctl.core.errors import DataError
from metricsctl.core.timegrid import Grain, to_iso
from metricsctl.definition.expression import Expression
from metricsctl.definition.project import Project
from metricsctl.definition.references import inputs_of
from metricsctl.definition.schema import Alias, Cumulative, Derived, Input, Metric, Ratio, SemiAdditive, Simple, Variant
from metricsctl.definition.sql import columns_of, parse_expression
from metricsctl.engine.reference.aggregate import ADDITIVE, aggregate
from metricsctl.engine.reference.relations import Relations, Row
from metricsctl.engine.reference.scalar import scalar
from metricsctl.engine.reference.values import Instant, Value, to_text
from metricsctl.engine.reference.windows import calendar_start, from_wall_clock, shifted_back, shifted_on, window_end, window_start
from metricsctl.plan.build import build

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ["Points", "Reference", "evaluate"]

Key = tuple[str | None, ...]
Points = dict[tuple[int, Key], float | None]
"""Values by window start (microseconds, UTC) and key; None where a point has no value."""


def evaluate(
    project: Project,
    events: Mapping[str, Sequence[Mapping[str, Any]]],
    metric: str,
    *,
    grain: Grain,
    by: Sequence[str] = (),
    where: str | None = None,
    now: int,
    final: bool = True,
) -> Points:
    """The points of a metric over all events (by source, as `json.loads` gives them), split by dimensions.

    `now` (microseconds, UTC) bounds the future. `final`: every window that the events reach is over; else those behind the watermark.

    Raises
    ------
    UnknownName
        There is no such metric.
    UsageError
        SQL that the reference does not know.
    DataError
        A division by zero in a metric with `on_zero: error`, or a CAST that fails.
    """
    return Reference(project, events, now).evaluate(metric, grain=grain, by=by, where=where, final=final)


class Reference:
    """Many questions about the same events, which are read once; `drop_late` as in `accept`."""

    def __init__(self, project: Project, events: Mapping[str, Sequence[Mapping[str, Any]]], now: int, *, drop_late: bool = False) -> None:
        self._project = project
        self._relations = Relations(project, build(project).sources, events, now, drop_late)

    def evaluate(self, metric: str, *, grain: Grain, by: Sequence[str] = (), where: str | None = None, final: bool = True) -> Points:
        """See `evaluate`."""
        found = self._project.metric(metric)
        condition = None if where is None else parse_expression(where, "duckdb")
        zone = self._project.zone_of(found)
        grain = self._project.in_weeks_of(found, grain)
        return _Question(self._project, self._relations, grain, zone, tuple(by), condition, final).points(found, ())


@dataclass(slots=True)
class _Question:
    project: Project
    relations: Relations
    grain: Grain
    zone: str
    by: tuple[str, ...]
    where: exp.Expr | None
    final: bool
    cumulative: Cumulative | None = None
    _times: dict[str, list[int]] = field(default_factory=dict)

    def points(self, metric: Metric, filters: tuple[Expression, ...]) -> Points:
        """The points of a metric; `filters` come from the ratios above it."""
        if isinstance(metric, Alias):
            return self.points(self.project.metric(metric.alias_of.name), filters)
        if isinstance(metric, Variant):
            return self.points(self.project.metric(metric.of.name), (metric.filter, *filters))
        if isinstance(metric, Cumulative):
            over = replace(self, cumulative=metric)
            return over.points(self.project.metric(metric.metric.name), filters)
        if isinstance(metric, Simple):
            own = () if metric.filter is None else (metric.filter,)
            return self.simple(metric, (*own, *filters))
        if isinstance(metric, Ratio):
            own = () if metric.filter is None else (metric.filter,)
            return self.formula(metric, parse_expression("numerator / denominator", "duckdb"), (*own, *filters))
        assert isinstance(metric, Derived)  # noqa: S101 - the other types are left out by the loader
        return self.formula(metric, metric.expr.tree, filters)

    # -- simple metrics

    def simple(self, metric: Simple, filters: Sequence[Expression]) -> Points:
        relation = metric.source.name
        if metric.semi_additive is not None:
            return self.stock(metric, metric.semi_additive, filters)
        if metric.window is not None or self.cumulative is not None:
            return self.over_spans(metric, filters)
        time_column = self.relations.time_column(relation)
        groups: dict[tuple[int, Key], list[tuple[int, Value]]] = {}
        for row in self.relations.rows(relation):
            time = row[time_column]
            if not isinstance(time, Instant) or not self.wanted(row):
                continue
            group = groups.setdefault((self.window(time.us), self.key(row)), [])
            if all(scalar(item.tree, row) is True for item in filters):
                group.append((time.us, 1 if metric.expr is None else scalar(metric.expr.tree, row)))
        return {point: _absent_nan(aggregate(metric.agg, values, metric.p)) for point, values in groups.items()}

    # -- windows that overlap, stocks

    def timed_rows(self, relation: str) -> list[tuple[int, Row]]:
        column = self.relations.time_column(relation)
        return [(time.us, row) for row in self.relations.rows(relation) if isinstance(time := row[column], Instant)]

    def buckets(self, relation: str) -> list[tuple[int, int]]:
        """Start and end of every window from the first row of a relation to the last event of its sources."""
        rows = self.timed_rows(relation)
        if not rows:
            return []
        last = max(time for source in self.relations.sources(relation) for time in self.event_times(source))
        found, start = [], self.window(min(time for time, _ in rows))
        while start <= last:
            end = window_end(start, self.grain, self.zone)
            found.append((start, end))
            start = end
        return found

    def begin(self, metric: Simple, end: int) -> int:
        """From when on the rows of a window count that ends at `end`."""
        above = self.cumulative
        length = metric.window.size if metric.window is not None else above.window if above is not None else None
        if length is not None:
            return shifted_back(end, length, self.zone)
        assert above is not None  # noqa: S101 - asked only for one of the two
        if above.to_date is not None:
            return calendar_start(end - 1, above.to_date, self.zone, self.project.week_start_of(above))
        assert above.start is not None  # noqa: S101 - one of the three is required
        return window_start(from_wall_clock(dt.datetime.combine(above.start, dt.time(12)), self.zone), Grain(1, "d"), self.zone)

    def over_spans(self, metric: Simple, filters: Sequence[Expression]) -> Points:
        """Each window's aggregate of all rows from its beginning, which may lie far before it, to its end."""
        rows = self.timed_rows(metric.source.name)
        result: Points = {}
        for start, end in self.buckets(metric.source.name):
            begin = self.begin(metric, end)
            groups: dict[Key, list[tuple[int, Value]]] = {}
            for time, row in rows:
                if begin <= time < end and self.wanted(row):
                    group = groups.setdefault(self.key(row), [])
                    if all(scalar(item.tree, row) is True for item in filters):
                        group.append((time, 1 if metric.expr is None else scalar(metric.expr.tree, row)))
            result |= {(start, key): _absent_nan(aggregate(metric.agg, values, metric.p)) for key, values in groups.items()}
        return result

    def stock(self, metric: Simple, stock: SemiAdditive, filters: Sequence[Expression]) -> Points:
        """Each window's aggregate over entities, of the one row of each that counts."""
        rows = [(time, row) for time, row in self.timed_rows(metric.source.name) if all(scalar(item.tree, row) is True for item in filters)]
        dimensions = self.project.dimensions_of(metric)
        result: Points = {}
        for start, end in self.buckets(metric.source.name):
            begin = start if stock.carry is None else min(start, shifted_back(end, stock.carry, self.zone))
            held: dict[tuple[str | None, ...], list[tuple[tuple[Any, ...], int, float, Row]]] = {}
            for time, row in rows:
                value = 1 if metric.expr is None else scalar(metric.expr.tree, row)
                if begin <= time < end and value is not None:
                    keys = (to_text(self.dimension(name, row)) for name in dimensions)
                    number = float(value)  # type: ignore[arg-type]
                    rank = (time, number if stock.take == "last" else -number, *((key is not None, key or "") for key in keys))
                    held.setdefault(tuple(to_text(row[ref.name.lower()]) for ref in stock.per), []).append((rank, time, number, row))
            choose = max if stock.take == "last" else min
            groups: dict[Key, list[tuple[int, Value]]] = {}
            for _, time, number, row in (choose(found, key=lambda item: item[0]) for found in held.values()):
                if self.wanted(row):
                    groups.setdefault(self.key(row), []).append((time, number))
            result |= {(start, key): _absent_nan(aggregate(metric.agg, values, metric.p)) for key, values in groups.items()}
        return result

    def dimension(self, name: str, row: Row) -> Value:
        declared = self.project.dimensions.get(name)
        return row[name.lower()] if declared is None or declared.expr is None else scalar(declared.expr.tree, row)

    def key(self, row: Row) -> Key:
        return tuple(to_text(self.dimension(name, row)) for name in self.by)

    def wanted(self, row: Row) -> bool:
        """Whether a row passes the condition over dimensions."""
        if self.where is None:
            return True
        names = {name for _, name, _, _ in columns_of(self.where)}
        return scalar(self.where, {name.lower(): self.dimension(name, row) for name in names}) is True

    def window(self, us: int) -> int:
        return window_start(us, self.grain, self.zone)

    # -- ratios and derived metrics

    def formula(self, metric: Ratio | Derived, tree: exp.Expr, filters: tuple[Expression, ...]) -> Points:
        inputs = inputs_of(metric)
        found = {name: self.input(item, filters) for name, item in inputs.items()}
        points = {point for name, item in inputs.items() if item.offset is None for point in found[name]}
        if all(item.offset is not None for item in inputs.values()):
            points = {(self.window(self.moved_on(time, item)), key) for name, item in inputs.items() for time, key in found[name]}
        result: Points = {}
        for time, key in points:
            row: Row = {name.lower(): self.input_value(item, found[name], time, key) for name, item in inputs.items()}
            value = scalar(tree, row, functools.partial(_divided, metric, self.zone, time))
            result[time, key] = _absent_nan(None if value is None else float(value))  # type: ignore[arg-type]
        return result

    def input(self, item: Input, filters: tuple[Expression, ...]) -> Points:
        own = () if item.filter is None else (item.filter,)
        return self.points(self.project.metric(item.metric.name), (*own, *filters))

    def moved_on(self, time: int, item: Input) -> int:
        return shifted_on(time, _offset(item), self.zone)

    def input_value(self, item: Input, points: Points, time: int, key: Key) -> float | None:
        """What a formula sees of an input at a point of its own."""
        if item.offset is not None:
            time = shifted_back(time, item.offset, self.zone)
            if self.window(time) != time:
                return None
        if (time, key) in points:
            return points[time, key]
        asked, metric = self, self.project.metric(item.metric.name)
        while isinstance(metric, Variant | Cumulative):
            asked = replace(asked, cumulative=metric) if isinstance(metric, Cumulative) else asked
            metric = self.project.metric(metric.of.name if isinstance(metric, Variant) else metric.metric.name)
        if not isinstance(metric, Simple) or metric.agg not in ADDITIVE:
            return None
        sources = self.relations.sources(metric.source.name)
        begin, end = asked.reach(metric, time)
        alive = any(begin <= event < end for source in sources for event in self.event_times(source))
        over = all(self.is_over(time, source) for source in sources) and not self.has_open_session(metric.source.name, time)
        return 0.0 if alive and over else None

    def has_open_session(self, relation: str, window: int) -> bool:
        """Whether a session that began by the end of a window may still grow."""
        model = self.project.models.get(relation)
        if model is None or model.session is None or self.final:
            return False
        marks = [self.watermark(source) for source in self.relations.sources(relation)]
        mark, gap = min(mark for mark in marks if mark is not None), model.session.gap.microseconds
        spans = [(row["session_start"], row["session_end"]) for row in self.relations.rows(relation)]
        known = [(start.us, end.us) for start, end in spans if isinstance(start, Instant) and isinstance(end, Instant)]
        return any(end + gap > mark and start < window_end(window, self.grain, self.zone) for start, end in known)

    def reach(self, metric: Simple, start: int) -> tuple[int, int]:
        """From when to when rows count in a window."""
        end, stock = window_end(start, self.grain, self.zone), metric.semi_additive
        if stock is not None:
            return (start if stock.carry is None else min(start, shifted_back(end, stock.carry, self.zone))), end
        return (self.begin(metric, end) if metric.window is not None or self.cumulative is not None else start), end

    def event_times(self, source: str) -> list[int]:
        if source not in self._times:
            column = self.relations.time_column(source)
            found = [row[column] for row in self.relations.rows(source)]
            self._times[source] = [time.us for time in found if isinstance(time, Instant)]
        return self._times[source]

    def watermark(self, source: str) -> int | None:
        """How far a source has come, less its lateness."""
        definition = self.project.sources[source].time
        assert definition is not None  # noqa: S101 - the key is required
        return max((time - definition.lateness.microseconds for time in self.event_times(source)), default=None)

    def is_over(self, window: int, source: str) -> bool:
        """Whether a source has come past a window."""
        latest, watermark = max(self.event_times(source), default=None), self.watermark(source)
        if latest is None or watermark is None:
            return False
        return (self.final and window <= latest) or window_end(window, self.grain, self.zone) <= watermark


def _offset(item: Input) -> Duration:
    assert item.offset is not None  # noqa: S101 - asked only where all inputs have one
    return item.offset


def _divided(metric: Ratio | Derived, zone: str, time: int, dividend: float | None, zero: float) -> float | None:
    """What a division by zero gives in a formula."""
    del dividend, zero
    if metric.on_zero == "error":
        raise DataError(f"metric '{metric.name}' divides by 0 at {to_iso(time, zone)}", hint="on_zero: absent | zero")
    return 0.0 if metric.on_zero == "zero" else None


def _absent_nan(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else value
