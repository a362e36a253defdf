"""DuckDB as the engine of queries: stored states in, values out, as numpy columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from metricsctl.core.errors import UsageError
from metricsctl.definition.expression import substitute
from metricsctl.engine.duckdb.aggregate import dimension_column, merge_columns
from metricsctl.engine.duckdb.connection import connect, quote
from metricsctl.engine.duckdb.parquet import read_parquet
from metricsctl.engine.duckdb.states import column_names, finish
from metricsctl.engine.duckdb.typed import sql_type
from metricsctl.plan.types import Base, KeyColumn, Measure

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


@dataclass(frozen=True, slots=True)
class ReadStatement:
    """SQL that reads simple metrics as `StateReader.states` does; stands alone; a metric's values are in `value METRIC`."""

    metrics: tuple[str, ...]
    sql: str


class StateReader:
    """Reads published states; one connection in memory for all reads of a query, or one that shares a database with `beside`.

    `log` gets the statements.
    """

    def __init__(self, log: list[ReadStatement] | None = None, beside: duckdb.DuckDBPyConnection | None = None) -> None:
        self._connection: duckdb.DuckDBPyConnection = connect(None) if beside is None else beside.cursor()
        self.log = log

    def close(self) -> None:
        """Give the memory back."""
        self._connection.close()

    def windows(self, files: Sequence[str], first: int | None, last: int | None) -> list[int]:
        """The distinct windows that start within [first, last), in order."""
        if not files:
            return []
        tests = [f'"window" >= {first}'] if first is not None else []
        tests += [f'"window" < {last}'] if last is not None else []
        where = f" WHERE {' AND '.join(tests)}" if tests else ""
        text = f'SELECT DISTINCT "window" AS w FROM {read_parquet(files)}{where} ORDER BY 1'
        return [row[0] for row in self._connection.execute(text).fetchall()]

    def states(
        self,
        files: Sequence[str],
        buckets: tuple[Sequence[int], Sequence[int]],
        by: Sequence[str],
        wanted: Mapping[str, Base],
        where: str | None = None,
    ) -> States:
        """The values of some simple metrics of one rollup, which names them.

        `buckets` are the windows to read and the bucket that each belongs to; `where` is a condition made by `condition_sql`. UsageError
        if it cannot be used.
        """
        import duckdb

        windows, targets = (np.array(part, dtype=np.int64) for part in buckets)
        self._connection.register("buckets", {"window": windows, "bucket": targets})
        text = _states_sql(read_parquet(files), by, wanted, where)
        if self.log is not None:
            self.log.append(_alone(read_parquet(files), (windows, targets), by, list(wanted.values()), where))
        try:
            found = self._connection.execute(text).fetchnumpy()
        except (duckdb.BinderException, duckdb.ConversionException, duckdb.ParserException, duckdb.CatalogException) as error:
            if where is None:
                raise
            message = f"the condition cannot be used: {str(error).splitlines()[0]}"
            raise UsageError(message, hint="compare dimensions with text: \"country = 'DE'\"") from error
        finally:
            self._connection.unregister("buckets")
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


def _states_sql(scan: str, by: Sequence[str], wanted: Mapping[str, Base], where: str | None) -> str:
    measures: dict[str, Measure] = {base.measure.id: base.measure for base in wanted.values() if base.measure.id != "rows"}
    merged = [item for measure in measures.values() for item in merge_columns(measure)]
    keys = [f"{quote(dimension_column(name))} AS {quote('key ' + name)}" for name in by]
    filtered = scan if where is None else f"(SELECT * FROM {scan} WHERE {where})"
    inner = (
        f"SELECT b.bucket, {', '.join([*keys, 'sum(p.rows)::BIGINT AS rows', 'bool_or(p.late) AS late', *merged])}\n"
        f'FROM {filtered} p\nJOIN buckets b ON p."window" = b."window"\nGROUP BY {", ".join(str(n + 1) for n in range(len(by) + 1))}'
    )
    values = [
        f"CAST({finish(base.aggregate, column_names(base.measure.id, base.measure.kind), base.p)} AS DOUBLE) AS {quote('value ' + name)}"
        for name, base in wanted.items()
    ]
    order = ", ".join([*(f"{quote('key ' + name)} NULLS FIRST" for name in by), "bucket"])
    shown_keys = [quote("key " + name) for name in by]
    return f"SELECT {', '.join(['bucket', *shown_keys, 'rows', 'late', *values])}\nFROM ({inner})\nORDER BY {order}"


def _alone(
    scan: str, buckets: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]], by: Sequence[str], wanted: Sequence[Base], where: str | None
) -> ReadStatement:
    """The statement of `StateReader.states` with its windows in it, and columns named after the metrics."""
    windows, targets = buckets
    names = [base.metric for base in wanted]
    labels = [name if names.count(name) == 1 else f"{name} {number}" for number, name in enumerate(names, 1)]
    text = _states_sql(scan, by, dict(zip(labels, wanted, strict=True)), where)
    return ReadStatement(tuple(labels), f"WITH buckets AS ({_buckets_sql(scan, windows, targets)})\n{text}")


def _buckets_sql(scan: str, windows: npt.NDArray[np.int64], targets: npt.NDArray[np.int64]) -> str:
    """Which bucket each window belongs to: by a formula where the buckets are fixed steps, else as lists."""
    step = int(np.gcd.reduce(np.diff(np.unique(targets)))) if len(np.unique(targets)) > 1 else 0
    if np.array_equal(windows, targets):
        bucket = '"window"'
    elif step and np.array_equal(windows - windows % step, targets):
        bucket = f'"window" - "window" % {step}'
    else:
        return f'SELECT unnest({windows.tolist()}) AS "window", unnest({targets.tolist()}) AS bucket'
    return f'SELECT DISTINCT "window", {bucket} AS bucket FROM {scan} WHERE "window" BETWEEN {windows[0]} AND {windows[-1]}'


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
