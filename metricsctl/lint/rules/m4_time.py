"""M4: time. Offsets, windows, grains and zones that fit each other, and what streams."""

from __future__ import annotations

from collections.abc import Iterator

from metricsctl.core.diagnostics import Severity
from metricsctl.core.durations import Duration
from metricsctl.core.timegrid import Grain
from metricsctl.definition.forms import Ref
from metricsctl.definition.references import inputs_of
from metricsctl.definition.schema import Conversion, Cumulative, Derived, Metric, Model, Ratio, Simple
from metricsctl.lint.facts import Facts
from metricsctl.lint.registry import Problem, rule


@rule("M406", "uneven-offset", severity=Severity.ERROR)
def uneven_offset(facts: Facts) -> Iterator[Problem]:
    """An offset that is no multiple of the grain, or a window that is no multiple of its step.

    ## What it does
    Reports `offset:` of inputs that is no whole number of windows of the metric, `size:` of a hopping window that is no multiple of its
    `slide:`, and `window:` of a cumulative metric that is no multiple of its grain.

    ## Why
    90 minutes before a window of an hour lies no window, but two halves.

    ## Example
        - {name: d, type: derived, expr: cur - prev, inputs: {cur: revenue, prev: {metric: revenue, offset: 90m}}}    # grain 1h

    ## Use instead
        - {name: d, type: derived, expr: cur - prev, inputs: {cur: revenue, prev: {metric: revenue, offset: 2h}}}

    ## References
    - [Grains and zones](../spec.md)
    """
    for metric in facts.project.metrics.values():
        grain = facts.project.grain_of(metric)
        step = Duration(grain.amount, grain.unit)
        for item in inputs_of(metric).values() if isinstance(metric, Ratio | Derived) else ():
            if item.offset is not None and not _divides(step, item.offset):
                message = f"offset '{item.offset}' is no multiple of the grain {grain}"
                yield Problem(item.place("offset"), message, "an offset counts whole windows")
        if isinstance(metric, Simple) and metric.window is not None and not _divides(metric.window.slide, metric.window.size):
            message = f"size '{metric.window.size}' is no multiple of the slide {metric.window.slide}"
            yield Problem(metric.window.place("size"), message, "a hopping window is made of whole steps")
        if isinstance(metric, Cumulative) and metric.window is not None and not _divides(step, metric.window):
            message = f"window '{metric.window}' is no multiple of the grain {grain}"
            yield Problem(metric.place("window"), message, "it adds up whole windows")


def _divides(step: Duration, length: Duration) -> bool:
    """Whether a duration is a whole number of steps. Months are made of days and of what divides a day, and of nothing else."""
    if step.unit == "mo":
        return length.unit == "mo" and length.amount % step.amount == 0
    if length.unit == "mo":
        return step.unit != "w" and Duration(1, "d").microseconds % step.microseconds == 0
    return length.microseconds % step.microseconds == 0


@rule("M409", "missing-entity", severity=Severity.ERROR)
def missing_entity(facts: Facts) -> Iterator[Problem]:
    """A conversion over an entity that one of its event sets does not have.

    ## What it does
    Reports conversion metrics whose `entity` is not among the `entities:` of `base` or of `convert`.

    ## Why
    Without a key on both sides nothing says which event follows which.

    ## Example
        sources:
          - {name: visits, time: ts, columns: [{name: ts, type: timestamp}, {name: user_id}]}
          - {name: orders, time: ts, columns: [{name: ts, type: timestamp}, {name: user_id}], entities: {user: user_id}}
        metrics:
          - {name: bought, type: conversion, base: visits, convert: orders, entity: user, within: 7d}

    ## Use instead
        sources:
          - {name: visits, time: ts, columns: [{name: ts, type: timestamp}, {name: user_id}], entities: {user: user_id}}

    ## References
    - [Conversion](../spec.md)
    """
    for metric in facts.project.metrics.values():
        if not isinstance(metric, Conversion):
            continue
        for side in (metric.base, metric.convert):
            relation = facts.relations.get(side.name)
            if relation is not None and metric.entity.name not in relation.entities:
                message = f"entity '{metric.entity}' is missing in '{side}'"
                yield Problem(metric.entity.span, message, "name its key column there: `entities: {" + f"{metric.entity}: ..." + "}`")


def _inputs(facts: Facts, metric: Metric) -> Iterator[tuple[Ref, Metric]]:
    """The direct inputs of a composed metric, each with the metric that it is."""
    if isinstance(metric, Ratio | Derived):
        for item in inputs_of(metric).values():
            target = facts.target(item.metric.name)
            if target is not None:
                yield item.metric, target


