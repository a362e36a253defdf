"""From names on a command line to nodes of the graph."""

from __future__ import annotations

from collections.abc import Sequence

from metricsctl.core.errors import UnknownName, UsageError
from metricsctl.lineage.graph import LineageGraph
from metricsctl.lineage.nodes import Node, NodeKind, node_id

__all__ = ["select", "select_column"]

_KINDS = {kind.value for kind in NodeKind}


def select(graph: LineageGraph, names: Sequence[str]) -> tuple[str, ...]:
    """The ids of the nodes that `names` mean, each once, in the order asked.

    A name is bare (`revenue`, `ad_log.country`) or typed (`metric:revenue`, `column:ad_log.country`). UnknownName if there is none;
    UsageError if a bare name means several.
    """
    return tuple(dict.fromkeys(_one(graph, name) for name in names))


def _one(graph: LineageGraph, name: str) -> str:
    typed = ":" in name and name.partition(":")[0] in _KINDS
    found = [key for key in ([name] if typed else [node_id(kind, name) for kind in NodeKind]) if key in graph.nodes]
    if not found:
        raise _unknown(graph, name, typed=typed)
    if len(found) > 1:
        raise UsageError(f"'{name}' is ambiguous", hint="say " + " or ".join(found))
    return found[0]


def _unknown(graph: LineageGraph, name: str, *, typed: bool) -> UnknownName:
    left_out = next((item for key, item in graph.skipped.items() if name in {key, item.name}), None)
    if left_out is not None:
        message = f"{left_out.kind} '{left_out.name}' is left out: {left_out.reason}"
        return UnknownName(message, span=left_out.span, hint="run `metricsctl lint`")
    if typed:
        kind, _, rest = name.partition(":")
        return UnknownName.of(kind, rest, (node.name for node in graph.nodes.values() if node.kind.value == kind))
    return UnknownName.of("node", name, _bare_names(graph, name))


def _bare_names(graph: LineageGraph, name: str) -> list[str]:
    """What a bare name could have been: columns only for one with a dot."""
    return [node.name for node in graph.nodes.values() if (node.kind is NodeKind.COLUMN) == ("." in name)]


def select_column(graph: LineageGraph, column: str, nodes: Sequence[Node]) -> tuple[str, ...]:
    """The ids of the columns called `column` (bare, or `table.column`) in the sources and models among `nodes`, else in any.

    UnknownName if there is none.
    """
    columns = [node for node in graph.nodes.values() if node.kind is NodeKind.COLUMN]
    within = {node.id for node in nodes if node.kind in {NodeKind.SOURCE, NodeKind.MODEL}}
    if within:
        columns = [node for node in columns if node.parent in within]
    found = tuple(node.id for node in columns if column in {node.name, _last(node)})
    if not found:
        raise UnknownName.of("column", column, {_last(node) for node in columns})
    return found


def _last(node: Node) -> str:
    return node.name.partition(".")[2]
