"""Where the nodes of a large graph stand: layers from left to right, each folded into as many columns as keep the picture in shape.

Graphviz' own ranks make a ribbon of a thousand nodes, ten times as tall as wide. Within a layer the order follows the neighbours (the
barycentre heuristic of Sugiyama, Tagawa and Toda, 1981, Methods for Visual Understanding of Hierarchical System Structures).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

__all__ = ["SHAPE", "places"]

SHAPE = 1.5  # width over height that is aimed at
_SWEEPS = 4
Ahead = Mapping[str, Sequence[str]]


def places(
    nodes: Mapping[str, int], edges: Iterable[tuple[str, str]], widths: Mapping[str, float], height: float
) -> dict[str, tuple[float, float]]:
    """The place of the middle of each node, for rows of a height and columns as wide as the widest in them; x to the right, y upwards.

    `nodes` gives each its group: those of a lower one stand further to the left.

    >>> places({"a": 0, "b": 1, "c": 1}, [("a", "b"), ("a", "c")], {"a": 2, "b": 4, "c": 1}, 1)
    {'a': (1.0, 0.0), 'b': (4.0, 0.5), 'c': (4.0, -0.5)}
    """
    pairs = [pair for pair in dict.fromkeys(edges) if pair[0] != pair[1]]
    after, before = _neighbours(nodes, pairs), _neighbours(nodes, [(target, source) for source, target in pairs])
    layers = _ordered(_grouped(nodes, before, after), before, after)
    rows = _rows([[widths[key] for key in layer] for layer in layers], height)
    found: dict[str, tuple[float, float]] = {}
    left = 0.0
    for layer in layers:
        columns = -(-len(layer) // rows)
        deep = -(-len(layer) // columns)
        for inside in range(columns):
            column = layer[inside::columns]
            wide = max(widths[key] for key in column)
            shift = inside / columns  # columns side by side are staggered, so that lines pass between the boxes
            found |= {key: (left + wide / 2, ((deep - 1) / 2 - row - shift) * height) for row, key in enumerate(column)}
            left += wide
    return found


def _grouped(nodes: Mapping[str, int], before: Ahead, after: Ahead) -> list[list[str]]:
    """The layers of each group, one group after the other."""
    layers = []
    for group in sorted(set(nodes.values())):
        mine = {key for key, number in nodes.items() if number == group}
        inside = [{key: [other for other in side[key] if other in mine] for key in mine} for side in (before, after)]
        layers += _layers([key for key in nodes if key in mine], *inside)
    return layers


def _neighbours(nodes: Iterable[str], pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {key: [] for key in nodes}
    for one, other in pairs:
        found[one].append(other)
    return found


def _layers(nodes: Sequence[str], before: Ahead, after: Ahead) -> list[list[str]]:
    """Each node one layer behind the last of those that it is made of; what goes in a circle comes at the end."""
    left = {key: len(before[key]) for key in nodes}
    front = [key for key in nodes if not left[key]]
    layers = []
    while front:
        layers.append(front)
        ahead = []
        for key in front:
            for other in after[key]:
                left[other] -= 1
                if not left[other]:
                    ahead.append(other)
        front = ahead
    seen = {key for layer in layers for key in layer}
    rest = [key for key in nodes if key not in seen]
    return [*layers, rest] if rest else layers


def _ordered(layers: list[list[str]], before: Ahead, after: Ahead) -> list[list[str]]:
    """The layers sorted by the mean place of what stands before, then after, several times."""
    where = {key: (number + 0.5) / len(layer) for layer in layers for number, key in enumerate(layer)}
    for sweep in range(_SWEEPS):
        side = after if sweep % 2 else before
        for layer in reversed(layers) if sweep % 2 else layers:
            wanted = {key: _mean([where[other] for other in side[key]], where[key]) for key in layer}
            layer.sort(key=lambda key: (wanted[key], key))
            where |= {key: (number + 0.5) / len(layer) for number, key in enumerate(layer)}
    return layers


def _mean(values: list[float], default: float) -> float:
    return sum(values) / len(values) if values else default


def _rows(layers: Sequence[Sequence[float]], height: float) -> int:
    """The fewest rows with which the picture is not wider than it should be; a layer is the widths of its nodes."""
    widest = [(len(layer), max(layer)) for layer in layers]
    most = max((size for size, _ in widest), default=1)
    rows = 1
    while rows < most and sum(-(-size // rows) * width for size, width in widest) > SHAPE * rows * height:
        rows += 1
    return rows
