"""Rows to states: the SQL that folds a batch into a rollup, and the SQL that makes one partial of several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from metricsctl.engine.duckdb.connection import quote
from metricsctl.engine.duckdb.parquet import read_parquet
from metricsctl.engine.duckdb.states import STATES, column_names
from metricsctl.engine.duckdb.static import static_table
from metricsctl.engine.duckdb.typed import key_hash, sql_type
from metricsctl.plan.tables import Column, Table
from metricsctl.plan.types import Measure, Rollup, SourcePlan, Sql

__all__ = [
    "Closed",
    "batch_table",
    "dialect_sql",
    "fold_sql",
    "is_late",
    "key_columns",
    "merge_columns",
    "relation_ctes",
    "session_batch",
    "states_scan",
    "table_of",
]

WINDOW, LATE, ENTITY, REVISION = "window", "late", "entity", "revision"
_TIME = '"__t"'


@dataclass(frozen=True, slots=True)
class Closed:
    """Which windows were final before this run: those that end by the watermark, and those that start by `until` (a finished replay)."""

    watermark: int | None
    until: int | None


def dimension_column(name: str) -> str:
    """The column of a dimension in a table."""
    return f"dim_{name}"


def states_scan(files: Sequence[str], *, revised: bool) -> str:
    """The scan of a table's files. `revised`: it is of sessions, whose windows are published whole, and the last revision counts."""
    scan = read_parquet(files)
    if not revised:
        return scan
    latest = f'SELECT "{WINDOW}", max({REVISION}) AS {REVISION} FROM {scan} GROUP BY 1'
    return f"(SELECT p.* FROM {scan} p SEMI JOIN ({latest}) l USING ({quote(WINDOW)}, {REVISION}) WHERE rows > 0)"


def key_columns(rollup: Rollup) -> list[str]:
    """The columns of a table that tell its states apart."""
    return [WINDOW, LATE, *map(dimension_column, rollup.dimensions), *([ENTITY] if rollup.entity else ())]


def table_of(rollup: Rollup, measures: Sequence[Measure]) -> Table:
    """The published table of a rollup with these measures; `meta` says what its columns mean."""
    dimensions = [dimension_column(name) for name in rollup.dimensions]
    columns = [Column(WINDOW, "bigint"), Column(LATE, "boolean"), *(Column(name, "varchar") for name in dimensions)]
    columns += [Column(ENTITY, "bigint")] if rollup.entity else []
    columns += [Column(REVISION, "bigint")] if rollup.session else []
    for measure in measures:
        types = [column_type for _, column_type in STATES[measure.kind].columns]
        columns.extend(Column(name, kind) for name, kind in zip(column_names(measure.id, measure.kind), types, strict=True))
    meta = {
        "relation": rollup.relation,
        "sources": list(rollup.sources),
        "dimensions": list(rollup.dimensions),
        "grain": str(rollup.grain),
        "zone": rollup.grid.zone,
        "measures": [measure.id for measure in measures],
    }
    return Table(rollup.id, tuple(columns), (*dimensions, WINDOW), meta)


def dialect_sql(sql: Sql) -> str:
    """SQL text in DuckDB's dialect."""
    if sql.dialect == "duckdb":
        return sql.text
    from metricsctl.definition.rewrite import transpile

    return transpile(sql.text, sql.dialect, "duckdb")


def batch_table(source: str) -> str:
    """The temporary table that holds the batch of a source, quoted."""
    return quote(f"batch of {source}")


def session_batch(model: str) -> str:
    """The temporary table of the sessions of a model that are folded, quoted."""
    return quote(f"changed sessions of {model}")


def relation_ctes(rollup: Rollup, sources: Mapping[str, SourcePlan], fed: str | None, *, inner: bool = False) -> str:
    """CTEs of the relation that a rollup aggregates: its sources (only `fed` has rows, None: all are empty) and its models.

    Of sessions `fed` is their model; `inner` are the CTEs of what sessions are made of.
    """
    session = None if inner else rollup.session
    if session is not None and fed == session.name:
        return f"WITH {quote(session.name)} AS (SELECT * FROM {session_batch(session.name)})"
    parts = []
    for name in rollup.sources:
        columns = sources[name].columns
        if name == fed:
            shown = ", ".join(quote(column.name) for column in columns)
            body = f'SELECT {shown} FROM {batch_table(name)} WHERE "__reason" IS NULL'
        else:
            nulls = ", ".join(f"CAST(NULL AS {sql_type(column.type)}) AS {quote(column.name)}" for column in columns)
            body = f"SELECT {nulls} WHERE false"
        parts.append(f"{quote(name)} AS ({body})")
    parts.extend(f"{quote(table.name)} AS (SELECT * FROM {static_table(table.name)})" for table in rollup.statics)
    parts.extend(f"{quote(model.name)} AS ({dialect_sql(model.sql)})" for model in rollup.models)
    if session is not None:
        firsts = ", ".join(f"{quote(name)}: {quote(name)}" for name in session.firsts)
        empty = (
            "SELECT CAST(NULL AS TIMESTAMPTZ) AS session_start, CAST(NULL AS TIMESTAMPTZ) AS session_end, CAST(NULL AS VARCHAR) AS entity, "
            f"0::BIGINT AS events, 0::DOUBLE AS duration_s{f', {{{firsts}}} AS first' if firsts else ''} "
            f"FROM {quote(session.relation)} WHERE false"
        )
        parts.append(f"{quote(session.name)} AS ({empty})")
    return "WITH " + ", ".join(parts)


