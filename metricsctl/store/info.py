"""What is in a store, and whether all its parts belong together."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TypedDict

from metricsctl.core.diagnostics import Diagnostic, Severity
from metricsctl.core.errors import StoreError, UsageError
from metricsctl.core.timegrid import to_iso
from metricsctl.engine.duckdb.connection import connect, storage_errors
from metricsctl.engine.duckdb.parquet import count_readable
from metricsctl.store import delta, recovery
from metricsctl.store.delta import DataFile
from metricsctl.store.files import file_errors, usable
from metricsctl.store.generation import STATE_FILE, current, table_folder
from metricsctl.store.head import Head, SourceState, TableState
from metricsctl.store.lock import StoreLock
from metricsctl.store.reader import StoreReader
from metricsctl.store.state import State

__all__ = ["StoreInfo", "TableInfo", "VerifyReport", "info", "source_data", "verify"]


@dataclass(frozen=True, slots=True)
class TableInfo:
    """A table as readers see it: its Delta version (None before its first rows), and the count, bytes and rows of its files."""

    name: str
    version: int | None
    files: int
    bytes: int
    rows: int


class SourceData(TypedDict):
    """A source in JSON: its rows so far, times as ISO 8601 in UTC."""

    name: str
    rows: int
    rejected: int
    max_time: str | None
    watermark: str | None
    closed_until: str | None


class StoreData(TypedDict):
    """A store in JSON."""

    path: str
    format: int
    store_id: str
    generation: str
    seq: int
    bytes: int
    sources: list[SourceData]
    tables: tuple[TableInfo, ...]


@dataclass(frozen=True, slots=True)
class StoreInfo:
    """A store as readers see it; `bytes` is what the whole folder takes, the writer's own files and old versions included."""

    name: ClassVar[str] = "store"
    version: ClassVar[int] = 1

    path: str
    format: int
    store_id: str
    generation: str
    seq: int
    bytes: int
    sources: tuple[SourceState, ...]
    tables: tuple[TableInfo, ...]

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """None: `verify` finds faults."""
        return ()

    @property
    def stats(self) -> dict[str, int]:
        """Counts."""
        return {
            "sources": len(self.sources),
            "tables": len(self.tables),
            "files": sum(table.files for table in self.tables),
            "states": sum(table.rows for table in self.tables),
        }

    def to_dict(self) -> StoreData:
        """Plain data."""
        return {
            "path": self.path,
            "format": self.format,
            "store_id": self.store_id,
            "generation": self.generation,
            "seq": self.seq,
            "bytes": self.bytes,
            "sources": [source_data(source) for source in self.sources],
            "tables": self.tables,
        }


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """The problems of a store, and how much was read to find them."""

    name: ClassVar[str] = "store-verify"
    version: ClassVar[int] = 1

    ok: bool
    problems: tuple[str, ...]
    tables: int
    files: int
    rows: int

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """The problems as findings."""
        return tuple(Diagnostic("store", Severity.ERROR, problem) for problem in self.problems)

    @property
    def stats(self) -> dict[str, int]:
        """Counts."""
        return {"problems": len(self.problems)}

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {"ok": self.ok, "problems": list(self.problems), "tables": self.tables, "files": self.files, "rows": self.rows}


def source_data(source: SourceState) -> SourceData:
    """A source as it stands in JSON."""
    times = (None if time is None else to_iso(time) for time in (source.max_time, source.watermark, source.closed_until))
    max_time, watermark, closed_until = times
    return {
        "name": source.name,
        "rows": source.rows,
        "rejected": source.rejected,
        "max_time": max_time,
        "watermark": watermark,
        "closed_until": closed_until,
    }


def info(path: str | os.PathLike[str]) -> StoreInfo:
    """What readers see of the store at `path`; UsageError if there is none."""
    return StoreReader.open(path).retrying(_info)