@rule("M415", "mixed-zones", severity=Severity.WARNING)
def mixed_zones(facts: Facts) -> Iterator[Problem]:
    """Metrics of different time zones in one.

    ## What it does
    Warns where the inputs of a ratio or of a derived metric have calendars in different zones (`timezone:`, or the default of their file).

    ## Why
    The day of one is not the day of the other: a share of the two mixes hours of different days.

    ## Example
        - {name: orders, type: simple, source: log, agg: count, grain: 1d, timezone: Europe/Berlin}
        - {name: visits, type: simple, source: log, agg: count, grain: 1d, timezone: UTC}
        - {name: rate, type: ratio, numerator: orders, denominator: visits, on_zero: absent}

    ## Use instead
    Give both the same `timezone:`, best by `defaults:` of the file.

    ## References
    - [Grains and zones](../spec.md)
    """
    for metric in facts.project.metrics.values():
        first: str | None = None
        for ref, target in _inputs(facts, metric):
            zone = facts.project.zone_of(target)
            if first is not None and zone != first:
                yield Problem(ref.span, f"'{ref}' has the days of {zone}, another input those of {first}", "give them one `timezone:`")
                break
            first = first or zone


@rule("M416", "mixed-grains", severity=Severity.WARNING)
def mixed_grains(facts: Facts) -> Iterator[Problem]:
    """Inputs of different grains in one metric.

    ## What it does
    Warns where the inputs of a ratio or of a derived metric are stored in windows of different lengths, and the metric's own `grain:` is
    finer than one of them.

    ## Why
    At the finer grain one of them has no value; the metric can be had at the coarser one only, which its readers will not expect.

    ## Example
        - {name: orders, type: simple, source: log, agg: count, grain: 1h}
        - {name: visits, type: simple, source: log, agg: count, grain: 1d}
        - {name: rate, type: ratio, numerator: orders, denominator: visits, on_zero: absent}

    ## Use instead
    Give both one `grain:`, the finer where it may be asked for.

    ## References
    - [Grains and zones](../spec.md)
    """
    for metric in facts.project.metrics.values():
        inputs = [(ref, facts.project.grain_of(target)) for ref, target in _inputs(facts, metric)]
        own = _length(facts.project.grain_of(metric))
        finest = min((grain for _, grain in inputs), key=_length, default=None)
        coarse = next(((ref, grain) for ref, grain in inputs if finest is not None and _length(grain) > max(_length(finest), own)), None)
        if coarse is not None:
            ref, grain = coarse
            message = f"'{ref}' is kept by {grain}, another input by {finest}"
            yield Problem(ref.span, message, f"give them one `grain:`, or this metric `grain: {grain}`")


def _length(grain: Grain) -> int:
    """How long a window is; a month has its nominal length."""
    return Duration(grain.amount, grain.unit).microseconds


@rule("M417", "nothing-retained", severity=Severity.WARNING)
def nothing_retained(facts: Facts) -> Iterator[Problem]:
    """A model that needs more than one row at a time, over a source that keeps none.

    ## What it does
    Warns of models with aggregation, window functions, joins of two streams and the like, and of conversions, that a metric stands on,
    where a source below them has no `retain:`. Row-wise models, sessions, and joins to static tables need none.

    ## Why
    Events are folded as they come and then forgotten; what looks at several of them at once finds only those of the same batch.

    ## Example
        sources:
          - {name: log, time: ts, columns: [{name: ts, type: timestamp}, {name: user_id}]}
        models:
          - {name: daily, sql: "SELECT ts, user_id, count(*) AS n FROM log GROUP BY ts, user_id", time: ts}

    ## Use instead
        sources:
          - {name: log, time: ts, retain: 30d, columns: [{name: ts, type: timestamp}, {name: user_id}]}

    ## References
    - [What streams](../spec.md)
    """
    for model in facts.project.models.values():
        if model.name.name in facts.used_relations and (found := facts.obstacle(model)):
            sources = sorted(name for name in _sources(facts, model.name.name) if facts.project.sources[name].retain is None)
            if sources:
                message = f"model '{model.name}' needs kept events ({found}), and source '{sources[0]}' keeps none"
                yield Problem(model.name.span, message, f"retain: 30d on '{sources[0]}', or aggregate in the metric instead")
    for metric in facts.project.metrics.values():
        if isinstance(metric, Conversion):
            below = {source for side in (metric.base, metric.convert) for source in _sources(facts, side.name)}
            sources = sorted(name for name in below if facts.project.sources[name].retain is None)
            if sources:
                message = f"conversion '{metric.name}' needs kept events, and source '{sources[0]}' keeps none"
                yield Problem(metric.name.span, message, f"retain: 30d on '{sources[0]}'")


def _sources(facts: Facts, relation: str) -> set[str]:
    """The sources below a relation."""
    found: set[str] = set()
    waiting, seen = [relation], set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        if name in facts.project.sources:
            found.add(name)
        model = facts.project.models.get(name)
        waiting += model.inputs() if isinstance(model, Model) else []
    return found