def fold_sql(
    rollup: Rollup, measures: Sequence[Measure], sources: Mapping[str, SourcePlan], fed: str | None, closed: Closed, grid_table: str | None
) -> str:
    """SELECT that folds the batch of the source `fed` into partial states of a rollup.

    `grid_table` holds the windows (start, next) of a grain that follows the calendar; fixed grains need none.
    """
    time = f"epoch_us(CAST({quote(rollup.time_column)} AS TIMESTAMPTZ))"
    placed = f'SELECT *, {time} AS "__t" FROM {quote(rollup.relation)} WHERE {quote(rollup.time_column)} IS NOT NULL'
    keys = [f"CAST({dialect_sql(key.expr)} AS VARCHAR) AS {quote(dimension_column(key.name))}" for key in rollup.keys]
    keys += [f"{key_hash([dialect_sql(sql) for sql in rollup.entity])} AS {quote(ENTITY)}"] if rollup.entity else []
    states = [item for measure in measures for item in _created(measure)]
    if grid_table is None:
        step = rollup.grain.microseconds
        start, end = f'"__t" - (("__t" % {step}) + {step}) % {step}', f'"__w" + {step}'
        windowed = f'SELECT *, {start} AS "__w" FROM ({placed})'
        made = ['"__w"', *keys, *states]
    else:
        end = '"__end"'
        windowed = f'SELECT p.*, g."start" AS "__w", g."next" AS "__end" FROM ({placed}) p ASOF JOIN {grid_table} g ON p."__t" >= g."start"'
        made = ['"__w"', *keys, 'any_value("__end") AS "__end"', *states]
    grouped = ", ".join(['"__w"', *(str(number + 2) for number in range(len(keys)))])
    inner = f"SELECT {', '.join(made)} FROM ({windowed}) GROUP BY {grouped}"
    shown = [quote(name) for name in key_columns(rollup)[2:]]
    shown += [quote(name) for measure in measures for name in column_names(measure.id, measure.kind)]
    late = is_late(closed, '"__w"', end)
    return (
        f'{relation_ctes(rollup, sources, fed)} SELECT "__w" AS {quote(WINDOW)}, {late} AS {quote(LATE)}, {", ".join(shown)} FROM ({inner})'
    )


def is_late(closed: Closed, start: str, end: str) -> str:
    """The condition that a window, given by the SQL of its edges, was final before."""
    tests = []
    if closed.watermark is not None:
        tests.append(f"{end} <= {closed.watermark}")
    if closed.until is not None:
        tests.append(f"{start} <= {closed.until}")
    return f"({' OR '.join(tests)})" if tests else "false"


def _created(measure: Measure) -> list[str]:
    state = STATES[measure.kind]
    value = "1" if measure.expr is None else f"({dialect_sql(measure.expr)})"
    where = " AND ".join(f"coalesce(({dialect_sql(item)}), false)" for item in measure.filters) or "true"
    made = []
    for text, (_, kind), name in zip(state.create, state.columns, column_names(measure.id, measure.kind), strict=True):
        made.append(f"CAST({text.format(v=value, f=where, t=_TIME)} AS {kind.upper()}) AS {quote(name)}")
    return made


def merge_columns(measure: Measure, *, to_read: bool = False) -> list[str]:
    """SELECT items that merge a measure's states, to be stored or only to be read; the columns keep their names."""
    state = STATES[measure.kind]
    merged = (to_read and state.read) or state.merge
    names = column_names(measure.id, measure.kind)
    quoted = [quote(name) for name in names]
    items = []
    for text, (_, kind), name in zip(merged, state.columns, names, strict=True):
        items.append(f"CAST({text.format(*quoted)} AS {kind.upper()}) AS {quote(name)}")
    return items
