"""What passes a change on to what, as people draw it: columns left out, and what follows from the rest."""

from __future__ import annotations

from collections.abc import Mapping

from metricsctl.impact.parts import Link
from metricsctl.impact.reach import Graph, Reached
from metricsctl.lineage.nodes import NodeKind

__all__ = ["links_between"]

_HIDDEN = {NodeKind.COLUMN, NodeKind.DIMENSION}


def links_between(graph: Graph, reached: Mapping[str, Reached]) -> tuple[Link, ...]:
    """The links between changed nodes and all that is reached but columns; one that a longer way says too is left out."""
    roots = {item.via[0] for item in reached.values()}
    shown = {key for key in reached if key in roots or graph.nodes[key].kind not in _HIDDEN}
    ahead = {key: [edge.target for edge in graph.outgoing.get(key, ()) if edge.target in reached] for key in reached}
    direct = {key: _next_shown(key, ahead, shown) for key in shown}
    links = []
    for key, targets in direct.items():
        implied = set[str]().union(*(_beyond(target, direct, key) for target in targets))
        links += [Link(key, target) for target in targets - implied]
    return tuple(sorted(links, key=lambda link: (link.source, link.target)))


def _next_shown(start: str, ahead: Mapping[str, list[str]], shown: set[str]) -> set[str]:
    """The shown nodes that a node passes the change on to, through hidden ones."""
    found, seen, waiting = set[str](), {start}, [start]
    while waiting:
        for key in ahead[waiting.pop()]:
            if key in seen:
                continue
            seen.add(key)
            if key in shown:
                found.add(key)
            else:
                waiting.append(key)
    return found


def _beyond(start: str, direct: Mapping[str, set[str]], without: str) -> set[str]:
    """What lies behind a node, itself left out, on ways that do not go through `without`."""
    seen, waiting = {start, without}, [start]
    while waiting:
        for key in direct[waiting.pop()] - seen:
            seen.add(key)
            waiting.append(key)
    return seen - {start, without}
