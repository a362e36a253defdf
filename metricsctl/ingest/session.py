"""One run of `ingest`: what is fed, batch by batch, group by group.

The unit is the commit group: after any failure the store equals a whole number of them, and the next run goes on from there.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from metricsctl.core.diagnostics import Diagnostic, Severity
from metricsctl.core.errors import UsageError
from metricsctl.definition.project import Project
from metricsctl.engine.batch import Batch, LoadedBatch, Part
from metricsctl.engine.duckdb.aggregate import Closed, table_of
from metricsctl.engine.duckdb.ingest import DuckDbFolder
from metricsctl.ingest.check import check_expressions
from metricsctl.ingest.crowded import Crowded
from metricsctl.ingest.notes import cut_off, other_content, too_long
from metricsctl.ingest.options import IngestOptions
from metricsctl.ingest.pace import Pace
from metricsctl.ingest.pending import Group, Tally, Waiting
from metricsctl.ingest.readers import FileReader, InputFile, Known, Mark
from metricsctl.ingest.readers.ahead import ahead
from metricsctl.ingest.rejects import RejectLimit, RejectLog
from metricsctl.ingest.report import FileReport
from metricsctl.ingest.sink import Sink
from metricsctl.ingest.targets import Target, dropped_measures, targets
from metricsctl.plan.types import Plan, Rollup
from metricsctl.store.head import SourceState
from metricsctl.store.held import OPEN_FROM
from metricsctl.store.writer import FileMark

__all__ = ["Session"]

_MIB = 1 << 20


@dataclass(slots=True)
class Session:
    """A run: `prepare`, `read`, `finish`, in this order."""

    project: Project
    plan: Plan
    options: IngestOptions
    sink: Sink
    folder: DuckDbFolder
    spool: Path
    pace: Pace
    crowded: Crowded
    now: int = 0
    log: RejectLog = field(default_factory=RejectLog)
    targets: dict[str, list[Target]] = field(default_factory=dict)
    states: dict[str, SourceState] = field(default_factory=dict)
    closed: dict[str, Closed] = field(default_factory=dict)
    tallies: dict[str, Tally] = field(default_factory=dict)
    known: dict[str, Known] = field(default_factory=dict)
    names: dict[str, dict[str, int]] = field(default_factory=dict)
    files: list[FileReport] = field(default_factory=list)
    file_rejects: Counter[tuple[str, str]] = field(default_factory=Counter)
    dropped: dict[str, list[str]] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    published: dict[str, int] = field(default_factory=dict)
    group: Group = field(default_factory=Group)
    waiting: Waiting = field(default_factory=Waiting)
    spares: list[bytearray] = field(default_factory=list)
    groups: int = 0
    unmatched: int = 0

    # -- before

    def prepare(self, files: Sequence[tuple[InputFile, str]]) -> None:
        """Decide what is fed, and let the engine check it, before anything is read."""
        self.now = self.options.now if self.options.now is not None else time.time_ns() // 1000
        self.log.path = self.options.rejects
        self.log.open()
        fed = list(dict.fromkeys(source for _, source in files))
        head = self.sink.head()
        if self.options.rebuild:
            lost = sorted(
                name for name, state in self.sink.replaced().items() if state.rows and name not in fed and not self._is_external(name)
            )
            if lost:
                raise UsageError(
                    f"a rebuild without files of {', '.join(lost)} would lose what the store holds of them",
                    hint="give the files of every source at once",
                )
        self.targets = targets(self.plan, head, fed)
        self.dropped = dropped_measures(self.plan, head, fed)
        for source in self.plan.sources:
            self.states[source] = head.sources.get(source, SourceState(source))
        for source in fed:
            self.tallies[source] = Tally()
            marks = self.sink.marks(source)
            self.known[source] = Known([Mark(mark.size, mark.digest, mark.lines, mark.open_line) for mark in marks])
            self.names[source] = {mark.path: mark.size for mark in marks}  # the shortest come first
            if self.options.drop_late:
                mark = self.states[source].watermark
                self.folder.drop_late(source, None if mark is None else mark + self.plan.sources[source].lateness.microseconds)
            for target in self.targets[source]:
                self.closed[target.rollup.id] = self._closed_windows(target.rollup)
        rollups = [target.rollup for found in self.targets.values() for target in found]
        self.folder.prepare(rollups)
        check_expressions(self.project, self.plan, self.folder, rollups)

    def _is_external(self, name: str) -> bool:
        """Whether a source of the store is a series, which a rebuild takes over."""
        return name in self.plan.sources and self.plan.sources[name].external

    def _closed_windows(self, rollup: Rollup) -> Closed:
        """What was final of a rollup when the run began: the least of its sources."""
        states = [self.states[name] for name in rollup.sources]
        watermarks = [state.watermark for state in states]
        table = self.sink.head().tables.get(rollup.id)
        begun = table.meta.get(OPEN_FROM) if table is not None else None
        watermarks += [] if begun is None else [begun]
        untils = [state.closed_until for state in states]
        return Closed(_least(watermarks), _least(untils))

    # -- reading

    def read(self, files: Sequence[tuple[InputFile, str]]) -> None:
        """Read every file; a group that is not full at the end stays open for `finish`."""
        self.pace.start([file.path for file, _ in files])
        try:
            before: InputFile | None = None
            for file, source in files:
                self._read_file(file, source, first=file is not before)
                before = file
            self._fold_waiting()
        finally:
            self.pace.progress.finish()

    def _read_file(self, file: InputFile, source: str, *, first: bool) -> None:
        reader = FileReader(file, self.known[source], chunk_bytes=self.options.batch, spool_dir=self.spool, spares=self.spares)
        read = 0
        large = file.format != "parquet" and file.path.exists() and file.path.stat().st_size > self.options.batch
        self.pace.open(file.path)
        before = 0 if file.spooled else self.names[source].get(file.name, 0)
        for chunk in ahead(reader.chunks()) if large else reader.chunks():
            if reader.resumed_at and not file.packed and file.path.stat().st_size < before:
                self.diagnostics.append(cut_off(file.name, before))
                self.files.append(FileReport(file.name, source, "unchanged", 0, 0))
                self.pace.close()
                return
            read = chunk.mark.size - reader.resumed_at
            if not self.waiting.takes(chunk, source, first, self.options.batch):
                self._fold_waiting()
            self.waiting.source, self.waiting.first = source, first
            self.waiting.chunks.append(chunk)
            self.waiting.bytes += len(chunk.data)
            self.known[source].add(chunk.mark)
            self.pace.read(chunk.offset)
            if chunk.path is not None or chunk.too_long is not None:
                self._fold_waiting()
        self.diagnostics.extend(reader.diagnostics)
        if reader.status == "read" and first and before:
            self.diagnostics.append(other_content(file.name, read, before))
        self.files.append(FileReport(file.name, source, reader.status, read, 0))
        self.pace.close()

    def _fold_waiting(self) -> None:
        """Make one batch of the waiting chunks and fold it into the open group, which is committed when it is full."""
        waiting, self.waiting = self.waiting, Waiting()
        if not waiting.chunks:
            return
        first, source = waiting.chunks[0], waiting.source
        parts = tuple(Part(chunk.file.name, chunk.first_line, chunk.data) for chunk in waiting.chunks)
        self.group.touched = True
        if first.too_long is not None:
            loads: Iterable[LoadedBatch] = [too_long(first, self.plan.sources[source].secret)] if waiting.first else []
        else:
            loads = self.folder.load(Batch(first.format, first.header, parts, first.path, waiting.first), source, self.now)
        for loaded in loads:
            self._count(source, loaded)
            if loaded.accepted:
                for target in self.targets[source]:
                    if target.within is None:
                        self.folder.fold(target.rollup, target.measures, source, self.closed[target.rollup.id])
                    self._note_unplaced(target.rollup, source)
            if first.path is not None and self.folder.is_full():  # a Parquet file is one group, however large it is
                self._stage_group()
        for chunk in waiting.chunks:
            if isinstance(chunk.data, bytearray) and len(chunk.data) >= _MIB and not self.spares:
                self.spares.append(chunk.data)
            mark = chunk.mark
            self.group.marks.append(FileMark(source, chunk.file.name, mark.size, mark.digest, mark.lines, 0, mark.open_line))
        self.group.bytes += max(waiting.bytes, first.path.stat().st_size if first.path else 0)
        if self.group.bytes >= self.options.group or self.folder.is_full():
            self._stage_group() if self.options.atomic else self._commit_group()

    def _count(self, source: str, loaded: LoadedBatch) -> None:
        tally = self.tallies[source]
        tally.rows += loaded.rows
        self.pace.say(loaded.rows)
        tally.accepted += loaded.accepted
        tally.duplicates += loaded.duplicates
        self.unmatched += loaded.unmatched
        self.log.add(source, loaded.rejects)
        self.group.accepted += loaded.accepted
        self.file_rejects.update((source, reject.file) for reject in loaded.rejects)
        state = self.states[source]
        latest = [time for time in (state.max_time, loaded.max_time) if time is not None]
        self.states[source] = replace(
            state,
            max_time=max(latest, default=None),
            rows=state.rows + loaded.accepted,
            rejected=state.rejected + len(loaded.rejects),
        )
        self.group.rejects.update((source, reject.reason) for reject in loaded.rejects)

    def _note_unplaced(self, rollup: Rollup, source: str) -> None:
        rows = self.folder.unplaced(rollup, source)
        message = f"rows of model '{rollup.relation}' have no event time and belong to no window"
        if rows and not any(message in found.message for found in self.diagnostics):
            self.diagnostics.append(Diagnostic("no-time", Severity.WARNING, f"{rows:,} {message}"))

    # -- committing

    def _fed(self) -> list[Target]:
        """Every rollup that is fed, once."""
        return list({target.rollup.id: target for found in self.targets.values() for target in found}.values())

    def _stage_group(self) -> None:
        """Write what is pending to files that the group publishes at its end: an atomic run's one group, or that of a large file."""
        for target in self._fed():
            rollup = target.rollup
            if rollup.session is not None or rollup.final_only:
                continue
            table = table_of(rollup, target.measures)
            stored = target.stored or tuple(column.name for column in table.columns)
            self.crowded.look(self.folder, rollup)
            sql = self._pending(target, stored)
            if sql is not None:
                self.published[rollup.id] = self.published.get(rollup.id, 0) + self.sink.stage(table, sql)
        self.folder.forget_states()
        self.group.bytes = 0

    def _commit_group(self, *, last: bool = False) -> None:
        """Publish what is pending, with the marks of what was read for it; with the `last` group the watermarks have moved.

        Reading and folding happen before, outside the transaction: a statement that fails in it would end it.
        """
        if not self.group.touched:
            return
        self.folder.settle()
        self.sink.begin()
        self.folder.save(self.sink.head().seq + 1)
        for target in self._fed():
            self._publish(target, last=last)
            if last:
                self._note_open(target.rollup)
        if self.group.accepted:
            for table, measures in self.dropped.items():
                self.sink.retire(table, measures)
            self.dropped = {}
        self.sink.remember(self.group.marks)
        for (source, reason), number in self.group.rejects.items():
            self.sink.count_reject(source, reason, number)
        for source in self.tallies:
            self.sink.set_source(self.states[source])
        self.groups += self.sink.commit()
        self.folder.clear()
        self.group = Group()

    def _publish(self, target: Target, *, last: bool) -> None:
        rollup, stored = target.rollup, target.stored
        table = table_of(rollup, target.measures)
        if not stored:
            self.sink.create(table)
            stored = tuple(column.name for column in table.columns)
        self.sink.put_staged(rollup.id)
        self.crowded.look(self.folder, rollup)
        if rollup.final_only:
            over = self._closed_windows(rollup) if last else None
            sql = None if over is None else self.folder.open_windows.closed_sql(rollup, target.measures, stored, over)
        else:
            sql = self._pending(target, stored)
        if sql is not None:
            self.published[rollup.id] = self.published.get(rollup.id, 0) + self.sink.put(rollup.id, sql)

    def _pending(self, target: Target, stored: Sequence[str]) -> str | None:
        """The states to publish of a target."""
        if target.within is not None:
            return self.folder.rows_within_sql(target.rollup, target.within, stored)
        return self.folder.pending_sql(target.rollup, target.measures, stored, self.closed[target.rollup.id])

    def _note_open(self, rollup: Rollup) -> None:
        """Note since when a session is open: its window is not final, wherever the watermark stands."""
        if rollup.session is None or not self.folder.sessions.is_fed(rollup.session):
            return
        open_sources = [state for name in rollup.sources if (state := self.states[name]).closed_until != state.max_time]
        marks = [state.watermark for state in open_sources if state.watermark is not None]
        self.sink.note_open(rollup.id, self.folder.sessions.open_from(rollup.session, min(marks)) if marks else None)

    def _give_up(self) -> None:
        """Leave the store as it was: an atomic run has more rejects than are allowed."""
        self.sink.abandon()
        head = self.sink.head()
        self.states = {name: head.sources.get(name, SourceState(name)) for name in self.states}
        self.group, self.published = Group(), {}

    def finish(self) -> None:
        """End of the run: only now do the watermarks move, since the order of files within a run says nothing."""
        rows = sum(tally.rows for tally in self.tallies.values())
        rejected = sum(item.count for item in self.log.report())
        if self.options.atomic and RejectLimit.parse(self.options.max_rejects).exceeded(rows, rejected):
            self._give_up()
            self.log.close()
            return
        for source in self.tallies:
            state = self.states[source]
            if state.max_time is None:
                continue
            watermark = state.max_time - self.plan.sources[source].lateness.microseconds
            until = state.max_time if self.options.final else state.closed_until
            self.states[source] = replace(state, watermark=max(watermark, state.watermark or watermark), closed_until=until)
            if self.states[source] != self.sink.head().sources.get(source, SourceState(source)):
                self.group.touched = True
        self._commit_group(last=True)
        self.sink.finish()
        self.log.close()


def _least(values: Sequence[int | None]) -> int | None:
    present = [value for value in values if value is not None]
    return min(present) if present and len(present) == len(values) else None
