"""The writer's private state: tables, sources, files read, rejects, and the outbox of rows that wait to be published.

It lies in the schema `store` of the writer's DuckDB file; whatever else is in that file belongs to the ingest engine.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from metricsctl.core.errors import StoreError
from metricsctl.engine.duckdb.connection import quote
from metricsctl.plan.tables import Column, Table
from metricsctl.store.head import FORMAT, SourceState

if TYPE_CHECKING:
    import duckdb

__all__ = ["FileMark", "Pending", "State", "StoredTable"]

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
CREATE TABLE store.outbox (table_id INTEGER, previous BIGINT, seq BIGINT, rows BIGINT);
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
    """Rows that are committed here and perhaps not published: the transaction numbers before and after, and how many rows."""

    previous: int | None
    seq: int
    rows: int


@dataclass(frozen=True, slots=True)
class StoredTable:
    """A table with the number and the Delta version of its last publication (None: never), and what waits in the outbox."""

    id: int
    table: Table
    last_seq: int | None
    version: int | None
    pending: Pending | None

    @property
    def outbox(self) -> str:
        """The DuckDB table of its waiting rows."""
        return f"store.outbox_{self.id}"


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
        if state._self()[0] != FORMAT:
            raise StoreError(
                f"the store was written by another version of metricsctl (format {state._self()[0]}, this one knows {FORMAT})",
                hint="use that version, or another folder with --store",
            )
        return state

    @classmethod
    def create(cls, connection: duckdb.DuckDBPyConnection) -> Self:
        """A new state with an id of its own."""
        connection.execute("BEGIN")
        connection.execute(_SCHEMA)
        connection.execute("INSERT INTO store.self VALUES (?, ?, 0)", [FORMAT, str(uuid.uuid4())])
        connection.execute("COMMIT")
        return cls(connection)

    def _rows(self, sql: str, values: list[Any] | None = None) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql, values or []).fetchall()

    def _self(self) -> tuple[int, str, int]:
        ((fmt, store_id, seq),) = self._rows("SELECT format, store_id, seq FROM store.self")
        return fmt, store_id, seq

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
        rows = self._rows(
            "SELECT id, name, columns, sort_by, meta, last_seq, version, previous, outbox.seq, outbox.rows"
            " FROM store.tables LEFT JOIN store.outbox ON table_id = id ORDER BY id"
        )
        found: dict[str, StoredTable] = {}
        for number, name, columns, sort_by, meta, last_seq, version, previous, seq, count in rows:
            table = Table(name, tuple(Column(*column) for column in json.loads(columns)), tuple(json.loads(sort_by)), json.loads(meta))
            found[name] = StoredTable(number, table, last_seq, version, None if seq is None else Pending(previous, seq, count))
        return found

    def add_table(self, table: Table) -> None:
        """Make the row and the outbox of a new table."""
        columns = [[column.name, column.type] for column in table.columns]
        self._rows(
            "INSERT INTO store.tables SELECT coalesce(max(id), 0) + 1, ?, ?, ?, ?, NULL, NULL FROM store.tables",
            [table.name, json.dumps(columns), json.dumps(table.sort_by), json.dumps(dict(table.meta), allow_nan=False)],
        )
        typed = ", ".join(f"{quote(column.name)} {column.type}" for column in table.columns)
        self.connection.execute(f"CREATE TABLE {self.tables()[table.name].outbox} ({typed})")

    def set_meta(self, table: str, meta: Mapping[str, Any]) -> None:
        """Replace the meta data of a table."""
        self._rows("UPDATE store.tables SET meta = ? WHERE name = ?", [json.dumps(dict(meta), allow_nan=False), table])

    def put(self, table: StoredTable, select_sql: str) -> int:
        """Insert the rows of a query into the outbox, column by name; returns how many."""
        names = ", ".join(quote(column.name) for column in table.table.columns)
        return int(self._rows(f"INSERT INTO {table.outbox} ({names}) SELECT {names} FROM ({select_sql})")[0][0])

    def waiting(self, table: StoredTable) -> duckdb.DuckDBPyRelation:
        """The rows in the outbox, in the table's order, as a relation that exports an Arrow stream."""
        names = ", ".join(quote(column.name) for column in table.table.columns)
        order = ", ".join(quote(name) for name in table.table.sort_by)
        return self.connection.sql(f"SELECT {names} FROM {table.outbox}" + (f" ORDER BY {order}" if order else ""))

    def sources(self) -> dict[str, SourceState]:
        """All sources by name."""
        rows = self._rows("SELECT name, watermark, max_time, closed_until, rows, rejected FROM store.sources ORDER BY name")
        return {row[0]: SourceState(*row) for row in rows}

    def set_source(self, source: SourceState) -> None:
        """Replace the state of a source."""
        self._rows("DELETE FROM store.sources WHERE name = ?", [source.name])
        values = [source.name, source.watermark, source.max_time, source.closed_until, source.rows, source.rejected]
        self._rows("INSERT INTO store.sources VALUES (?, ?, ?, ?, ?, ?)", values)

    def remember_file(self, mark: FileMark) -> bool:
        """Add a mark; False if the same content is marked already."""
        values = [mark.source, mark.path, mark.size, mark.digest, mark.lines, mark.rows, mark.open_line]
        return bool(self._rows("INSERT INTO store.files VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", values)[0][0])

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

    def advance(self, rows: Mapping[str, int]) -> None:
        """Give the open group its number, and write down which tables have how many rows to publish under it."""
        tables = self.tables()
        seq = self.seq + 1
        self._rows("UPDATE store.self SET seq = ?", [seq])
        for name, count in rows.items():
            table = tables[name]
            self._rows("INSERT INTO store.outbox VALUES (?, ?, ?, ?)", [table.id, table.last_seq, seq, count])
            self._rows("UPDATE store.tables SET last_seq = ? WHERE id = ?", [seq, table.id])

    def clear(self, versions: Mapping[str, int]) -> None:
        """Empty the outbox and keep the Delta version at which each of its tables now is, in one transaction."""
        tables = self.tables()
        self.connection.execute("BEGIN")
        for name, version in versions.items():
            self._rows("UPDATE store.tables SET version = ? WHERE id = ?", [version, tables[name].id])
            self._rows(f"DELETE FROM {tables[name].outbox}")
        self._rows("DELETE FROM store.outbox")
        self.connection.execute("COMMIT")
