"""Two hashes of a metric: one of its value, with those of its inputs, and one of all the rest."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from metricsctl.definition.project import Project
from metricsctl.definition.references import inputs_of
from metricsctl.definition.schema import Alias
from metricsctl.diff.aspects import metric_aspects
from metricsctl.diff.categories import is_meta

__all__ = ["Hashes", "metric_hashes", "same_value"]


@dataclass(frozen=True, slots=True)
class Hashes:
    """Equal `value`: the same numbers from the same rows; equal `meta`: the same in all else."""

    value: str
    meta: str


def metric_hashes(project: Project, name: str) -> Hashes:
    """The hashes of a metric; an alias has the value of what it stands for. What is not defined or stands on itself counts by name."""
    return _hashes(project, name, ())


def same_value(base: Project, head: Project, name: str) -> bool:
    """Whether a metric is computed in the same way from the same inputs in both; its sources and models are not looked at."""
    return metric_hashes(base, name).value == metric_hashes(head, name).value


def _hashes(project: Project, name: str, above: tuple[str, ...]) -> Hashes:
    metric = project.metrics.get(name)
    if metric is None or name in above:
        return Hashes(name, "")
    inputs = {item.metric.name: _hashes(project, item.metric.name, (*above, name)).value for item in inputs_of(metric).values()}
    said = [(aspect, found.key) for aspect, found in sorted(metric_aspects(project, metric).items())]
    meta = _digest([item for item in said if is_meta("metric", item[0])])
    if isinstance(metric, Alias):
        return Hashes(inputs[metric.alias_of.name], meta)
    return Hashes(_digest([[item for item in said if not is_meta("metric", item[0])], sorted(inputs.items())]), meta)


def _digest(value: object) -> str:
    return hashlib.blake2b(repr(value).encode(), digest_size=8).hexdigest()
