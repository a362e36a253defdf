"""What to explain: the episode that was named, the one at a time, or the worst there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from metricsctl.core.diagnostics import Diagnostic
from metricsctl.core.errors import UnknownName, UsageError
from metricsctl.core.timegrid import TimeGrid, to_iso
from metricsctl.definition.project import Project

if TYPE_CHECKING:
    from metricsctl.detect.report import Episode

__all__ = ["Asked", "asked_of", "at_time", "from_detect", "worst"]

_TIER = (8.0, 4.0, 2.0, 1.0)
_EFFECT = {"bad": 3.0, "neutral": 2.0, "good": 1.0}
_SURE = 12.0  # a score beyond which one episode is as sure as another


@dataclass(frozen=True, slots=True)
class Asked:
    """A metric, perhaps one segment of it, and the time in question; `exact`: an episode that was found, not just a time."""

    metric: str
    since: int
    until: int
    key: Mapping[str, str | None] = field(default_factory=dict)
    exact: bool = False
    diagnostics: tuple[Diagnostic, ...] = ()


def at_time(metric: str, text: str | int, grid: TimeGrid, reference: int | None) -> Asked:
    """The window that holds a time, or all windows of a date. UsageError if the time cannot be read."""
    from metricsctl.query.period import parse_period

    since = parse_period(text, None, grid.zone, reference).since
    if since is None:
        raise UsageError("the store has no events to count back from", hint="write a time: 2026-11-20T14:00Z")
    whole_day = isinstance(text, str) and len(text) == len("2026-11-20")
    end = TimeGrid(type(grid.grain).parse("1d"), grid.zone).next(since) if whole_day else grid.next(grid.floor(since))
    return Asked(metric, grid.floor(since), max(end, grid.next(grid.floor(since))))


def from_detect(
    project: Project,
    store: Path,
    metric: str | None,
    *,
    at: str | int | None = None,
    episode: str | None = None,
    folder: Path | None = None,
) -> Asked | tuple[Diagnostic, ...]:
    """The episode that is named, or the worst (at a time); the findings of `detect` where there is none. UnknownName for an unknown one.

    `folder` is where what `detect` found in all metrics is kept.
    """
    from metricsctl.detect.kept import known_episodes
    from metricsctl.detect.run import detect

    report = known_episodes(project, store, folder) if metric is None else detect(project, store, [metric], folder=folder)
    found = report.episodes
    if episode is not None:
        found = tuple(item for item in found if item.id.lower() == episode.lower())
        if not found:
            raise UnknownName.of("anomaly", episode, [item.id for item in report.episodes])
    if at is not None:
        found = tuple(item for item in found if _covers(project, item, at))
    chosen = worst(project, found)
    return report.diagnostics if chosen is None else asked_of(chosen, report.diagnostics)


def worst(project: Project, episodes: Sequence[Episode]) -> Episode | None:
    """The episode that matters most: an open one before all that are over, then by tier, good or bad, total or segment, how sure it is."""

    def weight(item: Episode) -> tuple[bool, float, float, str]:
        tier = _TIER[project.tier_of(project.metric(item.metric))]
        place = 1.0 if item.key else 2.0
        return item.state == "open", tier * _EFFECT[item.effect] * place * min(item.score, _SURE), abs(item.relative or 0.0), item.id

    return max(episodes, key=weight, default=None)


def asked_of(item: Episode, diagnostics: tuple[Diagnostic, ...] = ()) -> Asked:
    """An episode as something to explain."""
    return Asked(item.metric, item.onset_us, item.end_us, dict(item.key), exact=True, diagnostics=diagnostics)


def _covers(project: Project, item: Episode, at: str | int) -> bool:
    from metricsctl.query.period import parse_period

    zone = project.zone_of(project.metric(item.metric))
    time = parse_period(at, None, zone, item.end_us).since
    return time is not None and (item.onset_us <= time < item.end_us or to_iso(item.onset_us, zone)[:10] == str(at))
