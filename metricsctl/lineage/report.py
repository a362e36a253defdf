"""Lineage as a result: the part of the graph that was asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from metricsctl.core.diagnostics import Diagnostic
from metricsctl.core.errors import UsageError
from metricsctl.lineage.graph import Coverage, LineageGraph
from metricsctl.lineage.kinds import EdgeKind, strongest
from metricsctl.lineage.nodes import Edge, Node, NodeKind
from metricsctl.lineage.select import Reach, Selected, select, select_column

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Direction", "LineageReport", "trace", "usual_reach"]

Direction = Literal["both", "upstream", "downstream"]
_TABLES = {NodeKind.SOURCE, NodeKind.MODEL, NodeKind.METRIC, NodeKind.EXPOSURE}
_RELATIONS = {NodeKind.SOURCE, NodeKind.MODEL}


@dataclass(frozen=True, slots=True)
class LineageReport:
    """Nodes by layer and name, and the edges between them.

    `asked` are the ids of the nodes in question (none: the whole graph), `depth` how many steps from them. `columns` says whether columns
    and shared dimensions are shown, or only what reads what. `coverage` is that of the models shown. `ways` are the ends of the edges that
    lead to or from what was asked for, where more than those is shown, or between the two ends of a path.
    """

    name: ClassVar[str] = "lineage"
    version: ClassVar[int] = 1
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    asked: tuple[str, ...]
    direction: Direction
    depth: int | None
    columns: bool
    coverage: Coverage
    ways: tuple[tuple[str, str], ...] = ()

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """None: what cannot be traced exactly is in `coverage` and in each edge's confidence."""
        return ()

    @property
    def stats(self) -> Mapping[str, Any]:
        """How many nodes and edges there are."""
        return {"nodes": len(self.nodes), "edges": len(self.edges)}

    def to_dict(self) -> dict[str, Any]:
        """The graph as plain data."""
        return {field: getattr(self, field) for field in self.__slots__}

    def to_pandas(self) -> pd.DataFrame:
        """A row for each edge: source, target, kind, confidence."""
        import pandas as pd

        rows = [(edge.source, edge.target, edge.kind.value, edge.confidence) for edge in self.edges]
        return pd.DataFrame(rows, columns=["source", "target", "kind", "confidence"])

    def _repr_html_(self) -> str:
        from metricsctl.core.html import drawing, paragraph, table

        draw = drawing(self.name)
        if draw is not None:
            return draw(self)
        return table(("from", "to", "how"), self.edges, lambda edge: (edge.source, edge.target, edge.kind.value)) or paragraph("no edges")


def trace(
    graph: LineageGraph,
    nodes: Sequence[str] = (),
    *,
    direction: Direction = "both",
    depth: int | None = None,
    columns: bool = False,
    column: str | None = None,
    path: tuple[str, str] | None = None,
    whole: bool = False,
) -> LineageReport:
    """What `nodes` are made of (upstream), what is made of them (downstream), or both; without nodes the whole graph.

    Parameters
    ----------
    nodes
        Words as in `metricsctl.lineage.select.select`; one with a plus says itself how far to look, for the others `direction` and `depth`
        do.
    columns
        Show columns and shared dimensions too.
    column
        Follow one column: that of the sources and models among `nodes`, else every column of that name, and of the metrics and exposures
        among `nodes` only what it reaches or is made of.
    path
        Two nodes: only the ways from the first to the second.
    whole
        Show the whole graph, in which the ways of what was asked for stand out.

    Raises UnknownName, and UsageError for a name that means several nodes, a depth below 0, or two nodes that no way joins.
    """
    if depth is not None and depth < 0:
        raise UsageError("the depth cannot be negative", hint="--depth 1 shows the direct neighbours")
    selected = select(graph, path or nodes)
    asked = tuple(item.id for item in selected)
    fine = columns or column is not None or any(graph.nodes[key].kind not in _TABLES for key in asked)
    through: tuple[str, ...] = ()
    if column is not None:
        through = select_column(graph, column, [graph.nodes[key] for key in asked])
        rest = tuple(key for key in asked if graph.nodes[key].kind not in _RELATIONS)
        asked, through = (rest, through) if rest else (through, ())
        selected = tuple(Selected(key, None) for key in asked)
    every = _fine_edges(graph, asked) if fine else _coarse_edges(graph)
    edges = _passing(every, through) if through else every
    if path is not None:
        sides = [_between(edges, selected, path, graph, fine=fine)]
    else:
        sides = _sides(graph, edges, selected, usual_reach(direction, depth), fine=fine)
    ways = tuple({ends: None for edge in edges if any(set(ends := (edge.source, edge.target)) <= side for side in sides)})
    if not asked or whole:
        sides = [{key for key, node in graph.nodes.items() if fine or node.kind in _TABLES}]
        edges = every
    shown = tuple(edge for edge in edges if any(edge.source in side and edge.target in side for side in sides))
    kept = sorted((graph.nodes[key] for key in set[str]().union(*sides)), key=lambda node: node.sort_key)
    marked = ways if asked and (whole or path is not None) else ()
    models = dict.fromkeys(node.parent or node.id for node in kept)
    coverage = Coverage.of(graph.covered[key] for key in models if key in graph.covered)
    return LineageReport(tuple(kept), shown, asked, "downstream" if path else direction, depth, fine, coverage, marked)


