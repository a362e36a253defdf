"""Metrics that keep numbers instead of states (`rollup: final_only`).

The states of windows that are not over stay in the writer's own database; when a window is final its numbers are published, once, and the
states are dropped. So what comes later cannot be counted any more, and is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from metricsctl.engine.duckdb.aggregate import LATE, WINDOW, Closed, key_columns, merge_columns
from metricsctl.engine.duckdb.connection import quote
from metricsctl.engine.duckdb.states import column_names, finish
from metricsctl.plan.types import Measure, Rollup

if TYPE_CHECKING:
    import duckdb

__all__ = ["OpenWindows", "states_of"]

_SCHEMA = "ingest"


def states_of(measures: Iterable[Measure]) -> tuple[Measure, ...]:
    """The states that numbers are made of, each once; other measures as they are."""
    return tuple({measure.state.id: measure.state for measure in measures}.values())


class OpenWindows:
    """The states of windows that are not final yet, by rollup: `add` after each batch, `save` with each group, `closed_sql` with the last.

    `too_late` counts, by rollup, the events whose window was final before the run.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._fed: dict[str, tuple[Rollup, tuple[Measure, ...]]] = {}
        self.too_late: Counter[str] = Counter()

    def add(self, rollup: Rollup, measures: Sequence[Measure], select: str) -> None:
        """Add the states of a batch that these measures are made of, but for those that come too late."""
        batch, pending = _temp("batch", rollup), _temp("pending", rollup)
        self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {batch} AS {select}")
        found = self._connection.execute(f"SELECT coalesce(sum(rows), 0)::BIGINT FROM {batch} WHERE {LATE}").fetchone()
        self.too_late[rollup.id] += int(found[0]) if found else 0
        if rollup.id not in self._fed:
            self._fed[rollup.id] = rollup, tuple(measures)
            self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {pending} AS SELECT * FROM {batch} LIMIT 0")
            self._connection.execute(f"CREATE SCHEMA IF NOT EXISTS {_SCHEMA}")
            self._connection.execute(f"CREATE TABLE IF NOT EXISTS {_kept(rollup)} AS SELECT * FROM {pending}")
        self._connection.execute(f"INSERT INTO {pending} SELECT * FROM {batch} WHERE NOT {LATE}")

    def save(self) -> None:
        """Keep what was added, in the open transaction."""
        for rollup, measures in self._fed.values():
            self._connection.execute(f"INSERT INTO {_kept(rollup)} BY NAME {_merged(rollup, measures, _temp('pending', rollup))}")
            self._connection.execute(f"DELETE FROM {_temp('pending', rollup)}")

    def closed_sql(self, rollup: Rollup, measures: Sequence[Measure], stored: Sequence[str], closed: Closed) -> str | None:
        """Take the windows that are final now out of what is kept, after `save`: SELECT of their numbers. None if there are none."""
        if not self._is_kept(rollup):
            return None
        done, kept = _temp("closed", rollup), _kept(rollup)
        windows = [row[0] for row in self._connection.execute(f"SELECT DISTINCT {quote(WINDOW)} FROM {kept}").fetchall()]
        grid = rollup.grid
        over = [start for start in windows if _is_over(closed, start, grid.next(start))]
        if not over:
            return None
        self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {done} AS SELECT unnest($1::BIGINT[]) AS w", [over])
        whole = _merged(rollup, measures, f"{kept} SEMI JOIN {done} ON w = {quote(WINDOW)}")
        keys = [quote(name) for name in key_columns(rollup)]
        numbers = _temp("numbers", rollup)
        fed = {*key_columns(rollup), *(name for measure in measures for name in column_names(measure.id, measure.kind))}
        idle = [f"NULL AS {quote(name)}" for name in stored if name not in fed]
        shown = ", ".join([*keys, *map(_number, measures), *idle])
        self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {numbers} AS SELECT {shown} FROM ({whole})")
        self._connection.execute(f"DELETE FROM {kept} WHERE {quote(WINDOW)} IN (SELECT w FROM {done})")
        return f"SELECT * FROM {numbers}"

    def _is_kept(self, rollup: Rollup) -> bool:
        known = "SELECT 1 FROM duckdb_tables() WHERE schema_name = $1 AND table_name = $2 AND NOT temporary"
        return self._connection.execute(known, [_SCHEMA, _name(rollup)]).fetchone() is not None


def _merged(rollup: Rollup, measures: Sequence[Measure], scan: str) -> str:
    """SELECT of one state a window and key."""
    keys = ", ".join(quote(name) for name in key_columns(rollup))
    merged = ", ".join(item for state in states_of(measures) for item in merge_columns(state))
    return f"SELECT {keys}, {merged} FROM {scan} GROUP BY {keys}"


def _number(measure: Measure) -> str:
    """The column of a measure, from those of its merged state."""
    (name,), of = column_names(measure.id, measure.kind), measure.of
    if of is None:
        return quote(name)
    return f"CAST({finish(of.aggregate, of.kind, column_names(measure.state.id, of.kind), of.p)} AS DOUBLE) AS {quote(name)}"


def _is_over(closed: Closed, start: int, end: int) -> bool:
    before = closed.watermark is not None and end <= closed.watermark
    return before or (closed.until is not None and start <= closed.until)


def _name(rollup: Rollup) -> str:
    return f"open windows of {rollup.id}"


def _kept(rollup: Rollup) -> str:
    return f"{_SCHEMA}.{quote(_name(rollup))}"


def _temp(what: str, rollup: Rollup) -> str:
    return f"temp.{quote(f'{what} windows of {rollup.id}')}"
