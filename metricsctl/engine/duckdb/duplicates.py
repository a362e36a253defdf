"""Rows with a key that was counted before: the keys of a source, with their times, are kept as long as the store.

A row is a duplicate if its key has been counted not more than `dedup` away from its time. So the first one read counts; copies of
one event have the same time, and which of them that is makes no difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from metricsctl.engine.duckdb.aggregate import batch_table
from metricsctl.engine.duckdb.connection import literal, quote
from metricsctl.engine.duckdb.typed import DUPLICATE
from metricsctl.plan.types import SourcePlan, digest

if TYPE_CHECKING:
    import duckdb

__all__ = ["Keys"]

_SCHEMA = "ingest"  # in the writer's database; `store` there is the store's own


class Keys:
    """The keys that were counted, of every source that has some; new ones wait in temporary tables for `save`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, sources: Mapping[str, SourcePlan]) -> None:
        self._connection = connection
        self._sources = sources
        self._ready: set[str] = set()

    def mark(self, name: str) -> int:
        """Mark the duplicates in the batch table of a source, which then are no longer accepted; returns how many there are."""
        source = self._sources[name]
        if not source.key:
            return 0
        self._prepare(source)
        batch, reach = batch_table(name), source.dedup.microseconds
        rows = f'SELECT rowid AS r, "__k" AS k, "__t" AS t FROM {batch} WHERE "__reason" IS NULL AND "__k" IS NOT NULL'
        span = self._connection.execute(f"SELECT min(t), max(t) FROM ({rows})").fetchone()
        if span is None or span[0] is None:
            return 0
        near = f"WHERE t BETWEEN {span[0] - reach} AND {span[1] + reach}"
        seen = f"SELECT k, t FROM {_kept(source)} {near} UNION ALL SELECT k, t FROM {_new(source)} {near}"
        self._connection.execute(
            f"CREATE OR REPLACE TEMP TABLE duplicates AS SELECT DISTINCT b.r FROM ({rows}) b JOIN ({seen}) s "
            f"ON s.k = b.k AND s.t BETWEEN b.t - {reach} AND b.t + {reach}"
        )
        rest = f"SELECT * FROM ({rows}) ANTI JOIN duplicates USING (r)"
        several = self._connection.execute(
            f"SELECT r, k, t FROM ({rest}) WHERE k IN (SELECT k FROM ({rest}) GROUP BY k HAVING count(*) > 1) ORDER BY r"
        ).fetchall()
        if several:
            self._connection.execute("INSERT INTO duplicates SELECT unnest($1::BIGINT[])", [_repeated(several, reach)])
        self._connection.execute(f'UPDATE {batch} SET "__reason" = {literal(DUPLICATE)} WHERE rowid IN (SELECT r FROM duplicates)')
        self._connection.execute(f"INSERT INTO {_new(source)} SELECT k, t FROM ({rows})")
        found = self._connection.execute("SELECT count(*) FROM duplicates").fetchone()
        return int(found[0]) if found else 0

    def save(self) -> None:
        """Keep the new keys, in the open transaction."""
        for name in self._ready:
            source = self._sources[name]
            self._connection.execute(f"INSERT INTO {_kept(source)} SELECT k, t FROM {_new(source)} ORDER BY t")
            self._connection.execute(f"DELETE FROM {_new(source)}")

    def _prepare(self, source: SourcePlan) -> None:
        if source.name in self._ready:
            return
        self._connection.execute(f"CREATE SCHEMA IF NOT EXISTS {_SCHEMA}")
        self._connection.execute(f"CREATE TABLE IF NOT EXISTS {_kept(source)} (k BIGINT, t BIGINT)")
        self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {_new(source)} (k BIGINT, t BIGINT)")
        self._ready.add(source.name)


def _kept(source: SourcePlan) -> str:
    """The table of a source's keys; another key is another table."""
    return f"{_SCHEMA}.{quote(f'keys of {source.name} {digest([source.key, source.match])}')}"


def _new(source: SourcePlan) -> str:
    return f"temp.{quote(f'new keys of {source.name}')}"


def _repeated(rows: list[tuple[int, int, int]], reach: int) -> list[int]:
    """Of rows (number, key, time) in the order of reading those that repeat one before them."""
    counted: dict[int, list[int]] = {}
    repeated = []
    for row, key, time in rows:
        times = counted.setdefault(key, [])
        if any(abs(time - other) <= reach for other in times):
            repeated.append(row)
        else:
            times.append(time)
    return repeated
