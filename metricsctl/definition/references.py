"""Who refers to whom, by name: the edges that the YAML itself states."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from metricsctl.definition.forms import Ref
from metricsctl.definition.schema import Alias, Derived, Exposure, Input, Metric, Model, Ratio, Simple, Source

if TYPE_CHECKING:
    from metricsctl.definition.project import Project

__all__ = ["KIND_SECTIONS", "bases_of", "dimension_lists", "inputs_of", "kind_keys", "references"]

KIND_SECTIONS: dict[str, tuple[str, ...]] = {
    "metric": ("metrics",),
    "source or model": ("sources", "models"),
}


def kind_keys(kind: str, name: str) -> list[str]:
    """The "kind:name" keys under which something of that kind may stand."""
    return [f"{section.rstrip('s')}:{name}" for section in KIND_SECTIONS[kind]]


def inputs_of(metric: Metric) -> dict[str, Input]:
    """The metrics that a ratio, derived metric or alias is computed from, by the name they have in it.

    A derived metric without `inputs:` names its inputs in the expression; each stands for itself.
    """
    if isinstance(metric, Ratio):
        return {"numerator": metric.numerator, "denominator": metric.denominator}
    if isinstance(metric, Alias):
        return {metric.alias_of.name: Input(metric=metric.alias_of, span=metric.alias_of.span)}
    if isinstance(metric, Derived):
        found = dict(metric.inputs)
        for use in metric.expr.columns():
            if not metric.inputs and use.name not in found:
                found[use.name] = Input(metric=Ref(use.name, use.span), span=use.span)
        return found
    return {}


def references(record: Metric | Exposure) -> Iterator[tuple[str, Ref]]:
    """Each (kind, name) that a metric or an exposure refers to; kind is "metric" or "source or model"."""
    if isinstance(record, Exposure):
        for ref in record.metrics():
            yield "metric", ref
        return
    if isinstance(record, Simple):
        yield "source or model", record.source
    for item in inputs_of(record).values():
        yield "metric", item.metric


def bases_of(metrics: Mapping[str, Metric], name: str) -> dict[str, Simple]:
    """The simple metrics that a metric stands on, by name; unknown names and cycles end the walk."""
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


def dimension_lists(project: Project) -> Iterator[tuple[Source | Model | Metric | Exposure, tuple[Ref, ...]]]:
    """Each record that lists dimensions, with its list."""
    for source in project.sources.values():
        yield source, source.dimensions
    for model in project.models.values():
        yield model, model.dimensions
    for metric in project.metrics.values():
        yield metric, metric.dimensions or ()
    for exposure in project.exposures.values():
        yield exposure, exposure.by
