"""`ingest --series`: the files of series to points in the store."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from metricsctl.core.diagnostics import Diagnostic, Severity
from metricsctl.core.errors import UnknownName, UsageError
from metricsctl.definition.project import Project
from metricsctl.definition.schema import ExternalSeries
from metricsctl.engine.duckdb.aggregate import table_of
from metricsctl.engine.duckdb.external import Changes, ReadPoints, Revisions, revisions_table
from metricsctl.ingest.external.report import BroughtSeries, SeriesReport
from metricsctl.ingest.readers import discover
from metricsctl.ingest.rejects import RejectLimit
from metricsctl.plan.build import build
from metricsctl.plan.external import mark_after, source_name
from metricsctl.plan.types import Plan, Rollup, SourcePlan
from metricsctl.store import delta
from metricsctl.store.compact import MOST_FILES
from metricsctl.store.generation import table_folder
from metricsctl.store.head import SourceState
from metricsctl.store.reader import StoreReader
from metricsctl.store.writer import StoreWriter

__all__ = ["bring", "carry_over"]

_VERSION = "delta_version"  # in the meta data of revisions: up to which version of the Delta table they were read


def bring(project: Project, store: Path, names: Sequence[str] = (), *, max_rejects: str = "1%", now: int | None = None) -> SeriesReport:
    """Bring the series called `names` (all) into the store: what is new, changed or gone becomes a revision, known since `now`.

    Of a Delta table every version since the last time is read, known since its commit. Each series is one commit group.

    Raises
    ------
    UnknownName
        A series that the project does not have.
    UsageError
        No series, one that is called like a metric, or a path without files.
    DataError
        A file that cannot be read, or a store that is locked or damaged; what was brought before stays.
    """
    wanted = list(dict.fromkeys(names)) or sorted(project.series)
    for name in wanted:
        if name not in project.series:
            raise UnknownName.of("series", name, project.series)
        if name in project.all_metrics:
            raise UsageError(
                f"series '{name}' is called like a metric", hint="give it a name of its own", span=project.series[name].name.span
            )
    if not wanted:
        raise UsageError("the definitions have no series", hint="see `series:` in docs/spec.md")
    limit = RejectLimit.parse(max_rejects)
    plan, moment = build(project), time.time_ns() // 1000 if now is None else now
    run = _Run(project, plan, moment, limit)
    with StoreWriter.open(store) as writer:
        done = tuple(run.one(writer, project.series[name]) for name in wanted)
    return SeriesReport(str(store), done, run.over_limit, tuple(run.diagnostics))


@dataclass(slots=True)
class _Run:
    project: Project
    plan: Plan
    now: int
    limit: RejectLimit
    over_limit: bool = False
    diagnostics: list[Diagnostic] = field(default_factory=list)

    def one(self, writer: StoreWriter, series: ExternalSeries) -> BroughtSeries:
        """Bring one series."""
        name = series.name.name
        source = self.plan.sources[source_name(name)]
        rollup = self.plan.rollups[self.plan.computations[name].rollup]  # type: ignore[union-attr]  # a series is no formula
        table = revisions_table(rollup)
        stored = writer.head.tables.get(table.name)
        revisions = Revisions(writer.connection, rollup, source, _files(writer, table.name))
        state = writer.head.sources.get(source.name, SourceState(source.name))
        watermark = state.watermark if stored is not None else None
        total, version, files, refused = Changes(0, 0, 0), None, 0, False
        read = ReadPoints(0, {})
        for snapshot in _snapshots(self._path(series), None if stored is None else stored.meta.get(_VERSION), self.now):
            read = revisions.read(snapshot.files, self.now, hive=snapshot.version is not None)
            version, files = snapshot.version, len(snapshot.files)
            if self._refused(series, read):
                refused = True
                break
            grid = rollup.grid
            revisions.place([(time, start := grid.floor(time), grid.next(start)) for time in revisions.times()])
            found = revisions.revise(snapshot.known_at, watermark)
            total = Changes(total.new + found.new, total.changed + found.changed, total.gone + found.gone)
            watermark = _watermark(revisions, rollup, source, watermark)
        last, points = revisions.last_window()
        if total.any or (stored is None and not refused):
            end = None if last is None else rollup.grid.next(last) - 1
            fresh = SourceState(source.name, watermark, end, None, points, sum(read.rejected.values()))
            _commit(writer, rollup, source, revisions, fresh, version)
        return BroughtSeries(name, files, read.rows, read.rejected, points, total.new, total.changed, total.gone, watermark)

    def _path(self, series: ExternalSeries) -> Path:
        return (self.project.root / series.span.path).parent / series.path

    def _refused(self, series: ExternalSeries, read: ReadPoints) -> bool:
        """Whether too many rows cannot be used; any that cannot are told."""
        rejected = sum(read.rejected.values())
        over = self.limit.exceeded(read.rows, rejected)
        if rejected:
            reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(read.rejected.items()))
            message = f"series '{series.name}': {rejected:,} of {read.rows:,} rows cannot be used ({reasons})"
            more = "; it stays as it was" if over else ""
            severity = Severity.ERROR if over else Severity.WARNING
            self.diagnostics.append(Diagnostic("rejects", severity, message + more, series.name.span))
        self.over_limit |= over
        return over


def _watermark(revisions: Revisions, rollup: Rollup, source: SourcePlan, before: int | None) -> int | None:
    """The end of the last window less what may still be restated; it never falls."""
    last, _ = revisions.last_window()
    known = [mark for mark in (before, None if last is None else mark_after(rollup, source, last)) if mark is not None]
    return max(known, default=None)


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """A state of the files: which, since when it is known, and the version if it is one of a Delta table."""

    files: list[tuple[str, str]]
    known_at: int
    version: int | None = None


def _snapshots(path: Path, seen: int | None, now: int) -> Iterator[_Snapshot]:
    """What there is to read: the files as they are, or each version of a Delta table after the one that was `seen`."""
    if delta.exists(path):
        for version, committed in delta.history(path):
            if seen is None or version > seen:
                yield _Snapshot([(file, "parquet") for file in delta.files(path, version)], committed, version)
        return
    found = discover([str(path)])
    yield _Snapshot(sorted((str(file.path), file.format) for file in found), now)


def _files(store: StoreWriter | StoreReader, table: str) -> list[str]:
    state = store.head.tables.get(table)
    if state is None or state.version is None:
        return []
    generation = store.generation if isinstance(store, StoreWriter) else store.path / store.head.generation
    return delta.files(table_folder(generation, table), state.version)


def _commit(writer: StoreWriter, rollup: Rollup, source: SourcePlan, revisions: Revisions, state: SourceState, version: int | None) -> None:
    """One commit group: the fresh revisions, and the present states in the place of the former."""
    table = revisions_table(rollup)
    meta = {**table.meta, _VERSION: version}
    writer.begin()
    try:
        writer.create_table(type(table)(table.name, table.columns, table.sort_by, meta))
        writer.create_table(table_of(rollup, rollup.measures))
        if len(_files(writer, table.name)) < MOST_FILES:
            writer.put(table.name, revisions.fresh_sql())
        else:
            writer.replace(table.name, [revisions.all_sql()])
        writer.replace(rollup.id, [revisions.current_sql()])
        if source.heartbeat.id != rollup.id:
            writer.create_table(table_of(source.heartbeat, source.heartbeat.measures))
            writer.replace(source.heartbeat.id, [revisions.heartbeat_sql()])
        writer.set_source(state)
    except BaseException:
        writer.rollback()
        raise
    writer.commit()


def carry_over(plan: Plan, old: StoreReader, writer: StoreWriter) -> None:
    """Take the series of a store over into one that is built anew: their revisions are nowhere else."""
    for computation in plan.computations.values():
        if not plan.is_external(computation):
            continue
        rollup = plan.rollups[computation.rollup]  # type: ignore[union-attr]  # a series is no formula
        source = plan.sources[rollup.sources[0]]
        table = old.head.tables.get(revisions_table(rollup).name)
        if table is None or source.name not in old.head.sources:
            continue
        revisions = Revisions(writer.connection, rollup, source, _files(old, table.name))
        writer.connection.execute("UPDATE revisions SET fresh = true")
        _commit(writer, rollup, source, revisions, old.head.sources[source.name], table.meta.get(_VERSION))
