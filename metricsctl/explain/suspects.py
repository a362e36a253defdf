"""Which change events can be the reason: those that reach the metric and came before it moved."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from metricsctl.changes.event import ChangeEvent
from metricsctl.changes.match import matches
from metricsctl.core.durations import US
from metricsctl.definition.project import Project
from metricsctl.explain.definitions import Redefinition
from metricsctl.lineage.graph import LineageGraph

__all__ = ["Judged", "Onset", "earliest", "judge_changes"]

_NO_CAUSE = frozenset({"incident"})
_OTHER_ENVIRONMENT = 0.3
_HARDLY = 0.05
_FARTHEST = 7 * US["d"]
_PRODUCTION = frozenset({"prod", "production", "live"})

Verdict = Literal["candidate", "after", "elsewhere", "long before", "no change"]


@dataclass(frozen=True, slots=True)
class Onset:
    """When it began, as far as windows tell (microseconds): most likely at `time`, not before `earliest`, hardly after `latest`.

    `scale` is the time in which the plausibility of a change before it falls by half. `others` are windows (start, end, probability) in
    which
    it may have begun instead, where the series does not tell surely.
    """

    earliest: int
    time: int
    latest: int
    scale: int
    others: tuple[tuple[int, int, float], ...] = ()

    def near(self, time: int) -> float:
        """How near before the onset a time lies: 1 in its window, half a `scale` before, 0 after; the mean over what it may be."""
        rest = 1 - sum(weight for _, _, weight in self.others)
        found = rest * self._kernel(self.time - time) if time <= self.latest else 0.0
        return found + sum(weight * self._kernel(start - time) for start, end, weight in self.others if time < end)

    def is_past(self, time: int) -> bool:
        """Whether a time is after the onset, as good as surely."""
        before = sum(weight for _, end, weight in self.others if time < end)
        return time > self.latest and before < _HARDLY

    def _kernel(self, lag: int) -> float:
        return 1 / (1 + max(lag, 0) / self.scale)


@dataclass(frozen=True, slots=True)
class Judged:
    """A change event with its factors, each from 0 to 1; `fit` is their product, 0 for what cannot be the reason.

    `lag` is how long before the `onset` (microseconds) it came, in seconds, 0 where it came in the window of the onset. `what` says what a
    commit changed of the definitions; None for all other events.
    """

    event: ChangeEvent
    nodes: tuple[str, ...]
    verdict: Verdict
    onset: int
    lag: float
    near: float
    contrast: float
    fit: float
    what: str | None = None


def judge_changes(
    project: Project,
    graph: LineageGraph,
    metric: str,
    onset: Onset,
    events: Sequence[ChangeEvent | Redefinition],
    moved: Collection[str],
) -> tuple[Judged, ...]:
    """Every event, the best first; `moved` are the ids of all metrics that moved in the episode, `metric` itself among them.

    - reach: an event counts only if a node it is about is the metric or upstream of it.
    - near = 1 / (1 + lag / scale), its mean over the windows in which it may have begun; events after the onset, and those more than a
      week (or sixty windows) before it, do not count.
    - contrast = (r + 1/2) / (m + 1/2): of the m metrics that moved it reaches r.
    - an event of an environment that is not production counts 0.3.
    """
    upstream = graph.upstream(metric) | {metric}
    found = [
        _judged(graph, upstream, onset, item.event, item.nodes, moved, item.what)
        if isinstance(item, Redefinition)
        else _judged(graph, upstream, onset, item, matches(project, item), moved)
        for item in events
    ]
    return tuple(sorted(found, key=lambda item: (-item.fit, abs(item.event.time - onset.time), item.event.id)))


def _judged(
    graph: LineageGraph,
    upstream: frozenset[str],
    onset: Onset,
    event: ChangeEvent,
    about: Sequence[str],
    moved: Collection[str],
    what: str | None = None,
) -> Judged:
    nodes = tuple(node for node in about if node in graph.nodes)
    lag = max(0.0, (onset.time - event.time) / US["s"])
    verdict = _verdict(event, nodes, upstream, onset)
    if verdict != "candidate":
        return Judged(event, nodes, verdict, onset.time, lag, 0.0, 0.0, 0.0, what)
    reached = set(nodes).union(*(graph.downstream(node) for node in nodes))
    near = onset.near(event.time)
    contrast = (sum(node in reached for node in moved) + 0.5) / (len(moved) + 0.5)
    weight = 1.0 if event.env is None or event.env.lower() in _PRODUCTION else _OTHER_ENVIRONMENT
    return Judged(event, nodes, verdict, onset.time, lag, near, contrast, near * contrast * weight, what)


def earliest(onset: Onset) -> int:
    """The time before which nothing is a candidate, microseconds."""
    return onset.time - max(_FARTHEST, 30 * onset.scale)


def _verdict(event: ChangeEvent, nodes: tuple[str, ...], upstream: frozenset[str], onset: Onset) -> Verdict:
    if event.kind in _NO_CAUSE:
        return "no change"
    if onset.is_past(event.time):
        return "after"
    if upstream.isdisjoint(nodes):
        return "elsewhere"
    return "long before" if event.time < earliest(onset) else "candidate"
