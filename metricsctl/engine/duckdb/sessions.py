"""Session windows: rows of an entity joined to sessions, which are kept as long as the store, so that a late row mends the past.

A row may lengthen a session, or make one of two. So what is published of sessions are not partial states: each window that a group
changed is published whole, under a number; of the rows of a window only those of the highest number count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from metricsctl.engine.duckdb.aggregate import REVISION, WINDOW, Closed, fold_sql, is_late, relation_ctes, session_batch
from metricsctl.engine.duckdb.connection import quote
from metricsctl.plan.types import Measure, Rollup, SessionPlan, SourcePlan

if TYPE_CHECKING:
    import duckdb

__all__ = ["Sessions"]

_SCHEMA = "ingest"


class Sessions:
    """The sessions of every session model that is fed: `add` after each batch, `settle` before a group is committed, `save` within."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, sources: Mapping[str, SourcePlan]) -> None:
        self._connection = connection
        self._sources = sources
        self._models: dict[str, SessionPlan] = {}
        self._added: set[str] = set()
        self._settled: set[str] = set()
        self._revision = 0
        self.without_entity: dict[str, int] = {}

    def next_batch(self) -> None:
        """Another batch stands in the batch table."""
        self._added.clear()

    def add(self, rollup: Rollup, fed: str) -> None:
        """Join the rows of the batch of the source `fed` to sessions, once for all rollups over them."""
        model = rollup.session
        assert model is not None  # noqa: S101 - asked for sessions only
        if model.name in self._added:
            return
        self._added.add(model.name)
        ctes = relation_ctes(rollup, self._sources, fed, inner=True)
        time = f"epoch_us(CAST({quote(model.time_column)} AS TIMESTAMPTZ))"
        firsts = "".join(f", {quote(name)} AS {_first(name)}" for name in model.firsts)
        rows = (
            f'{ctes} SELECT CAST({quote(model.entity)} AS VARCHAR) AS entity, {time} AS "start", {time} AS "end", '
            f"1::BIGINT AS events{firsts} FROM {quote(model.relation)} WHERE {quote(model.time_column)} IS NOT NULL"
        )
        joined = _joined(f"({rows})", model)
        if model.name not in self._models:
            self._models[model.name] = model
            self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {_temp('pending', model)} AS {joined}")
            self._connection.execute(f"CREATE SCHEMA IF NOT EXISTS {_SCHEMA}")
            self._connection.execute(f"CREATE TABLE IF NOT EXISTS {_kept(model)} AS SELECT * FROM {_temp('pending', model)} LIMIT 0")
        else:
            self._connection.execute(f"INSERT INTO {_temp('pending', model)} {joined}")
        found = self._connection.execute(f"SELECT count(*) FROM ({rows}) WHERE entity IS NULL").fetchone()
        self.without_entity[model.name] = self.without_entity.get(model.name, 0) + (int(found[0]) if found else 0)

    def settle(self) -> None:
        """Find out which kept sessions the pending ones change, and into what."""
        for name, model in self._models.items():
            self._settled.add(name)
            kept, pending, near, made = _kept(model), *(_temp(what, model) for what in ("pending", "near", "made"))
            spans = f'SELECT entity, min("start") AS low, max("end") AS high FROM {pending} GROUP BY 1'
            self._make(
                near,
                f"SELECT k.* FROM {kept} k JOIN ({spans}) p ON k.entity = p.entity "
                f'AND k."end" > p.low - {model.gap} AND k."start" < p.high + {model.gap}',
            )
            self._make(made, _joined(f"(SELECT * FROM {pending} UNION ALL SELECT * FROM {near})", model))
            self._make(_temp("gone", model), f"SELECT * FROM {near} EXCEPT SELECT * FROM {made}")
            self._make(_temp("new", model), f"SELECT * FROM {made} EXCEPT SELECT * FROM {near}")

    def _make(self, table: str, select: str) -> None:
        self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS {select}")

    def save(self, revision: int) -> None:
        """Keep the changed sessions, in the open transaction; `revision` is higher than any before."""
        self._revision = revision
        for model in self._models.values():
            kept = _kept(model)
            self._connection.execute(
                f'DELETE FROM {kept} k USING {_temp("gone", model)} g WHERE k.entity = g.entity AND k."start" = g."start"'
            )
            self._connection.execute(f"INSERT INTO {kept} SELECT * FROM {_temp('new', model)}")
            self._connection.execute(f"DELETE FROM {_temp('pending', model)}")

    def changed_sql(self, rollup: Rollup, measures: Sequence[Measure], closed: Closed) -> str | None:
        """SELECT of the states of every window that the group changed, after `save`; a window without sessions has a row that says so."""
        model = rollup.session
        if model is None or model.name not in self._settled:
            return None
        changed = f'SELECT "start" FROM {_temp("gone", model)} UNION ALL SELECT "start" FROM {_temp("new", model)}'
        span = self._connection.execute(f'SELECT min("start"), max("start") FROM ({changed})').fetchone()
        if span is None or span[0] is None:
            return None
        dirty, grid = quote(f"changed windows of {rollup.id}"), None
        if rollup.grain.is_fixed:
            step = rollup.grain.microseconds
            windows = f'SELECT DISTINCT "start" - "start" % {step} AS w, "start" - "start" % {step} + {step} AS e FROM ({changed})'
        else:
            starts = list(rollup.grid.starts(*span))
            grid = quote(f"windows of {rollup.id}")
            self._connection.execute(
                f'CREATE OR REPLACE TEMP TABLE {grid} AS SELECT unnest($1::BIGINT[]) AS "start", unnest($2::BIGINT[]) AS "next"',
                [starts, [*starts[1:], rollup.grid.next(starts[-1])]],
            )
            windows = f'SELECT DISTINCT g."start" AS w, g."next" AS e FROM ({changed}) c ASOF JOIN {grid} g ON c."start" >= g."start"'
        self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {dirty} AS {windows}")
        firsts = ", ".join(f"{quote(name)}: {_first(name)}" for name in model.firsts)
        columns = (
            'make_timestamptz(k."start") AS session_start, make_timestamptz(k."end") AS session_end, k.entity, k.events, '
            f'(k."end" - k."start") / 1000000 AS duration_s{f", {{{firsts}}} AS first" if firsts else ""}'
        )
        self._connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {session_batch(model.name)} AS SELECT {columns} FROM {_kept(model)} k "
            f'JOIN {dirty} d ON k."start" >= d.w AND k."start" < d.e'
        )
        folded = fold_sql(rollup, measures, self._sources, model.name, closed=closed, grid_table=grid)
        empty = (
            f"SELECT w AS {quote(WINDOW)}, {is_late(closed, 'w', 'e')} AS late, 0 AS rows FROM {dirty} "
            f"ANTI JOIN {quote('folded ' + rollup.id)} f ON w = f.{quote(WINDOW)}"
        )
        self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {quote('folded ' + rollup.id)} AS {folded}")
        return f"SELECT *, {self._revision} AS {REVISION} FROM (SELECT * FROM {quote('folded ' + rollup.id)} UNION ALL BY NAME {empty})"

    def is_fed(self, model: SessionPlan) -> bool:
        """Whether the run has read rows for a model."""
        return model.name in self._models

    def open_from(self, model: SessionPlan, watermark: int) -> int | None:
        """The start of the earliest session that is not over at a watermark; None if there is none."""
        found = self._connection.execute(f'SELECT min("start") FROM {_kept(model)} WHERE "end" + {model.gap} > {watermark}').fetchone()
        return None if found is None else found[0]

    def clear(self) -> None:
        """Forget what was settled."""
        self._settled.clear()


