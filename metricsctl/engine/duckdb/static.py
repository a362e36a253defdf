"""Static tables: their files as tables of typed columns, to which events are joined."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metricsctl.core.errors import DataError
from metricsctl.engine.duckdb.connection import literal, quote
from metricsctl.engine.duckdb.parquet import literal_path, read_parquet
from metricsctl.engine.duckdb.typed import sql_type
from metricsctl.plan.types import StaticTable

if TYPE_CHECKING:
    import duckdb

__all__ = ["load_static", "static_table"]


def static_table(name: str) -> str:
    """The temporary table that holds a static table, quoted."""
    return quote(f"static table {name}")


def load_static(connection: duckdb.DuckDBPyConnection, table: StaticTable) -> None:
    """Read the file of a static table. DataError if it cannot be read, lacks a declared column, or has a value of another type."""
    import duckdb

    try:
        scan = _scan(table)
        present = {row[0]: row[1] for row in connection.execute(f"DESCRIBE SELECT * FROM {scan}").fetchall()}
        declared = {column.name: column.type for column in table.columns}
        missing = next((name for name in declared if name not in present), None)
        if missing is not None:
            raise DataError(f"{table.path}: no column '{missing}', which '{table.name}' declares", hint=f"it has {', '.join(present)}")
        texts = ", ".join(f"CAST({quote(name)} AS VARCHAR) AS {quote(name)}" for name in present)
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {static_table(table.name)} AS SELECT {texts} FROM {scan}")
        for name, kind in declared.items():
            _convert(connection, table, name, kind)
    except (duckdb.IOException, duckdb.InvalidInputException, duckdb.ConversionException) as error:
        raise DataError(f"{table.path}: {str(error).splitlines()[0]}", hint="a static table is CSV, TSV, NDJSON or Parquet") from error


def _convert(connection: duckdb.DuckDBPyConnection, table: StaticTable, name: str, kind: str) -> None:
    """Give a column of text its declared type; a value that does not fit is an error: there is no row that could be rejected."""
    if kind == "string":
        return
    column, target = quote(name), static_table(table.name)
    bad = f"{column} IS NOT NULL AND TRY_CAST({column} AS {sql_type(kind)}) IS NULL"
    found = connection.execute(f"SELECT rowid + 1, {column} FROM {target} WHERE {bad} LIMIT 1").fetchone()
    if found is not None:
        raise DataError(
            f"{table.path}: row {found[0]}: {found[1]!r} in column '{name}' is no {kind}", hint="mend the row, or the declared type"
        )
    connection.execute(f"ALTER TABLE {target} ALTER {column} TYPE {sql_type(kind)}")


def _scan(table: StaticTable) -> str:
    suffix = table.path.suffix.lower()
    if suffix == ".parquet":
        return read_parquet([table.path])
    file = literal_path(table.path)
    if suffix in {".csv", ".tsv"}:
        mark = literal("\t" if suffix == ".tsv" else ",")
        return f"read_csv({file}, header = true, all_varchar = true, delim = {mark}, quote = '\"', escape = '\"', comment = '')"
    return f"read_json({file}, format = 'newline_delimited', sample_size = -1)"
