"""What is compared of a definition: each of its keys with a value that is the same for the same meaning, and a text for people.

The keys come from the records of the language, so that none can be forgotten; what follows says only which are inherited, and which are
compared elsewhere.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from metricsctl.core.durations import Duration
from metricsctl.core.serial import plain
from metricsctl.core.timegrid import Grain
from metricsctl.definition.expression import Expression
from metricsctl.definition.forms import Ref
from metricsctl.definition.project import Project
from metricsctl.definition.records import keys_of
from metricsctl.definition.references import inputs_of
from metricsctl.definition.schema import (
    Alias,
    Derived,
    Exposure,
    ExternalSeries,
    Input,
    Metric,
    Model,
    Placed,
    ProducedBy,
    Simple,
    Source,
    Variant,
)
from metricsctl.lineage.sql.canonical import expression_key

__all__ = [
    "ELSEWHERE",
    "Aspect",
    "Aspects",
    "aspects_of",
]

ELSEWHERE: Mapping[str, Collection[str]] = {
    "metric": {"name", "variants", "inputs"},  # a variant is a metric of its own; inputs stand in the expression
    "source": {"name", "columns"},
    "model": {"name", "columns", "sql", "sql_file"},
    "column": {"name"},
    "dimension": {"name"},
    "exposure": {"name"},
    "calendar": {"name"},
    "series": {"name"},
    "test": {"name"},
}
"""The keys of each kind of definition that are no aspect: what it is called, and what is compared by itself."""


@dataclass(frozen=True, slots=True)
class Aspect:
    """One thing that a definition says."""

    key: Any
    text: str


Aspects = Mapping[str, Aspect]
_ORDERED = {"grain", "key"}  # lists whose order says something


def aspects_of(project: Project, kind: str, record: Placed) -> Aspects:
    """The aspects of a definition by the names of their keys, what it inherits filled in."""
    found = {
        name: _aspect(name, getattr(record, name, None) if hasattr(record, name) else getattr(record, f"{name}_"))
        for name in keys_of(type(record))
        if name not in ELSEWHERE[kind]
    }
    return {**found, **dict(_inherited(project, record))}


def _inherited(project: Project, record: Placed) -> Iterator[tuple[str, Aspect]]:
    """What a definition does not say itself, and what it says together with others."""
    if isinstance(record, Source | Model | Metric | Exposure | ExternalSeries):
        yield "owner", _aspect("owner", project.owner_of(record))
    if isinstance(record, Source | Model | Metric | ExternalSeries):
        yield "tier", _aspect("tier", project.tier_of(record))
    if isinstance(record, Source | Metric | ExternalSeries):
        yield "timezone", _aspect("timezone", project.zone_of(record))
    if isinstance(record, Metric):
        yield from _metric(project, record)
    elif isinstance(record, Source):
        yield from _source_time(record)
    elif isinstance(record, Model):
        yield "time", _aspect("time", record.time_column)


def _metric(project: Project, metric: Metric) -> Iterator[tuple[str, Aspect]]:
    yield "type", Aspect(_type_of(metric), _type_of(metric))
    yield "grain", Aspect(project.grain_of(metric), str(project.grain_of(metric)))
    yield "week_start", _aspect("week_start", project.defaults_of(metric).week_start)
    if isinstance(metric, Simple):
        yield "dimensions", _aspect("dimensions", project.dimensions_of(metric))
    if metric.deprecated is not None:
        found = metric.deprecated
        words = f"since {found.since}" + (f", goes after {found.remove_after}" if found.remove_after else "")
        yield "deprecated", Aspect((found.since, found.remove_after, found.reason), words)
    if isinstance(metric, Derived):
        yield "expr", _derived(metric)
    if isinstance(metric, Variant):
        yield "filter", _expression(metric.filter)


def _type_of(metric: Metric) -> str:
    return type(metric).__name__.lower() if isinstance(metric, Alias | Variant) else metric.type


def _source_time(source: Source) -> Iterator[tuple[str, Aspect]]:
    """The event time, key by key: its column goes by `time`."""
    if source.time is None:
        return
    for name in keys_of(type(source.time)):
        if name != "timezone":
            yield ("time" if name == "column" else name), _aspect(name, getattr(source.time, name))


def _derived(metric: Derived) -> Aspect:
    """Its inputs stand in the expression under names of its own, which do not matter."""
    inputs = {name: _input(item) for name, item in inputs_of(metric).items()}
    used = {name: inputs[name] for name in dict.fromkeys(use.path for use in metric.expr.columns()) if name in inputs}
    found = _expression(metric.expr, {name: f"input:{aspect.key}" for name, aspect in used.items()})
    told = [f"{name} = {aspect.text}" for name, aspect in sorted(used.items()) if name != aspect.text]
    return Aspect(found.key, found.text + (f" with {', '.join(told)}" if told else ""))


def _aspect(name: str, value: Any) -> Aspect:
    """A value as it is compared; lists are sets but for those whose order says something."""
    if isinstance(value, Expression):
        return _expression(value)
    if isinstance(value, Input):
        return _input(value)
    if isinstance(value, ProducedBy):
        value = tuple(part for part in (value.service, value.repo, *sorted(value.paths)) if part)
    if isinstance(value, Ref | Grain | Duration | dt.date):
        return Aspect(str(value), str(value))
    if value is None or value in ((), {}):
        return Aspect(None, "none")
    if isinstance(value, tuple):
        words = [item.name if isinstance(item, Ref) else plain(item) for item in value]
        ordered = words if name in _ORDERED or not all(isinstance(item, str) for item in words) else sorted(words)
        return Aspect(repr(ordered) if name in _ORDERED else ordered, ", ".join(map(str, words)))
    key = plain(value)
    return Aspect(key, _words(key))


def _words(value: Any) -> str:
    """A value in a line: mappings as `gap 30m, source ad_log`.

    >>> _words({"size": "1h", "of": ["a", "b"]})
    'size 1h, of a b'
    """
    if isinstance(value, dict):
        return ", ".join(f"{name} {_words(item)}" for name, item in value.items())
    return " ".join(map(_words, value)) if isinstance(value, list) else str(value)


def _expression(expression: Expression, names: Mapping[str, str] | None = None) -> Aspect:
    key = expression_key(expression.text, expression.dialect, tuple(sorted((names or {}).items())))
    return Aspect((key, expression.dialect), " ".join(expression.text.split()))


def _input(item: Input) -> Aspect:
    """A metric as an input: its name, filter and offset."""
    parts = [item.metric.name]
    found = None if item.filter is None else _expression(item.filter)
    if found is not None:
        parts.append(f"where {found.text}")
    if item.offset is not None:
        parts.append(f"{item.offset} ago")
    return Aspect((item.metric.name, found.key if found else None, str(item.offset)), " ".join(parts))