def _joined(rows: str, model: SessionPlan) -> str:
    """SELECT of sessions made of rows or shorter sessions: an entity's next one begins after `gap` without any."""
    order = 'PARTITION BY entity ORDER BY "start", "end", n'
    firsts = "".join(f', max({_first(name)}) FILTER (WHERE "start" = "first") AS {_first(name)}' for name in model.firsts)
    numbered = f"SELECT *, row_number() OVER () AS n FROM {rows} WHERE entity IS NOT NULL"
    quiet = f'"start" - max("end") OVER ({order} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)'
    marked = f"SELECT *, CASE WHEN {quiet} < {model.gap} THEN 0 ELSE 1 END AS fresh FROM ({numbered})"
    islands = f"SELECT *, sum(fresh) OVER ({order} ROWS UNBOUNDED PRECEDING) AS island FROM ({marked})"
    begun = f'SELECT *, min("start") OVER (PARTITION BY entity, island) AS "first" FROM ({islands})'
    return (
        f'SELECT entity, min("start") AS "start", max("end") AS "end", sum(events)::BIGINT AS events{firsts} '
        f"FROM ({begun}) GROUP BY entity, island"
    )


def _first(column: str) -> str:
    return quote(f"first {column}")


def _kept(model: SessionPlan) -> str:
    return f"{_SCHEMA}.{quote(f'sessions of {model.name} {model.meaning}')}"


def _temp(what: str, model: SessionPlan) -> str:
    return f"temp.{quote(f'{what} sessions of {model.name}')}"
