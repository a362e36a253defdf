"""What lies around the metric in the lineage graph, and what of it moved: the material of a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from metricsctl.core.timegrid import to_iso
from metricsctl.explain.baseline import Move
from metricsctl.explain.report import Curve, SeenNode, Surroundings
from metricsctl.lineage.report import trace

if TYPE_CHECKING:
    from metricsctl.explain.case import Case
    from metricsctl.explain.suspects import Judged
    from metricsctl.lineage.graph import LineageGraph

__all__ = ["curve_of", "surroundings_of"]

FloatArray = npt.NDArray[np.float64]
_AROUND = 2  # lengths of the episode that are shown before it
_FEWEST, _MOST = 48, 400  # windows of a curve


def surroundings_of(case: Case, graph: LineageGraph, moves: Mapping[str, Move], suspects: Sequence[tuple[Judged, float]]) -> Surroundings:
    """Everything upstream and downstream of the metric: `moves` by node id, `suspects` with their confidence."""
    report = trace(graph, [case.node])
    nodes = [
        SeenNode(node.id, node.kind.value, _state(case, node.id, moves.get(node.id)), moves[node.id].relative if node.id in moves else None)
        for node in report.nodes
    ]
    edges = [(edge.source, edge.target) for edge in report.edges]
    known = {node.id for node in report.nodes}
    for item, confidence in suspects:
        name = f"change:{item.event.id}"
        nodes.append(SeenNode(name, "change", "suspected", confidence, str(item.event)))
        edges += [(name, node) for node in item.nodes if node in known]
    return Surroundings(tuple(nodes), tuple(dict.fromkeys(edges)))


def _state(case: Case, node: str, move: Move | None) -> str:
    if move is None:
        return "unknown"
    if not move.is_moved and node != case.node:
        return "usual"
    metric = case.project.metrics.get(node.partition(":")[2]) if node.startswith("metric:") else None
    good = getattr(metric, "direction", None) if metric is not None else None
    up = move.change > 0
    return "moved" if good not in {"up", "down"} else "better" if (good == "up") == up else "worse"


def curve_of(case: Case) -> Curve:
    """The metric and what was to be expected of it, for some time before the episode and in it."""
    length = case.last - case.first + 1
    start = max(0, case.first - min(max(_AROUND * length, _FEWEST - length), _MOST - length))
    inside = slice(start, case.last + 1)
    values = np.where(np.isnan(case.panel.values[0][inside]) & case.adds_up, 0.0, case.panel.values[0][inside])
    return Curve(
        since=to_iso(int(case.axis.times[start]), case.axis.zone),
        grain=str(case.axis.grain),
        onset=case.first - start,
        values=_known(values),
        expected=_known(case.band.expected[0][inside]),
    )


def _known(values: FloatArray) -> tuple[float | None, ...]:
    return tuple(value if np.isfinite(value) else None for value in values.tolist())
