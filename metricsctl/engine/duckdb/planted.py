"""Stored states as they would be if something had gone wrong with their events: the SQL that plants a fault."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from metricsctl.engine.duckdb.aggregate import WINDOW, dimension_column
from metricsctl.engine.duckdb.connection import connect, literal, quote
from metricsctl.engine.duckdb.parquet import read_parquet
from metricsctl.engine.duckdb.states import column_names
from metricsctl.plan.tables import Table
from metricsctl.plan.types import ROWS, Measure, Rollup

__all__ = ["Disturbance", "largest_values", "planted_sql"]

_FINE = 1_000_000  # steps of a chance


@dataclass(frozen=True, slots=True)
class Disturbance:
    """What happened to the events between two times (microseconds): each stands `events` times then (0.7: three in ten are lost).

    `dimension` and `value`: only to those of a segment, which makes the share `weight` of tables that do not have the dimension. Only the
    measures in `touched` (pairs of a table and a measure's id; None: all, and the number of rows too) are hit; the values of what is left
    are `values` times as large.
    """

    since: int
    until: int
    events: float = 1.0
    values: float = 1.0
    dimension: str | None = None
    value: str | None = None
    weight: float = 1.0
    touched: Collection[tuple[str, str]] | None = None


def planted_sql(scan: str, table: Table, rollup: Rollup, what: Disturbance) -> str:
    """SELECT of the rows of a rollup's table, which `scan` gives, with a disturbance in their states.

    A window that is hit by a half is disturbed by a half. Numbers of events are rounded by a chance that depends on the row alone: on
    average nothing is lost by rounding, and the same table gives the same rows.
    """
    columns = [column.name for column in table.columns]
    dimensions = rollup.dimensions
    hit = _hit(dimensions, rollup.grain.microseconds, what)
    known = [measure for measure in (ROWS, *rollup.measures) if set(column_names(measure.id, measure.kind)) <= set(columns)]
    changed: dict[str, str] = {}
    share = f"(1 + ({what.events!r} - 1) * {hit})"
    whole = f'(floor("rows" * {share} + {_chance(dimensions)}) / "rows")'  # what is left of the rows, in whole events
    for measure in dict.fromkeys(known):
        if what.touched is None or (rollup.id, measure.id) in what.touched:
            events = whole if what.touched is None and ROWS in known and measure is not ROWS else share
            values = f"(1 + ({what.values!r} - 1) * {hit})"
            names = column_names(measure.id, measure.kind)
            changed |= dict(zip(names, _state(measure, [quote(name) for name in names], events, values, dimensions), strict=True))
    shown = ", ".join(f"{changed[name]} AS {quote(name)}" if name in changed else quote(name) for name in columns)
    left = ' WHERE "rows" > 0' if "rows" in columns else ""
    return f"SELECT * FROM (SELECT {shown} FROM {scan}){left}"


def largest_values(files: Sequence[str], dimension: str) -> list[tuple[str, int]]:
    """The values of a dimension in a table with their rows, the largest first; not NULL."""
    column = quote(dimension_column(dimension))
    text = f'SELECT {column}, sum("rows")::BIGINT FROM {read_parquet(files)} WHERE {column} IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1'
    with contextlib.closing(connect(None)) as connection:
        return [(value, rows) for value, rows in connection.execute(text).fetchall()]


def _hit(dimensions: Sequence[str], length: int, what: Disturbance) -> str:
    """The share of a row's events that is in the time and the segment."""
    window = quote(WINDOW)
    during = f"(greatest(0, least({window} + {length}, {what.until}) - greatest({window}, {what.since})) / {length}::DOUBLE)"
    if what.dimension is None or what.value is None:
        return during
    if what.dimension not in dimensions:
        return f"({during} * {what.weight!r})"
    return f"({during} * coalesce(({quote(dimension_column(what.dimension))} = {literal(what.value)})::INT, 0))"


def _chance(dimensions: Sequence[str], *salt: str) -> str:
    """A number from 0 to 1 that depends on the row, and on `salt`."""
    keys = ", ".join([quote(WINDOW), *(quote(dimension_column(name)) for name in dimensions), *salt])
    return f"(hash({keys}) % {_FINE} / {_FINE}.0)"


def _state(measure: Measure, columns: Sequence[str], events: str, values: str, dimensions: Sequence[str]) -> list[str]:
    """The columns of a state, disturbed."""
    kind, chance = measure.kind, _chance(dimensions)

    def count(column: str) -> str:
        return f"CAST(floor({column} * {events} + {chance} + 1e-9) AS BIGINT)"

    first = columns[0]
    if kind == "count":
        return [count(first)]
    if kind == "sum":
        return [f"{first} * {events} * {values}"]
    if kind == "mean":
        return [f"{first} * {values} * CASE WHEN {columns[1]} > 0 THEN {count(columns[1])} / {columns[1]} ELSE 0 END", count(columns[1])]
    if measure.of is not None:
        return [f"{first} * {values}" + (f" * {events}" if measure.of.aggregate in {"count", "sum"} else "")]
    if kind in {"min", "max"}:
        return [f"CASE WHEN {events} > 0 THEN {first} * {values} END"]
    if kind in {"first", "last"}:
        return [f"CASE WHEN {events} > 0 THEN {first} END", f"CASE WHEN {events} > 0 THEN {columns[1]} * {values} END"]
    if kind == "distinct":
        return [f"list_filter({first}, LAMBDA h: hash(h, {quote(WINDOW)}) % {_FINE} < {_FINE} * {events})"]
    if kind in {"values", "quantiles"}:
        kept = f"list_filter({first}, LAMBDA v, i: {_chance(dimensions, 'i')} < {{}})"
        several = f"CASE WHEN {events} > 1 THEN list_concat({first}, {kept.format(f'({events} - 1)')}) ELSE {kept.format(events)} END"
        return [f"list_transform({several}, LAMBDA v: v * {values})", *columns[1:]]
    share = f"CASE WHEN {first} > 0 THEN {count(first)} / {first} ELSE 0 END"
    return [count(first), f"{columns[1]} * {values}", f"{columns[2]} * {values} * {values} * {share}"]
