"""What is compared of a definition: each aspect with a key, the same for the same meaning, and a text for people."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from metricsctl.core.durations import Duration
from metricsctl.core.serial import plain
from metricsctl.definition.expression import Expression
from metricsctl.definition.project import Project
from metricsctl.definition.references import inputs_of
from metricsctl.definition.schema import (
    Alias,
    Column,
    Conversion,
    Cumulative,
    Derived,
    Dimension,
    Exposure,
    Input,
    Metric,
    Model,
    Ratio,
    Simple,
    Source,
)
from metricsctl.lineage.sql.canonical import expression_key

__all__ = [
    "Aspect",
    "Aspects",
    "column_aspects",
    "dimension_aspects",
    "exposure_aspects",
    "metric_aspects",
    "model_aspects",
    "source_aspects",
]

_FOR_ALL = ("tags", "meta", "label", "description")


@dataclass(frozen=True, slots=True)
class Aspect:
    """One thing that a definition says."""

    key: Any
    text: str


Aspects = Mapping[str, Aspect]
Pairs = Iterator[tuple[str, Aspect]]


def _said(value: Any) -> Aspect:
    """A value that is compared as it stands."""
    if value is None or value in ((), {}):
        return Aspect(None, "none")
    key = str(value) if isinstance(value, Duration | dt.date) else plain(value)
    return Aspect(key, ", ".join(map(str, key)) if isinstance(key, list) else str(key))


def _expression(expression: Expression | None, names: Mapping[str, str] | None = None) -> Aspect:
    if expression is None:
        return Aspect(None, "none")
    key = expression_key(expression.text, expression.dialect, tuple(sorted((names or {}).items())))
    return Aspect((key, expression.dialect), " ".join(expression.text.split()))


def _input(item: Input) -> Aspect:
    """A metric as an input: its name, filter and offset."""
    parts = [item.metric.name]
    found = _expression(item.filter)
    if item.filter is not None:
        parts.append(f"where {found.text}")
    if item.offset is not None:
        parts.append(f"{item.offset} ago")
    return Aspect((item.metric.name, found.key, str(item.offset)), " ".join(parts))


def _picked(record: Any, *names: str) -> Pairs:
    for name in names:
        yield name, _said(getattr(record, name))


def metric_aspects(project: Project, metric: Metric) -> Aspects:
    """The aspects of a metric, inherited values filled in."""
    return dict(_metric(project, metric))


def _metric(project: Project, metric: Metric) -> Pairs:
    yield "type", _said("alias" if isinstance(metric, Alias) else metric.type)
    yield "grain", Aspect(project.grain_of(metric), str(project.grain_of(metric)))
    yield "zone", _said(project.zone_of(metric))
    yield "owner", _said(project.owner_of(metric))
    yield "tier", _said(project.tier_of(metric))
    yield "deprecated", _deprecated(metric)
    yield "bounds", _said(None if metric.bounds is None else (metric.bounds.min, metric.bounds.max))
    yield from _picked(metric, "unit", "direction", "version", "fill", "sla", "watch", *_FOR_ALL)
    if isinstance(metric, Simple):
        yield "source", _said(metric.source.name)
        yield "filter", _expression(metric.filter)
        yield "expr", _expression(metric.expr)
        yield "dimensions", _said(tuple(sorted(project.dimensions_of(metric))))
        yield from _picked(metric, "agg", "p", "exact", "approximate", "rollup", "window", "semi_additive")
    elif isinstance(metric, Ratio):
        yield "filter", _expression(metric.filter)
        yield "numerator", _input(metric.numerator)
        yield "denominator", _input(metric.denominator)
        yield "on_zero", _said(metric.on_zero)
    elif isinstance(metric, Derived):
        yield from _derived(metric)
    elif isinstance(metric, Alias):
        yield "alias_of", _said(metric.alias_of.name)
    elif isinstance(metric, Cumulative):
        yield from _picked(metric, "metric", "to_date", "window", "start")
    elif isinstance(metric, Conversion):
        yield from _picked(metric, "base", "convert", "entity", "within")


def _deprecated(metric: Metric) -> Aspect:
    found = metric.deprecated
    if found is None:
        return Aspect(None, "no")
    words = f"since {found.since}" + (f", goes after {found.remove_after}" if found.remove_after else "")
    return Aspect((found.since, found.remove_after, found.reason), words)


def _derived(metric: Derived) -> Pairs:
    """Its inputs stand in the expression under names of its own, which do not matter."""
    inputs = {name: _input(item) for name, item in inputs_of(metric).items()}
    used = {name: inputs[name] for name in metric.expr.names() if name in inputs}
    found = _expression(metric.expr, {name: f"input:{aspect.key}" for name, aspect in used.items()})
    told = [f"{name} = {aspect.text}" for name, aspect in sorted(used.items()) if name != aspect.text]
    yield "expr", Aspect(found.key, found.text + (f" with {', '.join(told)}" if told else ""))
    yield "on_zero", _said(metric.on_zero)


def source_aspects(project: Project, source: Source) -> Aspects:
    """The aspects of a source, its columns left out."""
    return dict(_source(project, source))


def _source(project: Project, source: Source) -> Pairs:
    yield "zone", _said(project.zone_of(source))
    if source.time is not None:
        yield "time", _said(source.time.column.name)
        yield from _picked(source.time, "lateness", "max_ahead", "min_time")
    yield "owner", _said(project.owner_of(source))
    yield "tier", _said(project.tier_of(source))
    yield "key", _said(source.key_)
    yield "produced_by", _produced_by(source)
    yield "dimensions", _said(tuple(sorted(ref.name for ref in source.dimensions)))
    yield from _picked(source, "dedup", "match", "retain", "entities", *_FOR_ALL)


def _produced_by(record: Source | Model) -> Aspect:
    found = record.produced_by
    if found is None:
        return Aspect(None, "none")
    return _said(tuple(part for part in (found.service, found.repo, *sorted(found.paths)) if part))


def model_aspects(project: Project, model: Model) -> Aspects:
    """The aspects of a model, its SQL and its columns left out."""
    return dict(_model(project, model))


def _model(project: Project, model: Model) -> Pairs:
    yield "grain", _said(tuple(ref.name for ref in model.grain))
    yield "time", _said(model.time.column.name if model.time else None)
    yield "owner", _said(project.owner_of(model))
    yield "tier", _said(project.tier_of(model))
    yield "produced_by", _produced_by(model)
    yield "dimensions", _said(tuple(sorted(ref.name for ref in model.dimensions)))
    yield "session", _said(model.session)
    yield from _picked(model, "entities", *_FOR_ALL)


def column_aspects(column: Column) -> Aspects:
    """The aspects of a declared column."""
    return dict(_picked(column, "type", "unit", "pii", "accepted", "description"))


def dimension_aspects(dimension: Dimension) -> Aspects:
    """The aspects of a shared dimension."""
    return {"expr": _expression(dimension.expr), **dict(_picked(dimension, "owner", "max_values", "description"))}


def exposure_aspects(project: Project, exposure: Exposure) -> Aspects:
    """The aspects of an exposure."""
    return dict(_exposure(project, exposure))


def _exposure(project: Project, exposure: Exposure) -> Pairs:
    yield "uses", _said(tuple(sorted(ref.name for ref in exposure.uses)))
    yield "by", _said(tuple(sorted(ref.name for ref in exposure.by)))
    yield "good", _said(exposure.good.name if exposure.good else None)
    yield "total", _said(exposure.total.name if exposure.total else None)
    yield "filter", _expression(exposure.filter)
    yield "owner", _said(project.owner_of(exposure))
    yield "grain", _said(str(exposure.grain) if exposure.grain else None)
    yield from _picked(exposure, "kind", "objective", "window", "role", "tier", "url", *_FOR_ALL)
