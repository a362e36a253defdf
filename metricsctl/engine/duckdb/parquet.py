"""Reading Parquet files by their exact paths."""

from __future__ import annotations

import contextlib
import os
import pathlib
import tempfile
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from metricsctl.core.errors import DataError, StoreError
from metricsctl.engine.duckdb.connection import connect, literal, quote
from metricsctl.plan.tables import Table

if TYPE_CHECKING:
    import duckdb

__all__ = ["count_readable", "literal_path", "parquet_bytes", "parquet_columns", "parquet_lines", "read_parquet", "write_parquet"]

_GLOB = str.maketrans({"?": "[?]", "*": "[*]", "[": "[[]"})


def read_parquet(files: Sequence[str | os.PathLike[str]]) -> str:
    """The SQL call that reads exactly these files; a `?` or `*` in a path is not a pattern here. There must be one at least.

    >>> print(read_parquet(["/a?/b.parquet", "/c.parquet"]))
    read_parquet(['/a[?]/b.parquet', '/c.parquet'])
    """
    if not files:
        raise ValueError("read_parquet needs a file")
    return f"read_parquet([{', '.join(map(literal_path, files))}])"


def literal_path(file: str | os.PathLike[str]) -> str:
    """A path as a SQL string that is no pattern.

    >>> print(literal_path("/a?/b.csv"))
    '/a[?]/b.csv'
    """
    return literal(os.fspath(file).translate(_GLOB))


def count_readable(file: str | os.PathLike[str]) -> int:
    """The rows of a file, every value of which was decoded; StoreError if that fails."""
    import duckdb

    with connect(None) as connection:
        try:
            row = connection.execute(f"SELECT count(*), bit_xor(hash(t)) FROM {read_parquet([file])} AS t").fetchone()
        except duckdb.Error as error:
            raise StoreError(
                f"cannot read {os.fspath(file)}: {str(error).strip().partition(chr(10))[0]}", hint="restore it from a backup"
            ) from error
    return int(row[0]) if row else 0


def parquet_columns(file: str | os.PathLike[str]) -> dict[str, list[Any]]:
    """The columns of a file by name; DataError if it cannot be read."""
    import duckdb

    with connect(None) as connection:
        try:
            found = connection.execute(f"SELECT * FROM {read_parquet([file])}")
            rows = found.fetchall()
        except duckdb.Error as error:
            message = str(error).strip().partition(chr(10))[0]
            raise DataError(f"cannot read {os.fspath(file)}: {message}", hint="is the file whole?") from error
        names = [column[0] for column in found.description or ()]
    return {name: [row[place] for row in rows] for place, name in enumerate(names)}


def parquet_lines(file: str | os.PathLike[str], most: int) -> list[str]:
    """The first rows of a file as JSON objects; DataError if it cannot be read."""
    import duckdb

    with connect(None) as connection:
        try:
            found = connection.execute(f"SELECT to_json(t) FROM (SELECT * FROM {read_parquet([file])} LIMIT {most}) AS t").fetchall()
        except duckdb.Error as error:
            reason = str(error).strip().partition(chr(10))[0]
            raise DataError(f"cannot read {os.fspath(file)}: {reason}", hint="is it a Parquet file?") from error
    return [row[0] for row in found]


def write_parquet(connection: duckdb.DuckDBPyConnection, select_sql: str, table: Table, path: pathlib.Path, level: int = 1) -> int:
    """Write the rows of a query as a file of a table, columns by name, sorted as the table is; returns how many rows.

    `level` is that of zstd: 3 takes twice as long as 1 for a sixth less. DataError if the query needs more memory than there is.
    """
    import duckdb

    columns = ", ".join(f"CAST({quote(column.name)} AS {column.type}) AS {quote(column.name)}" for column in table.columns)
    order = f" ORDER BY {', '.join(map(quote, table.sort_by))}" if table.sort_by else ""
    # 122,880 rows are the unit in which DuckDB skips and shares work
    options = f"FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL {level}, ROW_GROUP_SIZE 122880"
    try:
        found = connection.execute(f"COPY (SELECT {columns} FROM ({select_sql}){order}) TO {literal(str(path))} ({options})").fetchone()
    except duckdb.OutOfMemoryException as error:
        message = f"the states of '{table.name}' do not fit into memory"
        raise DataError(message, hint="allow more with --memory, or split by fewer dimensions") from error
    return int(found[0]) if found else 0


def parquet_bytes(columns: Mapping[str, Any]) -> bytes:
    """Numpy columns of the same length as a Parquet file; objects are text or None, NaN stays NaN."""
    with tempfile.TemporaryDirectory(prefix="metricsctl-") as folder, contextlib.closing(connect(None)) as connection:
        file = pathlib.Path(folder) / "result.parquet"
        connection.register("result", dict(columns))
        texts = [name for name, values in columns.items() if values.dtype == object]
        replaced = ", ".join(f"CAST({quote(name)} AS VARCHAR) AS {quote(name)}" for name in texts)
        select = f"SELECT * REPLACE ({replaced}) FROM result" if texts else "SELECT * FROM result"
        connection.execute(f"COPY ({select}) TO {literal(str(file))} (FORMAT parquet, COMPRESSION zstd)")
        return file.read_bytes()
