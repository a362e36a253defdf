"""What a change reaches: for each node the probability that it is hit, along the surest path from each root.

For a root of severity s and a node n: `p = s * max over paths of the product of the edges`. Several roots combine by noisy-or:
`1 - product of (1 - p)`. Nothing decays by distance: a figure five joins away is just as wrong.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from metricsctl.diff.change import Category
from metricsctl.lineage.graph import LineageGraph
from metricsctl.lineage.kinds import EdgeKind
from metricsctl.lineage.nodes import Edge, Node, NodeKind

__all__ = ["Graph", "Reached", "Root", "edge_weight", "paths_to", "reach"]

_WEIGHTS = {EdgeKind.FILTER: 0.9, EdgeKind.JOIN: 0.9, EdgeKind.GROUP: 0.9}
_TABLE_ONLY = 0.5


def edge_weight(edge: Edge) -> float:
    """How much of a change passes an edge: values all of it, what decides rows 0.9, what is known no closer than the table 0.5.

    An edge "table-only" that is certain says that the rows of the table are what is counted: all of it passes.
    """
    if edge.kind is EdgeKind.TABLE:
        return 1.0 if edge.confidence >= 1 else _TABLE_ONLY
    return _WEIGHTS.get(edge.kind, 1.0)


@dataclass(frozen=True, slots=True)
class Root:
    """A node where something changed: the worst category of its changes, and what they say."""

    id: str
    category: Category
    reason: str

    @property
    def severity(self) -> float:
        """The probability that the node itself is hit."""
        return self.category.severity


@dataclass(frozen=True, slots=True)
class Reached:
    """A node that is hit with probability `p`; `via` is the surest path from the root that matters most, both ends included."""

    id: str
    p: float
    root: Root
    via: tuple[str, ...]


class Graph:
    """The graph of the head, with what the base had and the head has not, and whom that fed."""

    def __init__(self, head: LineageGraph) -> None:
        self.coverage = head.coverage
        self.nodes: dict[str, Node] = dict(head.nodes)
        self.edges: tuple[Edge, ...] = head.edges
        self.outgoing: dict[str, list[Edge]] = {}
        for edge in self.edges:
            self.outgoing.setdefault(edge.source, []).append(edge)

    def with_the_gone(self, base: LineageGraph) -> Graph:
        """The same with the nodes of the base that are gone, and the edges out of them to their consumers.

        A definition that is still there has been rewritten, and says so itself.
        """
        there = set(self.nodes)
        self.nodes = {**base.nodes, **self.nodes}
        gone = [edge for edge in base.edges if edge.source not in there and self._consumes(edge, there, base)]
        self.edges = (*self.edges, *gone)
        for edge in gone:
            self.outgoing.setdefault(edge.source, []).append(edge)
        return self

    def _consumes(self, edge: Edge, there: set[str], base: LineageGraph) -> bool:
        return edge.target not in there or base.nodes[edge.target].kind is NodeKind.EXPOSURE

    def upstream(self, key: str) -> set[str]:
        """The ids of all that enters a node, at any distance."""
        before: dict[str, list[str]] = {}
        for edge in self.edges:
            before.setdefault(edge.target, []).append(edge.source)
        seen, waiting = set[str](), [key]
        while waiting:
            for source in before.get(waiting.pop(), ()):
                if source not in seen:
                    seen.add(source)
                    waiting.append(source)
        return seen


def _nothing(_: str) -> bool:
    return False


def reach(graph: Graph, roots: Iterable[Root], same: Callable[[str], bool] = _nothing) -> dict[str, Reached]:
    """Every node that the roots reach, by id; what is not in it is untouched. Roots whose category moves no value reach nothing.

    A node that is proven the `same` passes nothing on, unless it is a root itself.
    """
    missed: dict[str, float] = {}
    strongest: dict[str, tuple[float, Root, tuple[str, ...]]] = {}
    for root in roots:
        if not root.category.moves or root.id not in graph.nodes:
            continue
        surest, before = _surest(graph, root.id, same)
        for key, sure in surest.items():
            p = root.severity * sure
            missed[key] = missed.get(key, 1.0) * (1 - p)
            known = strongest[key][0] if key in strongest else -1.0
            if p > known or (p == known and key == root.id):  # a node's own change says more of it than one upstream
                strongest[key] = (p, root, _path(before, key))
    return {key: Reached(key, 1 - missed[key], root, via) for key, (_, root, via) in strongest.items()}


def _surest(graph: Graph, start: str, same: Callable[[str], bool]) -> tuple[dict[str, float], dict[str, str]]:
    """The product of the edges along the surest path to each node, and the node before it on that path."""
    found: dict[str, float] = {}
    before: dict[str, str] = {}
    ahead: list[tuple[float, int, str, str | None]] = [(-1.0, 0, start, None)]
    while ahead:
        negative, steps, key, came_from = heapq.heappop(ahead)
        if key in found:
            continue
        found[key] = -negative
        if came_from is not None:
            before[key] = came_from
        for edge in graph.outgoing.get(key, ()):
            if edge.target not in found and not same(edge.target):
                heapq.heappush(ahead, (negative * edge_weight(edge), steps + 1, edge.target, key))
    return found, before


def _path(before: Mapping[str, str], key: str) -> tuple[str, ...]:
    path = [key]
    while path[-1] in before:
        path.append(before[path[-1]])
    return tuple(reversed(path))


def paths_to(graph: Graph, reached: Mapping[str, Reached], target: str, limit: int) -> list[tuple[Edge, ...]]:
    """Every path from a root to a node, at most `limit` of them; the empty path if the node is a root itself."""
    incoming: dict[str, dict[str, Edge]] = {}
    for edge in graph.edges:
        if edge.source in reached and edge.target in reached:
            known = incoming.setdefault(edge.target, {}).get(edge.source)
            if known is None or edge_weight(known) < edge_weight(edge):
                incoming[edge.target][edge.source] = edge
    roots = {item.root.id for item in reached.values()} | {key for key, item in reached.items() if len(item.via) == 1}
    found: list[tuple[Edge, ...]] = []
    waiting: list[tuple[str, tuple[Edge, ...]]] = [(target, ())]
    while waiting and len(found) < limit:
        key, after = waiting.pop()  # depth first: each way back ends at a root, so that this finds some at once
        if key in roots:
            found.append(after)
        passed = {edge.target for edge in after}
        for source, edge in sorted(incoming.get(key, {}).items(), reverse=True):
            if source not in passed and source != key:
                waiting.append((source, (edge, *after)))
    return sorted(found, key=len)
