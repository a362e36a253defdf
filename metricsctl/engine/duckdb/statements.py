"""The SQL that makes values of stored states: merged by bucket and key, finished as each aggregate is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from metricsctl.engine.duckdb.aggregate import ENTITY, dimension_column, merge_columns
from metricsctl.engine.duckdb.connection import quote
from metricsctl.engine.duckdb.states import column_names, finish, finish_stock
from metricsctl.plan.types import Base, Measure

__all__ = ["Buckets", "ReadStatement", "alone", "values_sql"]

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Buckets:
    """Which buckets are asked for: each window to read with its cell, and of which cells each bucket is made.

    `spans` are cell, bucket, and from when on rows count in it; without them a cell is a bucket.
    """

    windows: Ints
    cells: Ints
    spans: tuple[Ints, Ints, Ints] | None = None

    def tables(self) -> dict[str, dict[str, Ints]]:
        """The tables that the statements join: `cells`, and `spans` if there are some."""
        found = {"cells": {"window": self.windows, "cell": self.cells}}
        if self.spans is not None:
            found["spans"] = dict(zip(("cell", "bucket", "begin"), self.spans, strict=True))
        return found


@dataclass(frozen=True, slots=True)
class ReadStatement:
    """SQL that reads simple metrics as `StateReader.states` does; stands alone; a metric's values are in `value METRIC`."""

    metrics: tuple[str, ...]
    sql: str


def values_sql(
    scan: str, by: Sequence[str], wanted: Mapping[str, Base], where: str | None, dimensions: Sequence[str], *, spans: bool
) -> str:
    """The statement over the tables of `Buckets`; of a stock, whose rollup has these dimensions, there is one metric at a time."""
    if any(base.stock is not None for base in wanted.values()):
        return _stock(scan, by, wanted, where, dimensions)
    measures: dict[str, Measure] = {base.measure.id: base.measure for base in wanted.values() if base.measure.id != "rows"}
    merged = [item for measure in measures.values() for item in merge_columns(measure, to_read=True)]
    keys = [f"{quote(dimension_column(name))} AS {quote('key ' + name)}" for name in by]
    shown_keys = [quote("key " + name) for name in by]
    filtered = scan if where is None else f"(SELECT * FROM {scan} WHERE {where})"
    bucket, numbers = "cell" if spans else "bucket", ", ".join(str(n + 1) for n in range(len(by) + 1))
    inner = (
        f"SELECT b.cell AS {bucket}, {', '.join([*keys, 'sum(p.rows)::BIGINT AS rows', 'bool_or(p.late) AS late', *merged])}\n"
        f'FROM {filtered} p\nJOIN cells b ON p."window" = b."window"\nGROUP BY {numbers}'
    )
    if spans:
        inner = (
            f"SELECT s.bucket, {', '.join([*shown_keys, 'sum(rows)::BIGINT AS rows', 'bool_or(late) AS late', *merged])}\n"
            f"FROM ({inner}) c\nJOIN spans s ON c.cell = s.cell\nGROUP BY {numbers}"
        )
    values = [f"CAST({_finished(base)} AS DOUBLE) AS {quote('value ' + name)}" for name, base in wanted.items()]
    return f"SELECT {', '.join(['bucket', *shown_keys, 'rows', 'late', *values])}\nFROM ({inner})\nORDER BY {_order(by)}"


def _finished(base: Base) -> str:
    measure = base.measure
    return finish(base.aggregate, measure.kind, column_names(measure.id, measure.kind), base.p)


def _order(by: Sequence[str]) -> str:
    return ", ".join([*(f"{quote('key ' + name)} NULLS FIRST" for name in by), "bucket"])


