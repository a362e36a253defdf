"""What nodes can be chosen by beside their names: tags, owners, tiers, the service and repository that write them, their files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from metricsctl.definition.project import Project
from metricsctl.definition.schema import Exposure, Model, Source
from metricsctl.lineage.nodes import NodeKind, node_id

__all__ = ["labels_of"]

Label = tuple[str, str]


def labels_of(project: Project) -> dict[str, frozenset[Label]]:
    """The labels of every source, model, metric, series and exposure by the id of its node."""
    groups = (
        (NodeKind.SOURCE, project.sources),
        (NodeKind.MODEL, project.models),
        (NodeKind.METRIC, project.all_metrics),
        (NodeKind.SERIES, project.series),
        (NodeKind.EXPOSURE, project.exposures),
    )
    return {node_id(kind, name): frozenset(_labels(project, record)) for kind, records in groups for name, record in records.items()}


def _labels(project: Project, record: Any) -> Iterator[Label]:
    yield from (("tag", tag) for tag in record.tags)
    owner = project.owner_of(record)
    if owner:
        yield "owner", owner
    tier = record.tier if isinstance(record, Exposure) else project.tier_of(record)
    if tier is not None:
        yield "tier", str(tier)
    yield "file", record.span.path
    if isinstance(record, Model) and record.statement is not None:
        yield "file", record.statement.span.path
    if isinstance(record, Source | Model) and record.produced_by is not None:
        if record.produced_by.service:
            yield "service", record.produced_by.service
        if record.produced_by.repo:
            yield "repo", record.produced_by.repo
