"""Many partial states of a table to one a (window, dimensions): the same answer from fewer rows and files."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from metricsctl.core.errors import DataError
from metricsctl.engine.duckdb.aggregate import ENTITY, LATE, REVISION, WINDOW, dimension_column, states_scan
from metricsctl.engine.duckdb.connection import literal, quote
from metricsctl.engine.duckdb.states import STATES, column_names
from metricsctl.plan.types import StateKind

if TYPE_CHECKING:
    import duckdb

__all__ = ["compact_sql", "export_states"]


def compact_sql(
    connection: duckdb.DuckDBPyConnection,
    files: Sequence[str],
    columns: Sequence[str],
    dimensions: Sequence[str],
    slices: int,
    dropped: Collection[str] = (),
) -> list[str]:
    """Queries that merge the states in some files of a rollup, one for each of so many stretches of time.

    `columns` are all of the table: keys, and the states of measures, whose names begin with the kind of the state; those of `dropped`
    measures become NULL.
    """
    scan = states_scan(files, revised=REVISION in columns)
    keys = _keys(columns, dimensions)
    select = f"SELECT {', '.join([*keys, *_merged(columns, keys, dropped)])} FROM {scan}"
    return [f"{select} WHERE {stretch} GROUP BY {', '.join(keys)}" for stretch in _stretches(connection, scan, slices)]


def export_states(
    connection: duckdb.DuckDBPyConnection, files: Sequence[str], columns: Sequence[str], dimensions: Sequence[str], target: Path
) -> int:
    """Write the merged states of a rollup to a `.parquet` or `.csv` file, one row a window and key; returns how many rows.

    `window` becomes a time in UTC (CSV: as ISO 8601), lists in CSV stand as text.
    """
    import duckdb

    parquet = target.suffix == ".parquet"
    dims = _keys(columns, dimensions)[2:]
    start, late = f"p.{quote(WINDOW)}", quote(LATE)
    window = f"make_timestamptz({start})" if parquet else f"strftime(make_timestamp({start}), '%Y-%m-%dT%H:%M:%SZ')"
    merged = _merged(columns, [quote(WINDOW), late, *dims], ())
    scan = states_scan(files, revised=REVISION in columns)
    shown = ", ".join([f"{window} AS {quote(WINDOW)}", *dims, f"bool_or(p.{late}) AS {late}", *merged])
    keys = ", ".join([*dims, start])
    select = f"SELECT {shown} FROM {scan} p GROUP BY {keys} ORDER BY {keys}"
    options = "FORMAT parquet, COMPRESSION zstd" if parquet else "FORMAT csv, HEADER"
    try:
        found = connection.execute(f"COPY ({select}) TO {literal(str(target))} ({options})").fetchone()
    except duckdb.IOException as error:
        raise DataError(f"cannot write {target.name}: {str(error).splitlines()[0]}", hint="is there room for it?") from error
    return int(found[0]) if found else 0


def _keys(columns: Collection[str], dimensions: Sequence[str]) -> list[str]:
    """The columns, quoted, that tell the states of a table apart: window and late come first."""
    known = (WINDOW, LATE, *map(dimension_column, dimensions), ENTITY, REVISION)
    return [quote(name) for name in known if name in columns]


def _merged(columns: Sequence[str], keys: Collection[str], dropped: Collection[str]) -> list[str]:
    """The merged states of the measures in some columns; those of `dropped` ones are NULL."""
    merged = []
    for measure in dict.fromkeys("rows" if name == "rows" else name.rpartition("_")[0] for name in columns if quote(name) not in keys):
        kind = cast("StateKind", "count" if measure == "rows" else measure.partition("_")[0])
        quoted = [quote(name) for name in column_names(measure, kind)]
        if measure in dropped:
            merged += [f"NULL AS {name}" for name in quoted]
        else:
            merged += [f"{text.format(*quoted)} AS {name}" for text, name in zip(STATES[kind].merge, quoted, strict=True)]
    return merged


def _stretches(connection: duckdb.DuckDBPyConnection, scan: str, slices: int) -> list[str]:
    """Conditions on the window that cut a table into about equal parts, each window in one."""
    shares = [number / slices for number in range(1, slices)]
    found = connection.execute(f"SELECT quantile_disc({quote(WINDOW)}, {shares}) FROM {scan}").fetchone() if shares else None
    edges = sorted(set(found[0])) if found else []
    window = quote(WINDOW)
    lower = ["true", *(f"{window} >= {edge}" for edge in edges)]
    upper = [*(f"{window} < {edge}" for edge in edges), "true"]
    return [f"{low} AND {high}" for low, high in zip(lower, upper, strict=True)]
