"""A project as far as some metrics need it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from metricsctl.definition.project import Project
from metricsctl.definition.references import inputs_of

__all__ = ["narrowed"]


def narrowed(project: Project, metrics: Iterable[str]) -> Project:
    """The project with just these metrics and those that they stand on, so that nothing else is computed; unknown names are passed over."""
    found: set[str] = set()
    waiting = list(metrics)
    while waiting:
        name = waiting.pop().partition(".")[0]
        if name in found or name not in project.metrics:
            continue
        found.add(name)
        record = project.metrics[name]
        waiting += [item.metric.name for item in inputs_of(record).values()]
    kept = {name: item for name, item in project.metrics.items() if name in found}
    return dataclasses.replace(project, metrics=kept, exposures={}, calendar={}, series={}, tests={})