def usual_reach(direction: Direction, depth: int | None) -> Reach:
    """How far to look around a node of which the word does not say so."""
    return Reach(0 if direction == "downstream" else depth, 0 if direction == "upstream" else depth)


def _between(edges: Sequence[Edge], ends: Sequence[Selected], path: tuple[str, str], graph: LineageGraph, *, fine: bool) -> set[str]:
    """All nodes on ways from one of the nodes that the first word means to one of those of the second."""
    first = {item.id for item in select(graph, path[:1])}
    last = {item.id for item in ends if item.id not in first} or first
    starts, goals = (set(_with_columns(graph, list(some))) if fine else some for some in (first, last))
    after = _reach(starts, [(edge.source, edge.target) for edge in edges], None)
    before = _reach(goals, [(edge.target, edge.source) for edge in edges], None)
    found = after & before
    if not found:
        turned = _reach(goals, [(edge.source, edge.target) for edge in edges], None) & starts
        hint = f"there is one the other way: --path {path[1]} {path[0]}" if turned else "`metricsctl lineage` shows what feeds what"
        raise UsageError(f"no way leads from {path[0]} to {path[1]}", hint=hint)
    return found | first | last


def _coarse_edges(graph: LineageGraph) -> tuple[Edge, ...]:
    """The edges between tables, metrics and exposures; each of the kind that the columns beneath it give it."""
    kinds: dict[tuple[str, str], set[EdgeKind]] = {}
    for edge in graph.edges:
        ends = _owner(graph, edge.source), _owner(graph, edge.target)
        kinds.setdefault(ends, set()).add(edge.kind)
    found = {
        (edge.source, edge.target): replace(edge, kind=strongest(kinds[edge.source, edge.target]))
        for edge in graph.edges
        if graph.nodes[edge.source].kind in _TABLES and graph.nodes[edge.target].kind in _TABLES
    }
    return tuple(found.values())


def _owner(graph: LineageGraph, key: str) -> str:
    return graph.nodes[key].parent or key


def _fine_edges(graph: LineageGraph, asked: Iterable[str]) -> tuple[Edge, ...]:
    """All edges but those from a table to its own columns, which tie everything to everything; they stay about the nodes asked for.

    Nothing is lost: what reads a column has an edge from its table as well.
    """
    roots = set(asked)

    def says_something(edge: Edge) -> bool:
        if graph.nodes[edge.target].parent != edge.source:
            return True
        return edge.source in roots or edge.target in roots or (not roots and graph.nodes[edge.source].kind is NodeKind.SOURCE)

    return tuple(edge for edge in graph.edges if says_something(edge))


def _passing(edges: Sequence[Edge], through: Iterable[str]) -> tuple[Edge, ...]:
    """The edges on a path through one of some nodes."""
    after = _reach(through, [(edge.source, edge.target) for edge in edges], None)
    before = _reach(through, [(edge.target, edge.source) for edge in edges], None)
    return tuple(edge for edge in edges if {edge.source, edge.target} <= after or {edge.source, edge.target} <= before)


def _with_columns(graph: LineageGraph, asked: Sequence[str]) -> list[str]:
    """The nodes asked for, and the columns of the tables among them."""
    tables = {key for key in asked if graph.nodes[key].kind in _RELATIONS}
    return [*asked, *(node.id for node in graph.nodes.values() if node.parent in tables)]


def _sides(graph: LineageGraph, edges: Sequence[Edge], selected: Sequence[Selected], usual: Reach, *, fine: bool) -> list[set[str]]:
    """What lies downstream, and what lies upstream, as far as it was asked for; the nodes themselves where neither was."""
    ways = ([(edge.source, edge.target) for edge in edges], [(edge.target, edge.source) for edge in edges])
    groups: dict[Reach, list[str]] = {}
    for item in selected:
        groups.setdefault(item.reach or usual, []).append(item.id)
    sides = []
    for reach, keys in groups.items():
        start = _with_columns(graph, keys) if fine else keys
        if reach.down != 0 or reach.up == 0:
            sides.append(_reach(start, ways[0], reach.down))
        if reach.up != 0:
            sides.append(_reach(start, ways[1], reach.up))
    return sides


def _reach(start: Iterable[str], steps: Iterable[tuple[str, str]], depth: int | None) -> set[str]:
    """What can be reached in at most `depth` steps, the start included."""
    ahead: dict[str, list[str]] = {}
    for before, after in steps:
        ahead.setdefault(before, []).append(after)
    seen = set(start)
    front = list(seen)
    while front and (depth is None or depth > 0):
        front = list({after for before in front for after in ahead.get(before, ())} - seen)
        seen.update(front)
        depth = None if depth is None else depth - 1
    return seen
