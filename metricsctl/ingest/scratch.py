"""A store that lasts as long as one question: what the definitions give for some events, with nothing kept or published."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from metricsctl.engine.duckdb.connection import connect, quote
from metricsctl.engine.duckdb.parquet import write_parquet
from metricsctl.ingest.sink import DrySink
from metricsctl.plan.tables import Table
from metricsctl.store.head import Head, TableState
from metricsctl.store.held import RETIRED
from metricsctl.store.reader import StoreReader

if TYPE_CHECKING:
    import duckdb

__all__ = ["ScratchStore"]


class ScratchStore(DrySink):
    """States as bare files in a folder that the caller removes; no lock, no log, no marks: the same file read twice counts twice.

    A tenth of a second cheaper than a real store, which matters where hundreds of small sets of events are tried. Close it.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(connect(None))
        self.folder = folder
        self._tables: dict[str, Table] = {}
        self._files: dict[str, list[str]] = {}
        self._written = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def create(self, table: Table) -> None:
        """See `Sink`."""
        self._tables[table.name] = table
        state = TableState(table.name, None, table.columns, table.sort_by, table.meta)
        self._head = dataclasses.replace(self._head, tables={**self._head.tables, table.name: state})

    def retire(self, table: str, measures: Sequence[str]) -> None:
        """See `Sink`."""
        state = self._head.tables[table]
        meta = {**state.meta, RETIRED: sorted({*state.meta.get(RETIRED, ()), *measures})}
        self._head = dataclasses.replace(self._head, tables={**self._head.tables, table: dataclasses.replace(state, meta=meta)})

    def put(self, table: str, sql: str) -> int:
        """See `Sink`."""
        self._written += 1
        path = self.folder / f"{self._written}.parquet"
        rows = write_parquet(self.connection, sql, self._tables[table], path)
        if rows:
            self._files.setdefault(table, []).append(str(path))
        return rows

    def stage(self, table: Table, sql: str) -> int:
        """See `Sink`; nobody reads before the run is over."""
        if table.name not in self._tables:
            self.create(table)
        return self.put(table.name, sql)

    def clear(self) -> None:
        """Forget everything that was read."""
        for path in (path for files in self._files.values() for path in files):
            Path(path).unlink()
        kept = "SELECT schema_name, table_name FROM duckdb_tables() WHERE NOT temporary AND NOT internal"  # such as keys that were counted
        for schema, table in self.connection.execute(kept).fetchall():
            self.connection.execute(f"DROP TABLE {quote(schema)}.{quote(table)}")
        self._files, self._tables = {}, {}
        self._head = dataclasses.replace(self._head, sources={}, tables={})

    def reader(self) -> StoreReader:
        """What the store holds now, for a query."""
        return _ScratchReader(self.folder, self._head, self._files, self.connection)


class _ScratchReader(StoreReader):
    """A reader that needs no Delta table to find the files, and no database of its own."""

    __slots__ = ("_connection", "_files")

    def __init__(self, path: Path, head: Head, files: Mapping[str, list[str]], connection: duckdb.DuckDBPyConnection) -> None:
        super().__init__(path, head)
        self._files = files
        self._connection = connection

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """See `StoreReader`."""
        return self._connection

    def reload(self) -> Self:
        """It does not move."""
        return self

    def files(self, table: str) -> list[str]:
        """See `StoreReader`."""
        return list(self._files.get(table, ()))
