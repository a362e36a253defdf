"""The writer's private state: tables, sources, files read, rejects, and the outbox of Parquet files that wait to be published.

It lies in the schema `store` of the writer's DuckDB file; whatever else is in that file belongs to the ingest engine.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from metricsctl.core.errors import StoreError
from metricsctl.plan.tables import Column, Table
from metricsctl.store.delta import NewFile
from metricsctl.store.head import FORMAT, READABLE, SourceState

if TYPE_CHECKING:
    import duckdb

__all__ = ["Change", "FileMark", "Pending", "State", "StoredTable"]

_SCHEMA = """
CREATE SCHEMA store;
CREATE TABLE store.self (format INTEGER, store_id VARCHAR, seq BIGINT);
CREATE TABLE store.tables (
    id INTEGER, name VARCHAR, columns VARCHAR, sort_by VARCHAR, meta VARCHAR, last_seq BIGINT, version BIGINT
);
CREATE TABLE store.sources (
    name VARCHAR, watermark BIGINT, max_time BIGINT, closed_until BIGINT, rows BIGINT, rejected BIGINT
);
CREATE TABLE store.files (
    source VARCHAR, path VARCHAR, size BIGINT, digest VARCHAR, lines BIGINT, rows BIGINT, open_line BOOLEAN,
    UNIQUE (source, size, digest)
);
CREATE TABLE store.rejects (source VARCHAR, reason VARCHAR, n BIGINT);
"""
_OUTBOX = """
CREATE TABLE store.outbox (
    table_id INTEGER, previous BIGINT, seq BIGINT, file VARCHAR, bytes BIGINT, rows BIGINT, replaces BOOLEAN
);
"""


@dataclass(frozen=True, slots=True)
class FileMark:
    """The first `size` decompressed bytes of a file, whose BLAKE2b digest is `digest`, have been read into `source`.

    They hold `lines` lines and `rows` accepted rows; `open_line` says that the last line had no end yet. `path` is where it lay then.
    """

    source: str
    path: str
    size: int
    digest: str
    lines: int
    rows: int
    open_line: bool


@dataclass(frozen=True, slots=True)
class Pending:
    """Files that are committed here and perhaps not published: the transaction numbers before and after.

    `replaces`: they take the place of all files of the table (a compaction).
    """

    previous: int | None
    seq: int
    files: tuple[NewFile, ...]
    replaces: bool


@dataclass(frozen=True, slots=True)
class Change:
    """What the open group does to a table: files added to it, or (`replaces`) put in the place of all its files."""

    files: tuple[NewFile, ...] = ()
    replaces: bool = False


@dataclass(frozen=True, slots=True)
class StoredTable:
    """A table with the number and the Delta version of its last publication (None: never), and what waits in the outbox."""

    id: int
    table: Table
    last_seq: int | None
    version: int | None
    pending: Pending | None


class State:
    """SQL over the private state; opens no transaction of its own, except in `clear`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection

    @classmethod
    def load(cls, connection: duckdb.DuckDBPyConnection) -> Self | None:
        """The state in this database, None if there is none; StoreError if another version wrote it."""
        found = connection.execute("SELECT count(*) FROM duckdb_tables() WHERE schema_name = 'store' AND table_name = 'self'").fetchone()
        if found is None or found[0] == 0:
            return None
        state = cls(connection)
        if state.format not in READABLE:
            raise StoreError(
                f"the store was written by another version of metricsctl (format {state.format}, this one knows {FORMAT})",
                hint="use that version, or another folder with --store",
            )
        return state

    @classmethod
    def create(cls, connection: duckdb.DuckDBPyConnection) -> Self:
        """A new state with an id of its own."""
        connection.execute("BEGIN")
        connection.execute(_SCHEMA + _OUTBOX)
        connection.execute("INSERT INTO store.self VALUES (?, ?, 0)", [FORMAT, str(uuid.uuid4())])
        connection.execute("COMMIT")
        return cls(connection)

    def _rows(self, sql: str, values: list[Any] | None = None) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql, values or []).fetchall()

    def _self(self) -> tuple[int, str, int]:
        ((fmt, store_id, seq),) = self._rows("SELECT format, store_id, seq FROM store.self")
        return fmt, store_id, seq

    @property
    def format(self) -> int:
        """The version of this schema that the state is in."""
        return self._self()[0]

    @property
    def store_id(self) -> str:
        """The id under which this store's transactions stand in the Delta logs."""
        return self._self()[1]

    @property
    def seq(self) -> int:
        """The number of the last commit group."""
        return self._self()[2]

    def tables(self) -> dict[str, StoredTable]:
        """All tables by name, in the order of their making."""
        waiting = self._waiting()
        rows = self._rows("SELECT id, name, columns, sort_by, meta, last_seq, version FROM store.tables ORDER BY id")
        found: dict[str, StoredTable] = {}
        for number, name, columns, sort_by, meta, last_seq, version in rows:
            table = Table(name, tuple(Column(*column) for column in json.loads(columns)), tuple(json.loads(sort_by)), json.loads(meta))
            found[name] = StoredTable(number, table, last_seq, version, waiting.get(number))
        return found

    def _waiting(self) -> dict[int, Pending]:
        """What is in the outbox, by table; a state of format 1 keeps rows there, not files."""
        if self.format == 1:
            rows = self._rows("SELECT table_id, previous, seq FROM store.outbox")
            return {number: Pending(previous, seq, (), replaces=False) for number, previous, seq in rows}
        found: dict[int, Pending] = {}
        for number, previous, seq, file, size, count, replaces in self._rows("SELECT * FROM store.outbox ORDER BY file"):
            before = found.get(number)
            found[number] = Pending(previous, seq, (*(before.files if before else ()), NewFile(file, size, count)), replaces)
        return found

    def add_table(self, table: Table) -> None:
        """Make the row of a new table."""
        columns = [[column.name, column.type] for column in table.columns]
        self._rows(
            "INSERT INTO store.tables SELECT coalesce(max(id), 0) + 1, ?, ?, ?, ?, NULL, NULL FROM store.tables",
            [table.name, json.dumps(columns), json.dumps(table.sort_by), json.dumps(dict(table.meta), allow_nan=False)],
        )

    def set_meta(self, table: str, meta: Mapping[str, Any]) -> None:
        """Replace the meta data of a table."""
        self._rows("UPDATE store.tables SET meta = ? WHERE name = ?", [json.dumps(dict(meta), allow_nan=False), table])

    def sources(self) -> dict[str, SourceState]:
        """All sources by name."""
        rows = self._rows("SELECT name, watermark, max_time, closed_until, rows, rejected FROM store.sources ORDER BY name")
        return {row[0]: SourceState(*row) for row in rows}

    def set_source(self, source: SourceState) -> None:
        """Replace the state of a source."""
        self._rows("DELETE FROM store.sources WHERE name = ?", [source.name])
        values = [source.name, source.watermark, source.max_time, source.closed_until, source.rows, source.rejected]
        self._rows("INSERT INTO store.sources VALUES (?, ?, ?, ?, ?, ?)", values)

    def remember_files(self, marks: Sequence[FileMark]) -> int:
        """Add marks; gives how many are of a content that was not marked already."""
        if not marks:
            return 0
        first = {(mark.source, mark.size, mark.digest): mark for mark in reversed(marks)}.values()
        columns = zip(
            *((mark.source, mark.path, mark.size, mark.digest, mark.lines, mark.rows, mark.open_line) for mark in first), strict=True
        )
        types = ("VARCHAR", "VARCHAR", "BIGINT", "VARCHAR", "BIGINT", "BIGINT", "BOOLEAN")
        lists = ", ".join(f"unnest(?::{name}[])" for name in types)  # one statement: each takes milliseconds
        return int(self._rows(f"INSERT INTO store.files SELECT {lists} ON CONFLICT DO NOTHING", [list(column) for column in columns])[0][0])

    def file_marks(self, source: str) -> list[FileMark]:
        """All marks of a source, the shortest first."""
        return [FileMark(*row) for row in self._rows("SELECT * FROM store.files WHERE source = ? ORDER BY size, digest", [source])]

    def count_reject(self, source: str, reason: str, n: int) -> None:
        """Count `n` more rejects."""
        self._rows("INSERT INTO store.rejects VALUES (?, ?, ?)", [source, reason, n])

    def reject_counts(self) -> dict[str, dict[str, int]]:
        """Rejects by source and reason."""
        counts: dict[str, dict[str, int]] = {}
        for source, reason, n in self._rows("SELECT source, reason, sum(n)::BIGINT FROM store.rejects GROUP BY ALL ORDER BY ALL"):
            counts.setdefault(source, {})[reason] = n
        return counts

    def advance(self, changes: Mapping[str, Change]) -> None:
        """Give the open group its number, and write down which files are to be published under it."""
        tables = self.tables()
        seq = self.seq + 1
        self._rows("UPDATE store.self SET seq = ?", [seq])
        for name, change in changes.items():
            table = tables[name]
            for file in change.files:
                values = [table.id, table.last_seq, seq, file.name, file.bytes, file.rows, change.replaces]
                self._rows("INSERT INTO store.outbox VALUES (?, ?, ?, ?, ?, ?, ?)", values)
            self._rows("UPDATE store.tables SET last_seq = ? WHERE id = ?", [seq, table.id])

    def forget_table(self, table: str) -> None:
        """Remove a table's row."""
        self._rows("DELETE FROM store.tables WHERE name = ?", [table])

    def clear(self, versions: Mapping[str, int]) -> None:
        """Empty the outbox and keep the Delta version at which each of its tables now is, in one transaction."""
        tables = self.tables()
        self.connection.execute("BEGIN")
        for name, version in versions.items():
            self._rows("UPDATE store.tables SET version = ? WHERE id = ?", [version, tables[name].id])
        self._rows("DELETE FROM store.outbox")
        self.connection.execute("COMMIT")

    def migrate(self, write: Callable[[str, str], NewFile]) -> None:
        """Bring a state of format 1, which kept waiting rows in tables of its own, to this one; `write` makes a file of a query."""
        if self.format == FORMAT:
            return
        rows = self._rows("SELECT table_id, previous, seq, name FROM store.outbox JOIN store.tables ON table_id = id")
        files = [(*row[:3], write(row[3], f"SELECT * FROM store.outbox_{row[0]}")) for row in rows]
        self.connection.execute("BEGIN")
        self.connection.execute("DROP TABLE store.outbox")
        self.connection.execute(_OUTBOX)
        for (number,) in self._rows("SELECT id FROM store.tables"):
            self.connection.execute(f"DROP TABLE store.outbox_{number}")
        for number, previous, seq, file in files:
            values = [number, previous, seq, file.name, file.bytes, file.rows, False]
            self._rows("INSERT INTO store.outbox VALUES (?, ?, ?, ?, ?, ?, ?)", values)
        self._rows("UPDATE store.self SET format = ?", [FORMAT])
        self.connection.execute("COMMIT")