def _stock(scan: str, by: Sequence[str], wanted: Mapping[str, Base], where: str | None, dimensions: Sequence[str]) -> str:
    """The row of each entity that counts in a bucket, then the aggregate over entities by the keys of those rows."""
    ((name, base),) = wanted.items()
    time, value = (quote(column) for column in column_names(base.measure.id, base.measure.kind))
    # at a tie the larger value counts, then the larger key, NULL being the smallest
    texts = [f"coalesce('=' || {quote(dimension_column(key))}, '')" for key in dimensions]
    sign, best = ("-", "min") if base.measure.kind == "first" else ("", "max")
    row = ", ".join([f"t: {time}", f"v: {sign}{value}", *(f"d{number}: {text}" for number, text in enumerate(texts))])
    keys = ", ".join(
        ["", *(f"CASE WHEN s.d{n} <> '' THEN substr(s.d{n}, 2) END AS {quote(dimension_column(key))}" for n, key in enumerate(dimensions))]
    )
    cells = (
        f"SELECT b.cell, p.{ENTITY} AS entity, bool_or(p.late) AS late, {best}({{{row}}}) AS s FROM {scan} p JOIN cells b "
        f'ON p."window" = b."window" WHERE {time} IS NOT NULL GROUP BY 1, 2'
    )
    entities = (
        f"SELECT g.bucket, g.begin, c.entity, bool_or(c.late) AS late, {best}(c.s) AS s\n"
        f"FROM ({cells}) c\nJOIN spans g ON c.cell = g.cell\nGROUP BY 1, 2, 3"
    )
    held = f"SELECT bucket, late, {sign}s.v AS v{keys}\nFROM ({entities})\nWHERE s.t >= begin"
    shown = [f"{quote(dimension_column(key))} AS {quote('key ' + key)}" for key in by]
    result = f"CAST({finish_stock(base.aggregate)} AS DOUBLE) AS {quote('value ' + name)}"
    condition = "" if where is None else f" WHERE {where}"
    return (
        f"SELECT {', '.join(['bucket', *shown, 'count(*) AS rows', 'bool_or(late) AS late', result])}\nFROM ({held}){condition}\n"
        f"GROUP BY {', '.join(str(n + 1) for n in range(len(by) + 1))}\nORDER BY {_order(by)}"
    )


def alone(
    scan: str, buckets: Buckets, by: Sequence[str], wanted: Sequence[Base], where: str | None, dimensions: Sequence[str]
) -> ReadStatement:
    """The statement with its buckets in it, and columns named after the metrics."""
    names = [base.metric for base in wanted]
    labels = [name if names.count(name) == 1 else f"{name} {number}" for number, name in enumerate(names, 1)]
    text = values_sql(scan, by, dict(zip(labels, wanted, strict=True)), where, dimensions, spans=buckets.spans is not None)
    tables = [f"cells AS ({_cells_sql(scan, buckets)})"]
    if buckets.spans is not None:
        tables.append(f"spans AS ({_lists(buckets.tables()['spans'])})")
    return ReadStatement(tuple(labels), f"WITH {', '.join(tables)}\n{text}")


def _cells_sql(scan: str, buckets: Buckets) -> str:
    """Which cell each window belongs to: by a formula where the cells are buckets of fixed steps, else as lists."""
    windows, cells = buckets.windows, buckets.cells
    step = int(np.gcd.reduce(np.diff(np.unique(cells)))) if len(np.unique(cells)) > 1 else 0
    if buckets.spans is not None:
        return _lists(buckets.tables()["cells"])
    if np.array_equal(windows, cells):
        cell = '"window"'
    elif step and np.array_equal(windows - windows % step, cells):
        cell = f'"window" - "window" % {step}'
    else:
        return _lists(buckets.tables()["cells"])
    return f'SELECT DISTINCT "window", {cell} AS cell FROM {scan} WHERE "window" BETWEEN {windows[0]} AND {windows[-1]}'


def _lists(columns: Mapping[str, Ints]) -> str:
    return "SELECT " + ", ".join(f"unnest({values.tolist()}) AS {quote(name)}" for name, values in columns.items())
