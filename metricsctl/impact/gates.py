"""Rules that fail a change whatever its score."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from metricsctl.definition.project import Project
from metricsctl.diff.change import Category, Change
from metricsctl.impact.parts import Gate
from metricsctl.impact.reach import Graph, Reached
from metricsctl.lineage.nodes import NodeKind

__all__ = ["fired"]

_DEFINITIONS = {NodeKind.METRIC, NodeKind.MODEL, NodeKind.COLUMN, NodeKind.DIMENSION}


def fired(base: Project, head: Project, graph: Graph, changes: tuple[Change, ...], reached: Mapping[str, Reached]) -> tuple[Gate, ...]:
    """The gates that a difference of two projects fires, by name and node."""
    found = {
        *_removed(head, graph, changes),
        *_retyped(head, graph, changes),
        *_meaning(base, head, changes, reached),
        *_slo_inputs(head, graph, changes),
    }
    return tuple(sorted(found, key=lambda gate: (gate.name, gate.id)))


def _consumers(head: Project, graph: Graph, start: str) -> list[str]:
    """The exposures downstream of a node that are still there."""
    seen, ahead = {start}, [start]
    while ahead:
        for edge in graph.outgoing.get(ahead.pop(), ()):
            if edge.target not in seen:
                seen.add(edge.target)
                ahead.append(edge.target)
    names = (key.removeprefix("exposure:") for key in seen if key.startswith("exposure:"))
    return sorted(name for name in names if name in head.exposures)


def _removed(head: Project, graph: Graph, changes: tuple[Change, ...]) -> Iterator[Gate]:
    for change in changes:
        if change.kind is NodeKind.METRIC and change.aspect == "removed":
            users = _consumers(head, graph, change.id)
            if users:
                yield Gate("removed-with-consumers", change.id, f"metric {change.name} is removed, and used by {', '.join(users)}")


def _retyped(head: Project, graph: Graph, changes: tuple[Change, ...]) -> Iterator[Gate]:
    for change in changes:
        if change.kind is NodeKind.METRIC and change.aspect in {"unit", "type"} and change.category is Category.BREAKING:
            users = _consumers(head, graph, change.id)
            if users:
                yield Gate(f"{change.aspect}-changed", change.id, f"metric {change.name}, used by {', '.join(users)}: {change.reason}")


def _meaning(base: Project, head: Project, changes: tuple[Change, ...], reached: Mapping[str, Reached]) -> Iterator[Gate]:
    """A metric of tier 0 that another definition now makes, under its old version."""
    defined = {change.id for change in changes if change.kind in _DEFINITIONS and change.category in {Category.BREAKING, Category.SEMANTIC}}
    for name, metric in head.all_metrics.items():
        hit = reached.get(f"metric:{name}")
        old = base.all_metrics.get(name)
        if hit is None or old is None or hit.root.id not in defined or head.tier_of(metric) != 0:
            continue
        if (metric.version or 0) <= (old.version or 0):
            version = f"its version is still {metric.version}" if metric.version else "it has no version"
            yield Gate("meaning-without-version", hit.id, f"metric {name} of tier 0 has another meaning, but {version}: {hit.root.reason}")


def _slo_inputs(head: Project, graph: Graph, changes: tuple[Change, ...]) -> Iterator[Gate]:
    for change in changes:
        if change.category is not Category.BREAKING or change.kind is NodeKind.EXPOSURE:
            continue
        for name in _consumers(head, graph, change.id):
            if head.exposures[name].kind == "slo":
                yield Gate("slo-input-broken", f"exposure:{name}", f"SLO {name} stands on {change.name}: {change.reason}")
