"""`series:` in the plan: numbers that live elsewhere, stored and read like measures of a source of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from metricsctl.core.durations import Duration
from metricsctl.core.timegrid import Grain, shift
from metricsctl.definition.project import Project
from metricsctl.definition.schema import ExternalSeries, Metric, Simple, Variant
from metricsctl.plan.types import ROWS, Base, InputColumn, KeyColumn, Measure, Rollup, SourcePlan, Sql, StateKind, digest

__all__ = ["Externals", "externals", "mark_after", "source_name"]

# how values of a series make one of fewer dimensions or a longer window, by the aggregate of the metric that it is a reading of
_KINDS: Mapping[str, StateKind] = {"count": "sum", "sum": "sum", "min": "min", "max": "max"}
_HOUR, _QUARTER = Grain(1, "h"), Grain(15, "m")


@dataclass(frozen=True, slots=True)
class Externals:
    """The series of a project as sources, rollups and computations, the last by the name of the series."""

    sources: Mapping[str, SourcePlan]
    rollups: Mapping[str, Rollup]
    computations: Mapping[str, Base]


def source_name(series: str) -> str:
    """What the source that a series makes is called; no source of a project can be called so.

    >>> source_name("revenue_dwh")
    'series:revenue_dwh'
    """
    return f"series:{series}"


def externals(project: Project) -> Externals:
    """How all series of a project are stored and read.

    A series of a count or a sum adds up, one of a minimum or maximum has one over longer windows too; any other, and one without
    `metric:`, can be had only as it is.
    """
    planned = [_planned(project, series) for series in project.series.values()]
    return Externals(
        {source.name: source for source, _, _ in planned},
        {rollup.id: rollup for _, rollup, _ in planned},
        {base.metric: base for _, _, base in planned},
    )


def mark_after(rollup: Rollup, source: SourcePlan, last: int) -> int:
    """The watermark of a series whose last window starts at `last`: its end, less what may still be restated (microseconds, UTC)."""
    return shift(rollup.grid.next(last), source.lateness, source.zone, sign=-1)


def _planned(project: Project, series: ExternalSeries) -> tuple[SourcePlan, Rollup, Base]:
    assert series.grain is not None  # noqa: S101 - the key is required
    name, zone = source_name(series.name.name), project.zone_of(series)
    kind = _KINDS.get(_aggregate(project, series) or "", "last")
    by = tuple(ref.name for ref in series.by)
    columns = (
        InputColumn(series.time.name, "timestamp"),
        InputColumn(series.value.name, "double"),
        *(InputColumn(key, "string") for key in by),
    )
    meaning = digest([series.time.name, series.value.name, zone])
    keys = tuple(KeyColumn(key, Sql('"' + key.replace('"', '""') + '"', "duckdb"), ((key, "string"),)) for key in by)
    measure = Measure(kind, Sql('"' + series.value.name.replace('"', '""') + '"', "duckdb"))
    relation = series.name.name
    grain = project.in_weeks_of(series, series.grain)
    rollup = Rollup(relation, (name,), (), series.time.name, keys, grain, zone, (ROWS, measure), meaning)
    beat = min(series.grain if series.grain.is_fixed else _QUARTER, _HOUR, key=lambda grain: grain.microseconds)
    source = SourcePlan(
        name=name,
        columns=columns,
        time_column=series.time.name,
        zone=zone,
        lateness=series.restates or Duration(0, "s"),
        max_ahead=Duration(1, "d"),
        min_time=0,
        heartbeat=Rollup(relation, (name,), (), series.time.name, (), beat, "UTC", (ROWS,), meaning),
        external=True,
    )
    return source, rollup, Base(series.name.name, rollup.id, measure, kind)


def _aggregate(project: Project, series: ExternalSeries) -> str | None:
    """The aggregate of the simple metric that a series is a reading of."""
    metric: Metric | None = None if series.metric is None else project.metric(series.metric.name)
    while isinstance(metric, Variant):
        metric = project.metric(metric.of.name)
    return metric.agg if isinstance(metric, Simple) else None
