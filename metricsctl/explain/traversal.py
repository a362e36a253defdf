"""From a symptom upstream through what moved: where the blame comes to rest."""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Mapping, Sequence

__all__ = ["blame", "likely"]

Node = Hashable
_MOVED = 3.0  # standard deviations at which a move is as likely as not
_SHARP = 1.5
_LEAK = 0.03  # chance that a node moved although nothing is seen of it
_LEAST = 1e-9


def likely(strength: float) -> float:
    """How likely it is that a node moved, from its strength in standard deviations.

    >>> likely(3.0), round(likely(9.0), 3)
    (0.5, 1.0)
    """
    return 1 / (1 + math.exp(-_SHARP * max(min(strength, 50.0) - _MOVED, -20.0)))


def blame(
    causes: Mapping[Node, Sequence[Node]], strength: Mapping[Node, float], target: Node, order: Sequence[Node], late: Collection[Node] = ()
) -> dict[Node, float]:
    """How blame that begins at `target` is shared out; the shares add up to 1.

    At each node, what is blamed stays with the probability that none of its causes moved, and else goes on to them in proportion to how
    likely and how far they moved. So it comes to rest where something moved for no reason that is seen: at the origin, not at the largest
    score. Causes without numbers (not in `strength`) are walked through. `late`: nodes that moved after their effects, which are no
    cause. What still goes round in a cycle after as many steps as there are nodes is shared out by strength. All sums are taken in the
    `order` of nodes, so the result does not depend on how the graph was given.
    """
    seen = {node: _seen(node, causes, strength, order) for node in order if node in strength or node == target}
    found = dict.fromkeys(seen, 0.0)
    visited = dict.fromkeys(seen, 0.0)
    moving = {target: 1.0}
    for step in range(2 * len(order)):
        ahead: dict[Node, list[float]] = {}
        for node in (item for item in order if item in moving):
            chances = [(other, 0.0 if other in late else max(likely(strength[other]), _leak(strength[other]))) for other in seen[node]]
            stays = math.prod(1 - chance for _, chance in chances)
            weights = [(other, chance * math.log1p(strength[other])) for other, chance in chances]
            whole = math.fsum(weight for _, weight in weights)
            goes = moving[node] * (1 - stays) if whole > 0 else 0.0
            found[node] += moving[node] - goes
            visited[node] += goes * strength.get(node, 0.0) if step >= len(order) else 0.0
            for other, weight in weights:
                if goes * weight > 0:
                    ahead.setdefault(other, []).append(goes * weight / whole)
        moving = {node: math.fsum(parts) for node, parts in ahead.items()}
        if math.fsum(moving.values()) < _LEAST:
            return found
    left, whole = math.fsum(moving.values()), math.fsum(visited.values())
    return {node: share + (left * visited[node] / whole if whole else 0.0) for node, share in found.items()}


def _leak(strength: float) -> float:
    return _LEAK * min(strength / _MOVED, 1.0)


def _seen(node: Node, causes: Mapping[Node, Sequence[Node]], strength: Mapping[Node, float], order: Sequence[Node]) -> tuple[Node, ...]:
    """The nearest causes that have numbers."""
    found: set[Node] = set()
    ahead, known = list(causes.get(node, ())), {node}
    while ahead:
        other = ahead.pop()
        if other in known:
            continue
        known.add(other)
        if other in strength:
            found.add(other)
        else:
            ahead.extend(causes.get(other, ()))
    return tuple(item for item in order if item in found)
