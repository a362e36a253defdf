"""`drill`: faults planted in a project's own history, and what would have come of them."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from metricsctl.core.diagnostics import Skipped
from metricsctl.core.durations import US
from metricsctl.core.errors import UnknownName, UsageError
from metricsctl.core.progress import SILENT, Progress
from metricsctl.core.timegrid import to_iso
from metricsctl.definition.project import Project
from metricsctl.detect.report import AnomalyReport, Episode
from metricsctl.detect.run import DetectOptions, detect
from metricsctl.drill.faults import FAULTS, Fault, Planting, Scene
from metricsctl.drill.judge import Replay, highest_tier
from metricsctl.drill.replay import planted_store
from metricsctl.drill.report import Drilled, DrillReport
from metricsctl.explain.run import ExplainOptions, explain
from metricsctl.lineage.graph import build as graph_of
from metricsctl.plan.build import build
from metricsctl.query.period import parse_period
from metricsctl.store.reader import StoreReader

__all__ = ["drill"]

_TOGETHER = 4  # sources that are struck in one replay, days apart
_APART = 2 * US["d"]  # between two faults of one replay; for so long after a fault alerts are taken to be due to it
_BACK = 21  # days of the history in which faults are planted by default
_HOUR = 9 * US["h"]  # of the day at which they begin, UTC


def drill(
    project: Project, store: Path, faults: Sequence[str] = (), *, since: int | str | None = None, progress: Progress = SILENT
) -> DrillReport:
    """Plant each of `faults` (default: all of `drill.faults.FAULTS`) in each source, in days after `since` (default: the last three weeks).

    The stored states are copied and disturbed; the store itself is left alone. Where it can be a day is chosen on which nothing was odd.
    Change events are not looked at: nobody deployed these faults.

    Raises
    ------
    UnknownName
        A fault that does not exist.
    UsageError
        No store, no events in it, or a time that cannot be read.
    DataError
        A store that cannot be read.
    """
    unknown = next((name for name in faults if name not in FAULTS), None)
    if unknown is not None:
        raise UnknownName.of("fault", unknown, FAULTS)
    wanted = [FAULTS[name] for name in dict.fromkeys(faults)] or list(FAULTS.values())
    opened = StoreReader.open(store)
    plan = build(project)
    scene = Scene(plan, graph_of(project), opened)
    ends = {name: state.max_time for name, state in opened.head.sources.items() if name in plan.sources and state.max_time is not None}
    if not ends:
        raise UsageError(f"the store at {store} has no events", hint="run `metricsctl ingest`")
    begin = parse_period(since, None, "UTC", max(ends.values())).since
    days = {name: _days(end, begin) for name, end in ends.items()}
    first = min((found[-1] for found in days.values() if found), default=min(ends.values()))
    return _Drill(project, store, scene, wanted, days, first, progress).report()


def _days(end: int, since: int | None) -> list[int]:
    """The times at which faults of a source may begin, the latest first."""
    last = (end - _APART) // US["d"] * US["d"] + _HOUR
    count = _BACK if since is None else max(0, (last - since) // US["d"] + 1)
    return [last - number * US["d"] for number in range(count)]


class _Drill:
    """One drill: the baseline, and a replay for each kind of fault and few sources."""

    def __init__(
        self,
        project: Project,
        store: Path,
        scene: Scene,
        faults: Sequence[Fault],
        days: dict[str, list[int]],
        first: int,
        progress: Progress,
    ) -> None:
        self.project, self.store, self.scene, self.faults, self.days, self.progress = project, store, scene, faults, days, progress
        self.options = DetectOptions(since=first)
        self.tier, self.watched = highest_tier(project, scene.plan)
        self.skipped: list[Skipped] = []

    def report(self) -> DrillReport:
        """Plant, replay and judge everything."""
        self.progress.start("drill", len(self.faults) * len(self.days) + 1, "faults")
        try:
            usual = detect(self.project, self.store, (), self.options)
            self.progress.advance(1)
            found = [item for plantings in self._replays(usual.episodes) for item in self._replayed(plantings, usual)]
        finally:
            self.progress.finish()
        hit = {blind.metric for item in found for blind in item.blind}
        noticed = {name for item in found for name in item.alerts}
        order = {name: number for number, name in enumerate(FAULTS)}
        found.sort(key=lambda item: (order[item.fault], item.source))
        return DrillReport(self.tier, tuple(found), tuple(sorted(hit - noticed)), tuple(self.skipped), usual.diagnostics)

    def _replays(self, usual: Sequence[Episode]) -> Iterator[list[tuple[Fault, Planting]]]:
        """What is planted together: one kind of fault in a few sources, on days of their own."""
        names = sorted(self.days)
        groups = [names[place : place + _TOGETHER] for place in range(0, len(names), _TOGETHER)]
        for fault, sources in itertools.product(self.faults, groups):
            chosen: list[tuple[Fault, Planting]] = []
            for source in sources:
                made = self._planted(fault, source, [item.disturbance.since for _, item in chosen], usual)
                if isinstance(made, Planting):
                    chosen.append((fault, made))
                else:
                    self.skipped.append(Skipped(fault.name, source, made))
                    self.progress.advance(1)
            if chosen:
                yield chosen

    def _planted(self, fault: Fault, source: str, taken: Sequence[int], usual: Sequence[Episode]) -> Planting | str:
        """A fault on the latest quiet day that is far enough from those `taken`, else on the latest day."""
        free = [day for day in self.days[source] if all(abs(day - other) >= _APART for other in taken)]
        if not free:
            return "there is too little history"
        quiet = (day for day in free if not any(item.onset_us < day + _APART and item.end_us > day - US["d"] for item in usual))
        return fault.plan(self.scene, source, next(quiet, free[0]))

    def _replayed(self, plantings: Sequence[tuple[Fault, Planting]], usual: AnomalyReport) -> Iterator[Drilled]:
        with tempfile.TemporaryDirectory(prefix="metricsctl-drill-") as folder:
            store = planted_store(self.scene.store, self.scene.plan, Path(folder) / "store", [planting for _, planting in plantings])
            replay = Replay(self.scene.plan, usual, detect(self.project, store, (), self.options))
            for fault, planting in plantings:
                yield self._judged(fault, planting, store, replay)
                self.progress.advance(1)

    def _judged(self, fault: Fault, planting: Planting, store: Path, replay: Replay) -> Drilled:
        alerts = replay.caught(planting.disturbance, _APART)
        after, first = alerts[0] if alerts else (None, None)
        names = tuple(dict.fromkeys(name for _, item in alerts for name in (item.metric, *item.also)))
        cause, named = (None, None) if first is None else self._explained(planting, store, first)
        return Drilled(
            fault=fault.name,
            source=planting.source,
            what=planting.what,
            since=to_iso(planting.disturbance.since),
            until=to_iso(planting.disturbance.until),
            after=after,
            metric=None if first is None else first.metric,
            key={} if first is None else dict(first.key),
            alerts=names,
            explanation=cause,
            named=named,
            blind=replay.unseen(planting.disturbance, [name for name in self.watched if name not in names]),
        )

    def _explained(self, planting: Planting, store: Path, episode: Episode) -> tuple[str | None, bool]:
        """The first hypothesis, and whether it is about a node or the segment at fault."""
        found = explain(self.project, store, episode=episode, options=ExplainOptions(changes=False))
        if not found.hypotheses:
            return None, False
        first = found.hypotheses[0]
        segment = dict(planting.segment)
        named = not planting.nodes.isdisjoint(first.nodes) or (bool(segment) and segment in [dict(item) for item in first.segments])
        return first.cause, named
