"""The lineage graph: nodes, edges and the neighbours of each, upstream and downstream."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from metricsctl.core.diagnostics import Skipped
from metricsctl.definition.project import Project
from metricsctl.lineage.nodes import Edge, Node

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["Coverage", "LineageGraph", "build"]


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many of the models' output columns are traced exactly, weakly (names could not all be qualified), or only to their tables."""

    exact: int = 0
    weak: int = 0
    table: int = 0

    @classmethod
    def of(cls, parts: Iterable[Coverage]) -> Coverage:
        """That of several models together."""
        rows = [(part.exact, part.weak, part.table) for part in parts]
        return cls(*(sum(row[place] for row in rows) for place in range(3)))

    @property
    def total(self) -> int:
        """All output columns; a `*` over an unknown table counts as one."""
        return self.exact + self.weak + self.table

    @property
    def share(self) -> float:
        """The share that is traced exactly, from 0 to 1; 1 where there are no models."""
        return self.exact / self.total if self.total else 1.0

    def __str__(self) -> str:
        """The shares, as in "columns exact 84 %, weak 12 %, table 4 %"; all exact where there are no models."""
        total = self.total or 1
        exact = 100 if self.total == 0 else round(100 * self.exact / total)
        return f"columns exact {exact} %, weak {round(100 * self.weak / total)} %, table {round(100 * self.table / total)} %"


@dataclass(frozen=True)
class LineageGraph:
    """A directed graph from what is read to what is made of it. Several edges of different kinds may join the same two nodes.

    A source or model has an edge to each of its columns; what decides a model's rows (filter, join, group) has an edge to the model.
    `covered` says of each model, by id, how its columns are traced. `skipped` is what the project leaves out, by id. `labels` are what
    nodes can be chosen by, as ("tag", "gold").
    """

    nodes: Mapping[str, Node]
    edges: tuple[Edge, ...]
    covered: Mapping[str, Coverage] = field(default_factory=dict)
    skipped: Mapping[str, Skipped] = field(default_factory=dict)
    labels: Mapping[str, frozenset[tuple[str, str]]] = field(default_factory=dict)

    @functools.cached_property
    def coverage(self) -> Coverage:
        """How the columns of all models are traced."""
        return Coverage.of(self.covered.values())

    @functools.cached_property
    def incoming(self) -> Mapping[str, tuple[Edge, ...]]:
        """The edges that enter each node."""
        return _grouped(self.nodes, ((edge.target, edge) for edge in self.edges))

    @functools.cached_property
    def outgoing(self) -> Mapping[str, tuple[Edge, ...]]:
        """The edges that leave each node."""
        return _grouped(self.nodes, ((edge.source, edge) for edge in self.edges))

    @functools.cached_property
    def network(self) -> nx.DiGraph[str]:
        """The same for networkx: nodes by id with the attribute `node`, edges with the attribute `edges` (all that join the two)."""
        import networkx as nx

        graph: nx.DiGraph[str] = nx.DiGraph()
        graph.add_nodes_from((name, {"node": node}) for name, node in self.nodes.items())
        for edge in self.edges:
            known = graph.get_edge_data(edge.source, edge.target, {"edges": ()})["edges"]
            graph.add_edge(edge.source, edge.target, edges=(*known, edge))
        return graph

    def upstream(self, node: str) -> frozenset[str]:
        """The ids of everything that enters a node, at any distance."""
        return _reached(node, {name: [edge.source for edge in edges] for name, edges in self.incoming.items()})

    def downstream(self, node: str) -> frozenset[str]:
        """The ids of everything that a node enters, at any distance."""
        return _reached(node, {name: [edge.target for edge in edges] for name, edges in self.outgoing.items()})


def build(project: Project) -> LineageGraph:
    """The lineage graph of a project. A reference to something that is not defined gives no edge: `lint` says so."""
    from metricsctl.lineage.build import Builder

    return Builder(project).build()


def _grouped(nodes: Iterable[str], pairs: Iterable[tuple[str, Edge]]) -> dict[str, tuple[Edge, ...]]:
    found: dict[str, list[Edge]] = {name: [] for name in nodes}
    for name, edge in pairs:
        found[name].append(edge)
    return {name: tuple(edges) for name, edges in found.items()}


def _reached(start: str, neighbours: Mapping[str, Iterable[str]]) -> frozenset[str]:
    seen = {start}
    ahead = [start]
    while ahead:
        for name in neighbours[ahead.pop()]:
            if name not in seen:
                seen.add(name)
                ahead.append(name)
    return frozenset(seen - {start})
