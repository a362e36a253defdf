"""Many partial states of a table to one a (window, dimensions): the same answer from fewer rows and files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from metricsctl.engine.duckdb.aggregate import LATE, WINDOW, dimension_column
from metricsctl.engine.duckdb.connection import quote
from metricsctl.engine.duckdb.parquet import read_parquet
from metricsctl.engine.duckdb.states import STATES, column_names
from metricsctl.plan.types import StateKind

if TYPE_CHECKING:
    import duckdb

__all__ = ["compact_sql"]


def compact_sql(
    connection: duckdb.DuckDBPyConnection, files: Sequence[str], columns: Sequence[str], dimensions: Sequence[str], slices: int
) -> list[str]:
    """Queries that merge the states in some files of a rollup, one for each of so many stretches of time.

    `columns` are all of the table: keys, and the states of measures, whose names begin with the kind of the state.
    """
    scan = read_parquet(files)
    keys = [quote(name) for name in (WINDOW, LATE, *map(dimension_column, dimensions))]
    merged = []
    for measure in dict.fromkeys("rows" if name == "rows" else name.rpartition("_")[0] for name in columns if quote(name) not in keys):
        kind = cast("StateKind", "count" if measure == "rows" else measure.partition("_")[0])
        names = column_names(measure, kind)
        quoted = [quote(name) for name in names]
        merged += [f"{text.format(*quoted)} AS {name}" for text, name in zip(STATES[kind].merge, quoted, strict=True)]
    select = f"SELECT {', '.join([*keys, *merged])} FROM {scan}"
    return [f"{select} WHERE {stretch} GROUP BY {', '.join(keys)}" for stretch in _stretches(connection, scan, slices)]


def _stretches(connection: duckdb.DuckDBPyConnection, scan: str, slices: int) -> list[str]:
    """Conditions on the window that cut a table into about equal parts, each window in one."""
    shares = [number / slices for number in range(1, slices)]
    found = connection.execute(f"SELECT quantile_disc({quote(WINDOW)}, {shares}) FROM {scan}").fetchone() if shares else None
    edges = sorted(set(found[0])) if found else []
    window = quote(WINDOW)
    lower = ["true", *(f"{window} >= {edge}" for edge in edges)]
    upper = [*(f"{window} < {edge}" for edge in edges), "true"]
    return [f"{low} AND {high}" for low, high in zip(lower, upper, strict=True)]
