"""Two hashes of a metric: one of its value, down to the sources, and one of all the rest."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from metricsctl.definition.project import Project
from metricsctl.diff.aspects import aspects_of
from metricsctl.diff.categories import is_meta
from metricsctl.diff.values import Values

__all__ = ["Hashes", "metric_hashes"]


@dataclass(frozen=True, slots=True)
class Hashes:
    """Equal `value`: the same numbers from the same rows; equal `meta`: the same in all else."""

    value: str
    meta: str


def metric_hashes(project: Project, name: str) -> Hashes:
    """The hashes of a metric; an alias has the value of what it stands for. What is not defined or stands on itself counts by name."""
    metric = project.all_metrics.get(name)
    said = () if metric is None else sorted(aspects_of(project, "metric", metric).items())
    return Hashes(
        _digest(Values(project).metric(name)), _digest([(aspect, found.key) for aspect, found in said if is_meta("metric", aspect)])
    )


def _digest(value: object) -> str:
    return hashlib.blake2b(repr(value).encode(), digest_size=8).hexdigest()
