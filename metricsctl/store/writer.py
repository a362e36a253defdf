"""The writer of a store: commit groups that are seen whole or not at all, exactly once."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from metricsctl.core.errors import StoreError
from metricsctl.engine.duckdb.connection import storage_errors
from metricsctl.plan.tables import Table
from metricsctl.store import generation as generations
from metricsctl.store import publish, recovery
from metricsctl.store.delta import NewFile
from metricsctl.store.files import file_errors, usable
from metricsctl.store.generation import STATE_FILE
from metricsctl.store.head import Head, SourceState
from metricsctl.store.lock import StoreLock
from metricsctl.store.staging import stage
from metricsctl.store.state import Change, FileMark, State, StoredTable

if TYPE_CHECKING:
    import duckdb

__all__ = ["FileMark", "StoreWriter"]


class StoreWriter:
    """The one writer of a store, from `open` to `close`; a context manager.

    Between `begin` and `commit` lies a commit group: one transaction of `connection`, in which the ingest engine keeps its own tables too.
    A group is published when `commit` returns. If `commit` fails half-way, the next `open` finishes it; this writer then takes no more.
    Failures of the disk and of the store's files are StoreError everywhere; after one, and after a
    wrong statement in `put`, a group can only be rolled back.
    """

    def __init__(self, path: Path, lock: StoreLock, generation: Path, state: State, *, rebuild: bool) -> None:
        self.path = path
        self._lock = lock
        self._generation = generation
        self._state = state
        self._rebuild = rebuild
        self._in_group = False
        self._changed = False
        self._unpublished = False
        self._changes: dict[str, Change] = {}
        self._staged: dict[str, list[NewFile]] = {}
        self._head = publish.head_of(state, generation, {})

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, rebuild: bool = False) -> Self:
        """Open or make the store at `path`, and finish what a crash left undone.

        With `rebuild` an empty generation is made beside the present one; readers see it from `finish` on, and without that it is dropped.

        Raises
        ------
        UsageError
            The path has characters that Delta Lake or DuckDB cannot have.
        StoreError
            Another process writes, the store has diverged or is of another version, or the disk refuses.
        """
        root = usable(path)
        with file_errors(root), contextlib.ExitStack() as undo:
            root.mkdir(parents=True, exist_ok=True)
            lock = StoreLock.take(root)
            undo.callback(lock.release)
            head = Head.read(root)
            generations.clean(root, head)
            current = None if rebuild else generations.current(root, head)
            generation = generations.make(root, rebuild=rebuild) if current is None else current
            with storage_errors(generation / STATE_FILE):
                state = recovery.open_state(generation, head)
                undo.callback(state.connection.close)
                writer = cls(root, lock, generation, state, rebuild=rebuild)
                if not rebuild:
                    writer._recover(head)
            undo.pop_all()
        return writer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Roll an open group back and give the lock back; a second call does nothing."""
        self.abandon()
        with contextlib.suppress(StoreError), self._failures():
            self._state.connection.close()
        self._lock.release()

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The connection to the private state; the schema `store` in it is the store's own."""
        return self._state.connection

    @property
    def head(self) -> Head:
        """What the generation being written shows, as of the last commit."""
        return self._head

    @property
    def generation(self) -> Path:
        """The folder of the generation being written."""
        return self._generation

    @contextlib.contextmanager
    def _failures(self) -> Iterator[None]:
        with file_errors(self.path), storage_errors(self._generation / STATE_FILE):
            yield

    def begin(self) -> None:
        """Begin a commit group; StoreError if the last one could not be published."""
        if self._in_group:
            raise RuntimeError("a commit group is open already")
        if self._unpublished:
            raise StoreError("the last commit could not be published", hint="run it again: it is finished first, nothing is lost")
        with self._failures():
            self.connection.execute("BEGIN")
        self._in_group, self._changed, self._changes = True, False, {}

    def rollback(self) -> None:
        """Undo the open group; does nothing if there is none, as after a `commit` that failed."""
        if not self._in_group:
            return
        self._in_group = False
        with self._failures():
            self.connection.execute("ROLLBACK")
            publish.clear_staged(self._state, self._generation)

    def commit(self) -> bool:
        """Commit the group and publish it; False, and no new number, if nothing of the store changed in it."""
        self._need_group()
        with self._failures():
            if self._changed:
                self._state.advance(self._changes)
            self._in_group = False
            self._unpublished = self._changed
            self.connection.execute("COMMIT")
            if self._changed:
                self._publish({})
        return self._changed

    @contextlib.contextmanager
    def _group(self) -> Iterator[None]:
        if self._in_group:
            yield
            return
        self.begin()
        try:
            yield
        except BaseException:
            self.rollback()
            raise
        self.commit()

    def _need_group(self) -> None:
        if not self._in_group:
            raise RuntimeError("no commit group is open: call begin() first")

    def _stored(self, table: str) -> StoredTable:
        with self._failures():
            return self._state.tables()[table]

    def create_table(self, table: Table) -> None:
        """Declare a table, in the open group or in one of its own; meta data of one that is there is replaced.

        StoreError if the store has it with other columns or another order.
        """
        with self._failures():
            present = self._state.tables().get(table.name)
        if present is None:
            with self._failures(), self._group():
                self._state.add_table(table)
                self._changed = True
        elif (present.table.columns, present.table.sort_by) != (table.columns, table.sort_by):
            raise StoreError(f"the store has the table {table.name} with other columns", hint="run `metricsctl ingest --rebuild`")
        else:
            self.set_meta(table.name, table.meta)

    def meta(self, table: str) -> Mapping[str, Any]:
        """The meta data of a table as the open group has them; KeyError if there is no such table."""
        return self._stored(table).table.meta

    def set_meta(self, table: str, meta: Mapping[str, Any]) -> None:
        """Replace the meta data of a table, in the open group or in one of its own; KeyError if there is no such table."""
        if dict(self._stored(table).table.meta) == dict(meta):
            return
        with self._failures(), self._group():
            self._state.set_meta(table, meta)
            self._changed = True

    def forget_table(self, table: str) -> None:
        """Drop a table, in the open group; its folder is removed when the group is committed. KeyError if there is no such table."""
        self._need_group()
        with self._failures():
            self._state.forget_table(self._stored(table).table.name)
        self._changed = True

    def put(self, table: str, select_sql: str) -> int:
        """Put the rows of a query into a table, matching columns by name; returns how many. KeyError if there is no such table.

        A column that the query lacks is DuckDB's BinderException, a value that does not fit its ConversionException.
        """
        self._need_group()
        with self._failures():
            file = self._stage(self._stored(table).table, select_sql)
        if file.rows:
            before = self._changes.get(table, Change())
            self._changes[table] = Change((*before.files, file), before.replaces)
            self._changed = True
        return file.rows

    def stage(self, table: Table, select_sql: str) -> int:
        """Write the rows of a query to a file that waits for a later group, which `put_staged` makes it part of; returns how many rows."""
        with self._failures():
            present = self._state.tables().get(table.name)
            file = self._stage(table if present is None else present.table, select_sql)
        if file.rows:
            self._staged.setdefault(table.name, []).append(file)
        return file.rows

    def put_staged(self, table: str) -> None:
        """Put the waiting files of a table into the open group."""
        self._need_group()
        files = self._staged.pop(table, [])
        if files:
            before = self._changes.get(table, Change())
            self._changes[table] = Change((*before.files, *files), before.replaces)
            self._changed = True

    def abandon(self) -> None:
        """Remove the files that wait for a group, if there are some."""
        if self._staged and not self._in_group:
            with contextlib.suppress(StoreError), self._failures():
                publish.clear_staged(self._state, self._generation)
        self._staged = {}

    def replace(self, table: str, selects: Iterable[str]) -> int:
        """Put the rows of queries, a file each, in the place of all that a table holds; returns how many.

        RuntimeError if rows were put into the table in this group already.
        """
        self._need_group()
        if table in self._changes:
            raise RuntimeError(f"rows were put into the table {table} in this group already")
        with self._failures():
            stored = self._stored(table).table
            staged = [self._stage(stored, select) for select in selects]
            files = tuple(file for file in staged if file.rows) or tuple(staged[:1])  # a table without rows has a file without rows
        self._changes[table] = Change(files, replaces=True)
        self._changed = True
        return sum(file.rows for file in files)

    def _stage(self, table: Table, select_sql: str) -> NewFile:
        return stage(self.connection, self._generation, table, select_sql)

    def set_source(self, source: SourceState) -> None:
        """Replace the state of a source."""
        self._need_group()
        with self._failures():
            if self._state.sources().get(source.name) != source:
                self._state.set_source(source)
                self._changed = True

    def remember_files(self, marks: Sequence[FileMark]) -> None:
        """Remember that this much of some files has been read; marks stay for ever, a known content keeps its first mark."""
        self._need_group()
        with self._failures():
            self._changed |= self._state.remember_files(marks) > 0

    def file_marks(self, source: str) -> list[FileMark]:
        """All marks of a source, the shortest first."""
        with self._failures():
            return self._state.file_marks(source)

    def count_reject(self, source: str, reason: str, n: int) -> None:
        """Count `n` more rejects of a source by their reason."""
        self._need_group()
        if n:
            with self._failures():
                self._state.count_reject(source, reason, n)
            self._changed = True

    def reject_counts(self) -> dict[str, dict[str, int]]:
        """Rejects by source and reason since the store was made."""
        with self._failures():
            return self._state.reject_counts()

    def finish(self) -> None:
        """End a rebuild: readers now see this generation, and the one before is removed. Does nothing in a normal run."""
        if not self._rebuild:
            return
        if self._in_group or self._unpublished:
            raise RuntimeError("a rebuild cannot be finished with a commit group open or unpublished")
        with self._failures():
            self._head.write(self.path)
            self._rebuild = False
            generations.mark_finished(self._generation)
        generations.clean(self.path, self._head)

    def _publish(self, done: Mapping[str, int]) -> None:
        self._unpublished = True
        versions = publish.append_waiting(self._state, self._generation, done)
        head = publish.head_of(self._state, self._generation, versions)
        if not self._rebuild:
            head.write(self.path)
        if versions:
            self._state.clear(versions)
        self._head = head
        self._unpublished = False
        generations.clear_dropped(self._generation, self._state.tables())

    def _recover(self, head: Head | None) -> None:
        if head is not None:
            recovery.check_head(self._state, head)
        publish.clear_staged(self._state, self._generation)
        done = recovery.published(self._state, self._generation)
        if self._state.seq and (self._head != head or any(stored.pending for stored in self._state.tables().values())):
            self._publish(done)
        generations.mark_finished(self._generation)
