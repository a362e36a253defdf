"""DuckDB as the engine of queries: stored states in, values out, as numpy columns."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from metricsctl.core.errors import UsageError
from metricsctl.definition.rewrite import substitute
from metricsctl.engine.duckdb.aggregate import dimension_column, states_scan
from metricsctl.engine.duckdb.connection import connect, quote
from metricsctl.engine.duckdb.parquet import read_parquet
from metricsctl.engine.duckdb.statements import Buckets, ReadStatement, alone, values_sql
from metricsctl.engine.duckdb.typed import sql_type
from metricsctl.plan.types import Base, KeyColumn

if TYPE_CHECKING:
    import duckdb

__all__ = ["StateReader", "States", "condition_sql"]

Columns = dict[str, Any]


@dataclass(frozen=True)
class States:
    """Merged states of one rollup by bucket and key, as values of the asked metrics; absent values are NaN."""

    keys: Mapping[str, npt.NDArray[np.object_]]
    time: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]
    late: npt.NDArray[np.bool_]
    values: Mapping[str, npt.NDArray[np.float64]]


@functools.lru_cache(maxsize=1)
def _memory(process: int) -> duckdb.DuckDBPyConnection:  # noqa: ARG001 - a database does not outlive a fork
    """A database in memory for all reads of a process, since each new one costs 20 ms; it keeps nothing of the files it has read."""
    connection = connect(None)
    connection.execute("SET enable_external_file_cache = false")
    return connection


class StateReader:
    """Reads published states on a connection of its own, to the process's database in memory or to that of `beside`.

    `log` gets the statements.
    """

    def __init__(self, log: list[ReadStatement] | None = None, beside: duckdb.DuckDBPyConnection | None = None) -> None:
        self._connection: duckdb.DuckDBPyConnection = (beside or _memory(os.getpid())).cursor()
        self.log = log

    def close(self) -> None:
        """Give the memory back."""
        self._connection.close()

    def windows(self, files: Sequence[str], first: int | None, last: int | None, condition: str | None = None) -> list[int]:
        """The distinct windows that start within [first, last), in order; those of rows for which a condition (`condition_sql`) holds."""
        if not files:
            return []
        tests = [f'"window" >= {first}'] if first is not None else []
        tests += [f'"window" < {last}'] if last is not None else []
        tests += [f"({condition})"] if condition is not None else []
        where = f" WHERE {' AND '.join(tests)}" if tests else ""
        text = f'SELECT DISTINCT "window" AS w FROM {read_parquet(files)}{where} ORDER BY 1'
        with _condition_errors(condition):
            return [row[0] for row in self._connection.execute(text).fetchall()]

    def cells(self, files: Sequence[str], dimensions: Sequence[str]) -> int:
        """How many different combinations of values some dimensions have."""
        if not files or not dimensions:
            return int(bool(files))
        names = ", ".join(quote(dimension_column(name)) for name in dimensions)
        row = self._connection.execute(f"SELECT count(*) FROM (SELECT DISTINCT {names} FROM {read_parquet(files)})").fetchone()
        return int(row[0]) if row else 0

    def states(
        self,
        files: Sequence[str],
        buckets: Buckets,
        by: Sequence[str],
        wanted: Mapping[str, Base],
        where: str | None = None,
        dimensions: Sequence[str] = (),
        *,
        revised: bool = False,
    ) -> States:
        """The values of some simple metrics of one rollup, which names them and has these dimensions; `revised`: it is of sessions.

        Metrics of stocks are read one at a time. `where` is a condition made by `condition_sql`. UsageError if it cannot be used.
        """
        tables = buckets.tables()
        for name, columns in tables.items():
            self._connection.register(name, columns)
        scan = states_scan(files, revised=revised)
        text = values_sql(scan, by, wanted, where, dimensions, spans=buckets.spans is not None)
        if self.log is not None:
            self.log.append(alone(scan, buckets, by, list(wanted.values()), where, dimensions))
        try:
            with _condition_errors(where):
                found = self._connection.execute(text).fetchnumpy()
        finally:
            for name in tables:
                self._connection.unregister(name)
        return States(
            keys={name: _objects(found[f"key {name}"]) for name in by},
            time=np.asarray(found["bucket"], dtype=np.int64),
            rows=np.asarray(found["rows"], dtype=np.int64),
            late=np.asarray(found["late"], dtype=np.bool_),
            values={name: _floats(found[f"value {name}"]) for name in wanted},
        )

    def evaluate(self, expression: str, columns: Mapping[str, npt.NDArray[np.float64]]) -> npt.NDArray[np.float64]:
        """A scalar expression over columns of the same length, NaN standing for NULL. UsageError if the engine refuses it."""
        import duckdb

        data: Columns = {f"c{number}": values for number, values in enumerate(columns.values())}
        size = len(next(iter(columns.values()))) if columns else 0
        data["row"] = np.arange(size, dtype=np.int64)
        self._connection.register("inputs", data)
        named = ", ".join(
            f"CASE WHEN isnan(c{number}) THEN NULL ELSE c{number} END AS {quote(name)}" for number, name in enumerate(columns)
        )
        text = f'SELECT CAST(({expression}) AS DOUBLE) AS v FROM (SELECT {named}, "row" AS "__row" FROM inputs) ORDER BY "__row"'
        try:
            return _floats(self._connection.execute(text).fetchnumpy()["v"])
        except duckdb.Error as error:
            raise UsageError(f"'{expression}' cannot be computed: {str(error).splitlines()[0]}", hint="correct `expr:`") from error
        finally:
            self._connection.unregister("inputs")


@contextlib.contextmanager
def _condition_errors(condition: str | None) -> Iterator[None]:
    """What the engine says against a condition becomes UsageError."""
    import duckdb

    try:
        yield
    except (duckdb.BinderException, duckdb.ConversionException, duckdb.ParserException, duckdb.CatalogException) as error:
        if condition is None:
            raise
        message = f"the condition cannot be used: {str(error).splitlines()[0]}"
        raise UsageError(message, hint="compare dimensions with text: \"country = 'DE'\"") from error


def condition_sql(text: str, dimensions: Sequence[KeyColumn]) -> str:
    """A condition over dimensions as one over the stored columns, which are text: each is read in its declared type."""
    stored = {}
    for key in dimensions:
        declared, name = dict(key.types).get(key.name, "string"), quote(dimension_column(key.name))
        stored[key.name] = name if declared == "string" else f"TRY_CAST({name} AS {sql_type(declared)})"
    return substitute(text, "duckdb", stored)


def _floats(column: Any) -> npt.NDArray[np.float64]:
    values = np.asarray(np.ma.getdata(column), dtype=np.float64).copy()
    values[np.ma.getmaskarray(column)] = np.nan
    return values


def _objects(column: Any) -> npt.NDArray[np.object_]:
    plain: npt.NDArray[np.object_] = np.asarray(np.ma.getdata(column), dtype=object).copy()
    plain[np.ma.getmaskarray(column)] = None
    return plain