def _info(reader: StoreReader) -> StoreInfo:
    head = reader.head
    tables = []
    for name, table in sorted(head.tables.items()):
        files = _files(reader.path / head.generation, table)
        tables.append(TableInfo(name, table.version, len(files), sum(file.bytes for file in files), sum(file.rows for file in files)))
    sources = tuple(state for _, state in sorted(head.sources.items()))
    size = _folder_bytes(reader.path)
    return StoreInfo(str(reader.path), head.format, head.store_id, head.generation, head.seq, size, sources, tuple(tables))


def _files(generation: Path, table: TableState) -> list[DataFile]:
    return [] if table.version is None else delta.snapshot(table_folder(generation, table.name), table.version)


def _folder_bytes(folder: Path) -> int:
    total = 0
    for base, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):  # a writer may be at work
                total += Path(base, name).stat().st_size
    return total


def verify(path: str | os.PathLike[str]) -> VerifyReport:
    """Compare head, writer's state and tables of the store at `path`, and read every published row.

    A publication that a crash interrupted is no problem: the next `ingest` finishes it.

    Raises
    ------
    UsageError
        There is no store.
    StoreError
        A writer is at work, or another version wrote the store.
    """
    root = usable(path)
    if not root.is_dir() or (Head.read(root) is None and current(root, None) is None):
        raise UsageError(f"no store at {root}", hint="run `metricsctl ingest`", code="no-store")
    lock = StoreLock.take(root)
    try:
        with file_errors(root):
            return _Check(root).run()
    finally:
        lock.release()


class _Check:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.problems: list[str] = []
        self.files = 0
        self.rows = 0

    def run(self) -> VerifyReport:
        head = Head.read(self.root)
        with self._noting():
            generation = current(self.root, head)
            if generation is not None:
                self._state(generation, head)
                for table in head.tables.values() if head else ():
                    with self._noting():
                        self._table(generation, table)
        return VerifyReport(not self.problems, tuple(self.problems), len(head.tables) if head else 0, self.files, self.rows)

    @contextlib.contextmanager
    def _noting(self) -> Iterator[None]:
        try:
            yield
        except StoreError as error:
            self.problems.append(error.message.removeprefix("store diverged: "))

    def _state(self, generation: Path, head: Head | None) -> None:
        file = generation / STATE_FILE
        if not file.exists():
            self.problems.append(f"the writer's state is gone: {file}")
            return
        with self._noting(), storage_errors(file), connect(file, read_only=True) as connection:
            state = State.load(connection)
            if state is None:
                self.problems.append(f"the writer's state is empty: {file}")
                return
            if head is not None:
                with self._noting():
                    recovery.check_head(state, head)
                self._head(state, head)
            store_id = state.store_id
            for stored in state.tables().values():
                with self._noting():
                    recovery.check_table(stored, generation, store_id)

    def _head(self, state: State, head: Head) -> None:
        tables = state.tables()
        interrupted = head.seq < state.seq
        for name, table in sorted(head.tables.items()):
            stored = tables.get(name)
            if stored is None and not interrupted:
                self.problems.append(f"head.json names the table {name}, which the writer's state does not know")
            elif stored is not None and stored.pending is None and not interrupted and stored.version != table.version:
                self.problems.append(f"head.json names version {table.version} of table {name}, the writer's state {stored.version}")
        self.problems.extend(f"head.json lacks the table {name}" for name in sorted(tables.keys() - head.tables) if not interrupted)

    def _table(self, generation: Path, table: TableState) -> None:
        for file in _files(generation, table):
            self.files += 1
            found = Path(file.path)
            if not found.exists():
                self.problems.append(f"table {table.name} lacks the file {found.name}")
            elif found.stat().st_size != file.bytes:
                self.problems.append(f"table {table.name}: {found.name} has {found.stat().st_size} bytes, not {file.bytes}")
            else:
                self._read(table.name, file)

    def _read(self, table: str, file: DataFile) -> None:
        with self._noting():
            rows = count_readable(file.path)
            self.rows += rows
            if rows != file.rows:
                self.problems.append(f"table {table}: {Path(file.path).name} has {rows} rows, not {file.rows}")
