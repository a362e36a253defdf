"""One version of the affected metrics, and what it gives for events: through ingest and query as they are."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Self

from metricsctl.core.errors import MetricsctlError
from metricsctl.core.timegrid import WHOLE, Grain, TimeGrid
from metricsctl.definition.project import Project
from metricsctl.ingest.run import IngestOptions, ingest
from metricsctl.ingest.scratch import ScratchStore
from metricsctl.plan.build import build
from metricsctl.plan.narrow import narrowed
from metricsctl.plan.types import Base, Computation, bases
from metricsctl.query.compute import leaves
from metricsctl.query.fetch import Period
from metricsctl.query.frame import SeriesFrame
from metricsctl.query.run import QueryOptions, query

__all__ = ["Points", "Side"]

Points = dict[tuple[int, tuple[str | None, ...]], float]
"""Values by window start (microseconds, UTC) and key; what is absent is not in it."""
_BATCH, _SMALL = 1 << 23, 1 << 16  # bytes read at once, also where events are few


class Side:
    """A project with just the metrics that are asked, and a store that is thrown away. Close it."""

    def __init__(self, project: Project, metrics: Collection[str], folder: Path) -> None:
        folder.mkdir()
        self.project = narrowed(project, metrics)
        self.plan = build(self.project)
        self.folder = folder
        self.faults: dict[str, str] = {}
        self._store = ScratchStore(folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._store.__exit__()

    def columns(self, source: str) -> tuple[str, ...]:
        """The fields of a source's events that are looked at for the metrics."""
        plan = self.plan.sources.get(source)
        return () if plan is None else (*(column.name for column in plan.columns), *(name for name, _ in plan.match))

    def read(self, files: Mapping[str, Sequence[str]], *, few: bool = False) -> tuple[dict[str, int], int]:
        """Read event files in the place of all that was read before; the events of each source, and how many were rejected."""
        self._store.clear()
        counts: dict[str, int] = {}
        rejected = 0
        for source, paths in files.items():
            if source in self.plan.sources and paths:
                options = IngestOptions(source=source, final=True, max_rejects="100%", batch_bytes=_SMALL if few else _BATCH)
                report = ingest(self.project, paths, self._store, options)
                counts[source] = report.rows
                rejected += report.rejected
        return counts, rejected

    def reason(self, metric: str) -> str | None:
        """Why a metric is not computed, if it is not."""
        skipped = self.plan.skipped.get(metric)
        return self.faults.get(metric) if skipped is None else skipped.reason

    def sources(self, metric: str) -> set[str]:
        """The sources whose events a metric stands on."""
        return self.plan.sources_of(self.plan.computation(metric))

    def dimensions(self, metric: str) -> tuple[str, ...]:
        """What a metric can be split by: the dimensions that all it is made of have."""
        lists = [self.plan.rollups[base.rollup].dimensions for base in bases(self.plan.computation(metric))]
        return tuple(name for name in lists[0] if all(name in other for other in lists)) if lists else ()

    def grain(self, metric: str) -> Grain:
        """The finest grain at which a metric can be asked."""
        found = [self.plan.rollups[base.rollup].grain for base in bases(self.plan.computation(metric))]
        return max(found, key=lambda grain: grain.microseconds)

    def reads(self, metric: str, start: int, grid: TimeGrid) -> set[tuple[str, int]]:
        """The windows of each source that the point at `start` stands on: its own, and those that offsets look back to."""
        period = Period(start, grid.next(start))
        return {
            (source, grid.floor(start if moved.since is None else moved.since))
            for base, moved in leaves(self.plan.computation(metric), period, grid.zone)
            for source in self.plan.rollups[base.rollup].sources
        }

    def zone(self, metric: str) -> str:
        """The zone of a metric's calendar."""
        return self.project.zone_of(self.project.metric(metric))

    def has_total(self, metric: str) -> bool:
        """Whether one number over all events means anything: an offset, a running total or a stock is one of each window."""
        return _has_total(self.plan.computation(metric))

    def points(self, metrics: Sequence[str], by: Sequence[str], grain: Grain = WHOLE) -> dict[str, Points]:
        """The points of metrics; those that cannot be computed for these events are left out, `reason` then says why."""
        try:
            frames = query(self.project, self._store.reader(), list(metrics), QueryOptions(by=tuple(by), grain=grain)).frames
        except MetricsctlError as error:
            if len(metrics) > 1:
                return {name: found for metric in metrics for name, found in self.points([metric], by, grain).items()}
            self.faults[metrics[0]] = error.message
            return {}
        return {name: _points(frame) for name, frame in zip(metrics, frames, strict=True)}


def _points(frame: SeriesFrame) -> Points:
    return {(time, key): value for time, key, value, _ in frame.rows() if value is not None}


def _has_total(computation: Computation) -> bool:
    if isinstance(computation, Base):
        return computation.of_its_window
    return all(item.offset is None and _has_total(item.computation) for item in computation.inputs.values())
