"""How much metrics move: in total, by point, and where most of it happens."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from metricsctl.core.timegrid import WHOLE, Grain
from metricsctl.impact.sample.report import Move, Segment
from metricsctl.impact.sample.side import Points, Side

__all__ = ["Comparison", "Place", "differing", "equal"]

Place = tuple[int, tuple[str | None, ...]]
"""A point: the start of its window, and its dimensions."""

_REL, _ABS = 1e-9, 1e-12  # sums in another order differ by so much


def equal(base: float | None, head: float | None) -> bool:
    """Whether two values are the same number, or both absent."""
    if base is None or head is None:
        return base is head
    return math.isclose(base, head, rel_tol=_REL, abs_tol=_ABS)


def differing(base: Points, head: Points) -> list[Place]:
    """Where two sets of points are not equal, in the order of time."""
    found = (place for place in base.keys() | head.keys() if not equal(base.get(place), head.get(place)))
    return sorted(found, key=lambda item: (item[0], [(part is not None, part or "") for part in item[1]]))


def _change(base: float | None, head: float | None) -> float | None:
    """The relative change; None where there is no old value to relate it to."""
    return None if base is None or head is None or base == 0 else (head - base) / abs(base)


class Comparison:
    """Two sides that have read the same events."""

    def __init__(self, base: Side, head: Side) -> None:
        self.base = base
        self.head = head

    def common(self, metric: str) -> tuple[str, ...]:
        """The dimensions that a metric has on both sides."""
        there = set(self.base.dimensions(metric))
        return tuple(name for name in self.head.dimensions(metric) if name in there)

    def grain(self, metric: str) -> Grain:
        """The finest grain that both sides have."""
        return max(self.base.grain(metric), self.head.grain(metric), key=lambda grain: grain.microseconds)

    def moves(self, metrics: Sequence[str], places: Mapping[str, tuple[list[Place], int]]) -> list[Move]:
        """What became of metrics that both sides compute; `places` as below."""
        totals = self.pairs([name for name in metrics if self.base.has_total(name) and self.head.has_total(name)], ())
        changed = [name for name in metrics if places.get(name, ([], 0))[0]]
        segments = self._segments([name for name in changed if name in totals])
        return [self._move(name, places, totals, segments) for name in metrics]

    def places(self, metrics: Sequence[str]) -> dict[str, tuple[list[Place], int]]:
        """Of each metric the points that differ, by time and all its dimensions, and how many points there are."""
        groups: dict[tuple[tuple[str, ...], Grain], list[str]] = {}
        for name in metrics:
            groups.setdefault((self.common(name), self.grain(name)), []).append(name)
        found = {}
        for (by, grain), names in groups.items():
            for name, (base, head) in self.pairs(names, by, grain).items():
                found[name] = (differing(base, head), len(base.keys() | head.keys()))
        return found

    def pairs(self, metrics: Sequence[str], by: Sequence[str], grain: Grain = WHOLE) -> dict[str, tuple[Points, Points]]:
        """What both sides give, of the metrics that both can compute."""
        if not metrics:
            return {}
        base, head = self.base.points(metrics, by, grain), self.head.points(metrics, by, grain)
        return {name: (base[name], head[name]) for name in metrics if name in base and name in head}

    def _segments(self, metrics: Sequence[str]) -> dict[str, Segment]:
        """Of each metric the dimension that tells best where it moves."""
        wanted: dict[str, list[str]] = {}
        for name in metrics:
            for dimension in self.common(name):
                wanted.setdefault(dimension, []).append(name)
        found: dict[str, list[tuple[float, Segment]]] = {}
        for dimension, names in wanted.items():
            for name, (base, head) in self.pairs(names, (dimension,)).items():
                if (rated := _segment(dimension, base, head)) is not None:
                    found.setdefault(name, []).append(rated)
        return {name: min(rated, key=lambda item: item[0])[1] for name, rated in found.items()}

    def _move(
        self,
        name: str,
        places: Mapping[str, tuple[list[Place], int]],
        totals: dict[str, tuple[Points, Points]],
        segments: dict[str, Segment],
    ) -> Move:
        key = f"metric:{name}"
        if name not in places:
            return Move(key, name, "not-computed", reason=self.head.reason(name) or self.base.reason(name) or "it has no points")
        where, windows = places[name]
        base, head = (next(iter(points.values()), None) for points in totals.get(name, ({}, {})))
        if not where:
            return Move(key, name, "no-difference", base, head, windows=windows)
        if equal(base, head):
            head = base
        change, segment = _change(base, head), segments.get(name)
        if segment is not None and segment.others == segment.of and equal(segment.change, change):
            segment = None  # all move alike
        return Move(key, name, "moved", base, head, change, windows, len(where), segment)


def _segment(dimension: str, base: Points, head: Points) -> tuple[float, Segment] | None:
    """The value of a dimension that moves most, rated by the share of the values that move: few tell best where."""
    keys = sorted({key for _, key in base.keys() | head.keys()}, key=lambda key: (key[0] is not None, key[0] or ""))
    old, new = ({key: value for (_, key), value in points.items()} for points in (base, head))
    moved = [key for key in keys if not equal(old.get(key), new.get(key))]
    if len(keys) < 2 or not moved:
        return None
    most = max(moved, key=lambda key: abs((new.get(key) or 0.0) - (old.get(key) or 0.0)))
    before, after, others = old.get(most), new.get(most), len(keys) - 1
    return (len(moved) - 1) / others, Segment(dimension, most[0], before, after, _change(before, after), len(moved) - 1, others)
