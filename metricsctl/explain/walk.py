"""Upstream of a metric: which of its inputs moved abnormally, and which of those is the furthest upstream."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from metricsctl.explain.baseline import Move, expected, kind_of, move_of
from metricsctl.explain.panel import Axis, PanelReader
from metricsctl.lineage.graph import LineageGraph
from metricsctl.lineage.nodes import NodeKind
from metricsctl.plan.types import Base

__all__ = ["Upstream", "furthest", "moves_of_metrics", "walk"]

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Upstream:
    """A node upstream and what it did: the rows of a source or model, or the value of a metric; `steps` from the metric."""

    node: str
    move: Move
    steps: int


def walk(graph: LineageGraph, metric: str, reader: PanelReader, axis: Axis, inside: Mask) -> tuple[Upstream, ...]:
    """Every node upstream of the node `metric` that has numbers, the nearest first; nodes without any are left out."""
    found = []
    for node, steps in _distances(graph, metric).items():
        kind, _, name = node.partition(":")
        move = _rows(name, reader, axis, inside) if kind in {NodeKind.SOURCE, NodeKind.MODEL} else None
        if kind == NodeKind.METRIC:
            move = metric_move(name, reader, axis, inside)
        if move is not None:
            found.append(Upstream(node, move, steps))
    return tuple(found)


def furthest(found: tuple[Upstream, ...]) -> Upstream | None:
    """Of the nodes that moved the furthest upstream one; None if none did.

    The walk begins at the metric and goes on only through nodes that moved, so that a coincidence far away is not taken for the origin.
    """
    moved = [item for item in found if item.move.is_moved]
    return max(moved, key=lambda item: (item.steps, abs(item.move.score)), default=None)


def moves_of_metrics(reader: PanelReader, axis: Axis, inside: Mask) -> dict[str, Move]:
    """What every simple metric did that is stored in the grain of the axis; series that live elsewhere are other readings of them."""
    simple = {
        name: computation
        for name, computation in reader.plan.computations.items()
        if isinstance(computation, Base)
        and computation.metric == name
        and not reader.plan.is_external(computation)
        and reader.grain_of(computation) == axis.grain
        and _is_read(reader, computation)
    }
    reader.prefetch(simple.values(), axis)
    moves = {name: metric_move(name, reader, axis, inside) for name in simple}
    return {name: move for name, move in moves.items() if move is not None}


def metric_move(name: str, reader: PanelReader, axis: Axis, inside: Mask) -> Move | None:
    """What a simple metric did; None where it has no numbers, or is no simple metric."""
    base = reader.plan.computations.get(name)
    if not isinstance(base, Base) or not _is_read(reader, base):
        return None
    panel = reader.metric(base, axis)
    kind = kind_of(base.aggregate if base.of_its_window else None)
    total = base.of_its_window and base.aggregate in {"count", "sum"}
    return move_of(panel.values[0], expected(panel, axis, inside, kind), inside, total=total)


def _is_read(reader: PanelReader, base: Base) -> bool:
    """Whether its states are in the store, by the dimensions of the segment; of numbers (`rollup: final_only`) there is no total."""
    return base.rollup in reader.store.head.tables and reader.has_segment(base) and not reader.plan.is_without_total(base)


def _rows(relation: str, reader: PanelReader, axis: Axis, inside: Mask) -> Move | None:
    """What the number of rows of a source or model did."""
    source = reader.plan.sources.get(relation)
    own = [rollup for rollup in reader.plan.rollups.values() if rollup.relation == relation and rollup.grain == axis.grain]
    rollup = own[0] if own else source.heartbeat if source is not None else None
    if rollup is None or rollup.id not in reader.store.head.tables:
        return None
    panel = reader.rows(rollup, axis)
    return move_of(panel.values[0], expected(panel, axis, inside, "count"), inside, total=True)


def _distances(graph: LineageGraph, start: str) -> dict[str, int]:
    """Steps upstream from a node, by the longest way through sources, models and metrics (columns are no steps)."""
    distances: dict[str, int] = {}
    ahead = [(start, 0)]
    seen = {start}
    for node, steps in ahead:
        for parent in sorted({_whole(graph, edge.source) for edge in graph.incoming.get(node, ())}):
            if parent not in seen and parent.partition(":")[0] in {NodeKind.SOURCE, NodeKind.MODEL, NodeKind.METRIC}:
                seen.add(parent)
                distances[parent] = steps + 1
                ahead.append((parent, steps + 1))
    return distances


def _whole(graph: LineageGraph, node: str) -> str:
    """The source or model that a column belongs to, else the node itself."""
    return graph.nodes[node].parent or node
