"""`explain.changes`: which change moved the numbers that it reaches."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np

from metricsctl.core.errors import UsageError
from metricsctl.explain.foreign.frames import Edges, causes_of, order_of, place_of, signals
from metricsctl.explain.steps import Steps, steps_of

__all__ = ["ChangeData", "Changes", "ChangesData", "RankedChange", "changes"]

Node = Hashable
_NOBODY = 0.5  # prior chance that the reason is none of the changes
_HITS = 0.6  # chance that a change moves a number that it reaches
_LATE = 0.05  # of the window: how much later than the onset a change may be, for the onset may be wrong
_NEAR = 0.1  # of the window: the time before the onset in which a change becomes less plausible by a factor e
_AFTER = 1e-3
_MOVED = 3.0  # nats


class ChangeData(TypedDict):
    """A ranked change in JSON."""

    change: Any
    score: float
    reason: str


class ChangesData(TypedDict):
    """The result in JSON; `nobody`: the probability that it was none of them."""

    ranked: list[ChangeData]
    nobody: float


@dataclass(frozen=True, slots=True)
class RankedChange:
    """A change by its id with its probability of being the reason (`score`), and why."""

    change: Any
    score: float
    reason: str


@dataclass(frozen=True, slots=True)
class Changes:
    """The changes, the most probable first; all scores and `nobody` add up to 1."""

    ranked: tuple[RankedChange, ...]
    nobody: float

    def to_dict(self) -> ChangesData:
        """Plain data."""
        return {
            "ranked": [{"change": item.change, "score": item.score, "reason": item.reason} for item in self.ranked],
            "nobody": self.nobody,
        }


@dataclass(frozen=True, slots=True)
class _Change:
    id: Any
    time: float
    nodes: tuple[Node, ...]


def changes(changes: Any, graph: Any, series: Any, onset: Any = None, *, edges: Edges = "cause-effect") -> Changes:
    """Rank changes by how probably each is the reason for what the series did.

    Each change is a hypothesis: the numbers that it reaches stepped at its time (each with a chance of 0.6), those that it does not
    reach did not. The evidence is that of `metricsctl.explain.steps.steps_of`; the prior falls with the time before the onset, and is a
    thousandth for changes after it. "None of them" is a hypothesis too, with a prior of one half.

    Parameters
    ----------
    changes
        A frame, or an iterable of mappings or objects, with `id`, `time` and what was changed: `node`, `nodes` or `service`.
    graph, series, edges
        As `upstream` takes them.
    onset
        When it began, as in the index of the series; None if that is not known.

    Raises
    ------
    UsageError
        A change without a time or a node, or something that is no graph, no series or no time.
    """
    causes = causes_of(graph, edges)
    steps = {
        node: tuple(step for signal in found if (step := steps_of(signal.times, signal.values)) is not None)
        for node, found in signals(series, None).items()
    }
    known = sorted((_change(item) for item in _items(changes)), key=lambda item: (order_of(item.id), item.time))
    if not known:
        return Changes((), 1.0)
    spans = [(step.times[0], step.times[-1]) for found in steps.values() for step in found]
    window = max((float(end) for _, end in spans), default=1.0) - min((float(start) for start, _ in spans), default=0.0)
    time = None if onset is None else place_of(onset)
    effects = _effects(causes)
    gains, told = [], []
    for item in known:
        reached = _reached(item.nodes, effects)
        gain, moved, of = _gain(item, reached, steps)
        gains.append(gain + _prior(item, time, window))
        told.append(_reason(item, moved, of, time, window))
    scale = math.log(1 - _NOBODY) - float(np.logaddexp.reduce([_prior(item, time, window) for item in known]))
    odds = np.array([*(gain + scale for gain in gains), math.log(_NOBODY)])
    shares = np.exp(odds - np.logaddexp.reduce(odds)).tolist()
    ranked = [RankedChange(item.id, share, why) for item, share, why in zip(known, shares, told, strict=False)]
    ranked.sort(key=lambda item: (-round(item.score, 12), order_of(item.change)))
    return Changes(tuple(ranked), shares[-1])


def _items(given: Any) -> list[Any]:
    if hasattr(given, "to_dict") and hasattr(given, "columns"):
        return list(given.to_dict("records"))
    try:
        return list(given)
    except TypeError as error:
        raise UsageError("changes must be a frame or an iterable", hint="of mappings with id, time and node") from error


def _change(item: Any) -> _Change:
    """One change in any form."""

    def read(name: str) -> Any:
        found = item.get(name) if isinstance(item, Mapping) else getattr(item, name, None)
        return None if isinstance(found, float) and math.isnan(found) else found

    name, time = read("id"), read("time")
    nodes = next((found for key in ("nodes", "node", "service") if (found := read(key)) is not None), None)
    if time is None or nodes is None:
        raise UsageError(
            f"change {name!r} has no {'time' if time is None else 'node'}", hint="each change needs id, time, and node or nodes"
        )
    several = isinstance(nodes, (list, tuple, set, frozenset))
    return _Change(name, place_of(time), tuple(sorted(nodes, key=order_of)) if several else (nodes,))


def _effects(causes: Mapping[Node, tuple[Node, ...]]) -> dict[Node, list[Node]]:
    found: dict[Node, list[Node]] = {node: [] for node in causes}
    for node, before in causes.items():
        for cause in before:
            found[cause].append(node)
    return found


def _reached(nodes: tuple[Node, ...], effects: Mapping[Node, list[Node]]) -> frozenset[Node]:
    found, ahead = set(nodes), list(nodes)
    while ahead:
        new = set(effects.get(ahead.pop(), ())) - found
        found |= new
        ahead.extend(new)
    return frozenset(found)


def _gain(item: _Change, reached: frozenset[Node], steps: Mapping[Node, tuple[Steps, ...]]) -> tuple[float, int, int]:
    """The logarithm of how much better the series fit to a change than to none; how many of the reached ones moved then, of how many."""
    parts, moved, of = [], 0, 0
    for node in sorted(reached & set(steps), key=order_of):
        for step in steps[node]:
            evidence = step.at(item.time)
            of += 1
            if evidence is not None:
                moved += evidence > _MOVED
                parts.append(float(np.logaddexp(math.log(_HITS) + evidence, math.log(1 - _HITS) + step.anytime)) - step.anytime)
    return math.fsum(parts), moved, of


def _prior(item: _Change, onset: float | None, window: float) -> float:
    if onset is None:
        return 0.0
    lag = onset - item.time
    if lag < -_LATE * window:
        return math.log(_AFTER)
    return -max(lag, 0.0) / max(_NEAR * window, 1e-300)


def _reason(item: _Change, moved: int, of: int, onset: float | None, window: float) -> str:
    after = onset is not None and item.time - onset > _LATE * window
    if after:
        return "it came after the onset"
    if not of:
        return "it reaches nothing that has numbers"
    return f"{moved} of the {of} series that it reaches moved at its time"
