"""Where an ingest puts its results: a store, or nowhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from metricsctl.ingest.external.run import carry_over
from metricsctl.plan.tables import Table
from metricsctl.plan.types import Plan
from metricsctl.store.compact import compact_grown
from metricsctl.store.head import FORMAT, Head, SourceState
from metricsctl.store.held import OPEN_FROM, RETIRED
from metricsctl.store.reader import StoreReader
from metricsctl.store.writer import FileMark, StoreWriter

if TYPE_CHECKING:
    import duckdb

__all__ = ["DrySink", "Sink", "StoreSink"]

COMPACT_EVERY = 8  # commit groups: so often tables with too many files are looked for


class Sink(Protocol):
    """What a run needs of its destination; the calls mean what they mean on `StoreWriter`."""

    connection: duckdb.DuckDBPyConnection

    def head(self) -> Head:
        """What the destination holds now."""

    def replaced(self) -> Mapping[str, SourceState]:
        """The sources of the store that a rebuild replaces."""

    def carry_over(self, plan: Plan) -> None:
        """In a rebuild, take over what is had from no event file: series that live elsewhere."""

    def marks(self, source: str) -> Sequence[FileMark]:
        """What has been read of a source."""

    def begin(self) -> None:
        """Begin a commit group."""

    def create(self, table: Table) -> None:
        """Declare a table."""

    def retire(self, table: str, measures: Sequence[str]) -> None:
        """Note that these measures of a table are no longer fed."""

    def note_open(self, table: str, since: int | None) -> None:
        """Note since when a session is open."""

    def put(self, table: str, sql: str) -> int:
        """Put rows; returns how many."""

    def stage(self, table: Table, sql: str) -> int:
        """Write rows that a later group is to publish; returns how many."""

    def put_staged(self, table: str) -> None:
        """Put what was staged."""

    def abandon(self) -> None:
        """Forget what was staged."""

    def remember(self, marks: Sequence[FileMark]) -> None:
        """Remember what was read."""

    def count_reject(self, source: str, reason: str, number: int) -> None:
        """Count rejects."""

    def set_source(self, state: SourceState) -> None:
        """Replace the state of a source."""

    def commit(self) -> bool:
        """Commit and publish; whether anything changed."""

    def finish(self) -> None:
        """The run is over."""


class StoreSink:
    """A store."""

    def __init__(self, writer: StoreWriter) -> None:
        self._writer = writer
        self.connection = writer.connection

    def head(self) -> Head:
        """See `Sink`."""
        return self._writer.head

    def replaced(self) -> Mapping[str, SourceState]:
        """See `Sink`."""
        present = Head.read(self._writer.path)
        return {} if present is None else present.sources

    def carry_over(self, plan: Plan) -> None:
        """See `Sink`."""
        present = Head.read(self._writer.path)
        if present is not None and present.generation != self._writer.generation.name:
            carry_over(plan, StoreReader(self._writer.path, present), self._writer)

    def marks(self, source: str) -> Sequence[FileMark]:
        """See `Sink`."""
        return self._writer.file_marks(source)

    def begin(self) -> None:
        """See `Sink`."""
        self._writer.begin()

    def create(self, table: Table) -> None:
        """See `Sink`."""
        self._writer.create_table(table)

    def retire(self, table: str, measures: Sequence[str]) -> None:
        """See `Sink`."""
        meta = self._writer.head.tables[table].meta
        self._writer.set_meta(table, {**meta, RETIRED: sorted({*meta.get(RETIRED, ()), *measures})})

    def note_open(self, table: str, since: int | None) -> None:
        """See `Sink`."""
        self._writer.set_meta(table, {**self._writer.meta(table), OPEN_FROM: since})

    def put(self, table: str, sql: str) -> int:
        """See `Sink`."""
        return self._writer.put(table, sql)

    def stage(self, table: Table, sql: str) -> int:
        """See `Sink`."""
        return self._writer.stage(table, sql)

    def put_staged(self, table: str) -> None:
        """See `Sink`."""
        self._writer.put_staged(table)

    def abandon(self) -> None:
        """See `Sink`."""
        self._writer.abandon()

    def remember(self, marks: Sequence[FileMark]) -> None:
        """See `Sink`."""
        self._writer.remember_files(marks)

    def count_reject(self, source: str, reason: str, number: int) -> None:
        """See `Sink`."""
        self._writer.count_reject(source, reason, number)

    def set_source(self, state: SourceState) -> None:
        """See `Sink`."""
        self._writer.set_source(state)

    def commit(self) -> bool:
        """See `Sink`."""
        changed = self._writer.commit()
        if changed and self._writer.head.seq % COMPACT_EVERY == 0:
            compact_grown(self._writer)
        return changed

    def finish(self) -> None:
        """See `Sink`."""
        self._writer.finish()


class DrySink:
    """Nowhere: counts the rows that would be put."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self._head = Head(FORMAT, "", "", 0, {}, {})

    def head(self) -> Head:
        """See `Sink`."""
        return self._head

    def replaced(self) -> Mapping[str, SourceState]:
        """See `Sink`."""
        return {}

    def carry_over(self, plan: Plan) -> None:
        """See `Sink`."""

    def marks(self, source: str) -> Sequence[FileMark]:  # noqa: ARG002 - the interface is Sink's
        """See `Sink`."""
        return ()

    def begin(self) -> None:
        """See `Sink`."""

    def create(self, table: Table) -> None:
        """See `Sink`."""

    def retire(self, table: str, measures: Sequence[str]) -> None:
        """See `Sink`."""

    def note_open(self, table: str, since: int | None) -> None:
        """See `Sink`."""

    def put(self, table: str, sql: str) -> int:  # noqa: ARG002 - the interface is Sink's
        """See `Sink`."""
        found = self.connection.execute(f"SELECT count(*) FROM ({sql})").fetchone()
        return int(found[0]) if found else 0

    def stage(self, table: Table, sql: str) -> int:
        """See `Sink`."""
        return self.put(table.name, sql)

    def put_staged(self, table: str) -> None:
        """See `Sink`."""

    def abandon(self) -> None:
        """See `Sink`."""

    def remember(self, marks: Sequence[FileMark]) -> None:
        """See `Sink`."""

    def count_reject(self, source: str, reason: str, number: int) -> None:
        """See `Sink`."""

    def set_source(self, state: SourceState) -> None:
        """See `Sink`."""
        self._head = replace(self._head, sources={**self._head.sources, state.name: state})

    def commit(self) -> bool:
        """See `Sink`."""
        return False

    def finish(self) -> None:
        """See `Sink`."""
