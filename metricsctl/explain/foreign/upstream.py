"""`explain.upstream`: which node of a directed graph a symptom comes from."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

from metricsctl.core.errors import UnknownName
from metricsctl.explain.foreign.frames import Edges, Signal, causes_of, order_of, place_of, signals
from metricsctl.explain.shift import Shift, settled, shift_of
from metricsctl.explain.traversal import blame, likely

__all__ = ["NodeData", "RankedNode", "Upstream", "UpstreamData", "upstream"]

Node = Hashable
_LATE = 0.1  # of the time after the onset: so much later than the symptom a node is no cause of it
_APART = 0.01  # weight of a node that moved, but that nothing leads to
_CLEAR = 0.5  # likelihood of a move from which on it is said that a node moved


class NodeData(TypedDict):
    """A ranked node in JSON."""

    node: Any
    score: float
    reason: str


class UpstreamData(TypedDict):
    """The result in JSON."""

    ranked: list[NodeData]


@dataclass(frozen=True, slots=True)
class RankedNode:
    """A node with its share of the blame (`score`; those that the target depends on add up to 1), and the reason in words.

    `strength`: by how many robust standard deviations its worst series moved in a direction that can be blamed; None without numbers.
    """

    node: Node
    score: float
    reason: str
    strength: float | None = None


@dataclass(frozen=True, slots=True)
class Upstream:
    """The nodes, most blamed first. `not_seen`: nodes that the target depends on of which there are no numbers."""

    ranked: tuple[RankedNode, ...]
    not_seen: tuple[Node, ...] = ()

    def to_dict(self) -> UpstreamData:
        """Plain data."""
        return {"ranked": [{"node": item.node, "score": item.score, "reason": item.reason} for item in self.ranked]}


@dataclass(frozen=True, slots=True)
class _Worst:
    """The series of a node that moved most in a direction that can be blamed."""

    name: str
    strength: float
    rose: bool
    start: float | None
    better: bool


def upstream(
    graph: Any, series: Any, target: Node, onset: Any, *, edges: Edges = "cause-effect", good: Mapping[Any, Any] | None = None
) -> Upstream:
    """Rank the nodes that can be the origin of what is seen at `target`.

    Parameters
    ----------
    graph
        A networkx DiGraph, a mapping node -> successors, or pairs (from, to). Cycles are allowed.
    series
        A frame with one column a node (or two levels of columns: node, name), or a mapping node -> Series, frame, mapping name -> Series,
        or pair (Series, mark). The index is time. Points, series and nodes may be missing.
    target
        The node with the symptom.
    onset
        When it began, as in the index; up to a twentieth of the window wrong is no matter.
    edges
        What an edge a -> b means: "cause-effect" (a is an input of b) or "caller-callee" (a calls b, so trouble comes from b).
    good
        "good-up", "good-down" or "unknown" by (node, name), node or name of the series: a node that only got better is not to blame.

    The walk is that of `metricsctl.explain.traversal.blame`, on the shifts of `metricsctl.explain.shift.shift_of`.

    Raises
    ------
    UnknownName
        `target` is not in the graph.
    UsageError
        Something that is no graph, no series or no time.
    """
    causes = causes_of(graph, edges)
    if target not in causes:
        raise UnknownName.of("node", str(target), [str(node) for node in causes])
    order, reach, given = list(causes), _reach(causes, target), signals(series, good)
    time = settled(((signal.times, signal.values) for node in order if node in reach for signal in given.get(node, ())), place_of(onset))
    moves = {node: _worst(found, time) for node, found in given.items() if node in causes}
    known = {node: move for node, move in moves.items() if move is not None}
    strength = {node: move.strength for node, move in known.items()}
    late = _late(known, target, given, time)
    shares = blame(causes, strength, target, order, late)
    ranked = [
        RankedNode(
            node,
            shares.get(node, 0.0) + _apart(node, reach, strength),
            _reason(node, known, causes, late, target, reach),
            strength.get(node),
        )
        for node in order
        if node in strength or node == target
    ]
    ranked.sort(key=lambda item: (-round(item.score, 12), -(item.strength or 0.0), order_of(item.node)))
    return Upstream(tuple(ranked), tuple(node for node in order if node in reach and node not in strength))


def _worst(found: tuple[Signal, ...], onset: float) -> _Worst | None:
    """The blamable move of a node; None if none of its series says anything."""
    moves = [(signal, shift) for signal in found if (shift := shift_of(signal.times, signal.values, onset)) is not None]
    if not moves:
        return None
    sides = [side for signal, shift in moves for side in _blamable(signal, shift)]
    improved = max(max(shift.up, shift.down) for _, shift in moves)
    best = max(sides, key=lambda item: (item.strength, item.name, item.rose))
    return _Worst(best.name, best.strength, best.rose, best.start, better=likely(best.strength) < _CLEAR <= likely(improved))


def _blamable(signal: Signal, shift: Shift) -> list[_Worst]:
    up = _Worst(signal.name, shift.up, rose=True, start=shift.start, better=False)
    down = _Worst(signal.name, shift.down, rose=False, start=shift.start, better=False)
    return {"good-up": [down], "good-down": [up], "unknown": [up, down]}[signal.mark]


def _late(known: Mapping[Node, _Worst], target: Node, found: Mapping[Node, tuple[Signal, ...]], onset: float) -> frozenset[Node]:
    """Nodes that moved so long after the target that they are no cause of it."""
    mine = known.get(target)
    if mine is None or mine.start is None or likely(mine.strength) < _CLEAR:
        return frozenset()
    end = max(float(signal.times[-1]) for signal in found[target])
    limit = max(mine.start, onset) + _LATE * (end - onset)
    return frozenset(node for node, move in known.items() if node != target and move.start is not None and move.start > limit)


def _reach(causes: Mapping[Node, tuple[Node, ...]], target: Node) -> frozenset[Node]:
    """The target and all that it depends on."""
    found, ahead = {target}, [target]
    while ahead:
        new = set(causes[ahead.pop()]) - found
        found |= new
        ahead.extend(new)
    return frozenset(found)


def _apart(node: Node, reach: frozenset[Node], strength: Mapping[Node, float]) -> float:
    """What a node gets for having moved at all: enough to order those that no blame reaches, those in reach first."""
    return _APART * likely(strength.get(node, 0.0)) * (1.0 if node in reach else 0.1) * min(strength.get(node, 0.0), 50.0) / 50.0


def _reason(
    node: Node,
    known: Mapping[Node, _Worst],
    causes: Mapping[Node, tuple[Node, ...]],
    late: frozenset[Node],
    target: Node,
    reach: frozenset[Node],
) -> str:
    move = known.get(node)
    if move is None:
        return "no numbers around the onset"
    if move.better:
        return "it moved for the better only"
    if likely(move.strength) < _CLEAR:
        return f"nothing out of the ordinary ({move.strength:.1f} standard deviations)"
    said = f"{move.name} {'rose' if move.rose else 'fell'} by {move.strength:.1f} standard deviations"
    if node not in reach:
        return f"{said}, but '{target}' does not depend on it"
    if node in late:
        return f"{said}, but only after '{target}'"
    behind = [str(other) for other in causes[node] if other in known and other not in late and likely(known[other].strength) >= _CLEAR]
    return f"{said}; so did what it depends on: {', '.join(behind[:3])}" if behind else f"{said}, and nothing that it depends on did"
