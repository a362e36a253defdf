"""Who refers to whom, by name: the edges that the YAML itself states."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from metricsctl.definition.forms import Ref, Table
from metricsctl.definition.schema import (
    Alias,
    CalendarEntry,
    Conversion,
    Cumulative,
    Derived,
    Exposure,
    ExternalSeries,
    Input,
    Metric,
    MetricTest,
    Model,
    Placed,
    Ratio,
    Simple,
    Source,
    Variant,
)

if TYPE_CHECKING:
    from metricsctl.definition.project import Project

__all__ = ["KIND_SECTIONS", "bases_of", "dimension_lists", "inputs_of", "kind_keys", "references", "relations_of"]

KIND_SECTIONS: dict[str, tuple[str, ...]] = {
    "metric": ("metrics",),
    "source or model": ("sources", "models"),
}


def kind_keys(kind: str, name: str) -> list[str]:
    """The "kind:name" keys under which something of that kind may stand; a variant stands under its metric."""
    if kind == "metric":
        return [f"metric:{name.partition('.')[0]}"]
    return [f"{section.rstrip('s')}:{name}" for section in KIND_SECTIONS[kind]]


def inputs_of(metric: Metric) -> dict[str, Input]:
    """The metrics that a metric is computed from, by the name they have in it; none for those that count rows.

    A derived metric without `inputs:` names its inputs in the expression; each stands for itself.
    """
    if isinstance(metric, Ratio):
        return {"numerator": metric.numerator, "denominator": metric.denominator}
    if isinstance(metric, Alias):
        return {metric.alias_of.name: _whole(metric.alias_of)}
    if isinstance(metric, Variant):
        return {metric.of.name: Input(metric=metric.of, filter=metric.filter, span=metric.of.span)}
    if isinstance(metric, Cumulative):
        return {metric.metric.name: _whole(metric.metric)}
    if isinstance(metric, Derived):
        if metric.inputs:
            return dict(metric.inputs)
        found: dict[str, Input] = {}
        for use in metric.expr.columns():
            found.setdefault(use.path, _whole(Ref(use.path, use.span)))
        return found
    return {}


def _whole(ref: Ref) -> Input:
    return Input(metric=ref, span=ref.span)


def relations_of(metric: Metric) -> tuple[Ref, ...]:
    """The sources and models whose rows a metric counts itself."""
    if isinstance(metric, Simple):
        return (metric.source,)
    return (metric.base, metric.convert) if isinstance(metric, Conversion) else ()


def references(record: Placed) -> Iterator[tuple[str, Ref]]:
    """Each (kind, name) that a record refers to outside of SQL; kind is "metric" or "source or model"."""
    if isinstance(record, Metric):
        for ref in relations_of(record):
            yield "source or model", ref
        for item in inputs_of(record).values():
            yield "metric", item.metric
    elif isinstance(record, Model) and record.session is not None:
        yield "source or model", record.session.source
    elif isinstance(record, Exposure | CalendarEntry):
        for ref in record.metrics():
            yield "metric", ref
    elif isinstance(record, ExternalSeries) and record.metric is not None:
        yield "metric", record.metric
    elif isinstance(record, MetricTest):
        yield "metric", record.metric
        places = record.given.places if isinstance(record.given, Table) else {}
        for name in record.given:
            yield "source or model", Ref(name, places.get(name, record.place("given")))


def bases_of(metrics: Mapping[str, Metric], name: str) -> dict[str, Simple]:
    """The simple metrics that a metric stands on, by name; unknown names and cycles end the walk.

    `metrics` are `Project.all_metrics`, so that variants are found.
    """
    found: dict[str, Simple] = {}
    seen, waiting = set(), [name]
    while waiting:
        current = waiting.pop()
        metric = metrics.get(current)
        if metric is None or current in seen:
            continue
        seen.add(current)
        if isinstance(metric, Simple):
            found[current] = metric
        waiting += [item.metric.name for item in inputs_of(metric).values()]
    return found


def dimension_lists(project: Project) -> Iterator[tuple[Source | Model | Metric | Exposure | MetricTest, tuple[Ref, ...]]]:
    """Each record that lists dimensions, with its list."""
    for source in project.sources.values():
        yield source, source.dimensions
    for model in project.models.values():
        yield model, model.dimensions
    for metric in project.metrics.values():
        yield metric, metric.dimensions or ()
        if metric.watch is not None and metric.watch.by:
            yield metric, metric.watch.by
    for exposure in project.exposures.values():
        yield exposure, exposure.by
    for test in project.tests.values():
        yield test, test.by
