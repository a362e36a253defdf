"""DuckDB as the engine of ingest: batches in, partial states out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metricsctl.core.errors import DataError, MetricsctlError
from metricsctl.engine.batch import Batch, LoadedBatch
from metricsctl.engine.duckdb.aggregate import (
    Closed,
    dialect_sql,
    dimension_column,
    fold_sql,
    key_columns,
    merge_columns,
    relation_ctes,
    table_of,
)
from metricsctl.engine.duckdb.connection import quote
from metricsctl.engine.duckdb.duplicates import Keys
from metricsctl.engine.duckdb.late import Late
from metricsctl.engine.duckdb.numbers import OpenWindows, states_of
from metricsctl.engine.duckdb.parse import load_batch
from metricsctl.engine.duckdb.scratch import Scratch
from metricsctl.engine.duckdb.sessions import Sessions
from metricsctl.engine.duckdb.states import column_names
from metricsctl.engine.duckdb.static import load_static
from metricsctl.plan.types import Measure, Rollup, SourcePlan, Sql

if TYPE_CHECKING:
    import duckdb

__all__ = ["DuckDbFolder", "SqlFaultError"]

_NUMERIC = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL", "BOOLEAN", "UINTEGER", "UBIGINT", '"NULL"')


_LEAST_MEMORY = 64_000_000
_FULL = 0.6  # of the memory: the rest is for the next batch, and for merging


class SqlFaultError(MetricsctlError):
    """SQL of a definition that the engine refuses; `message` is the engine's."""

    code = "M501"


class DuckDbFolder:
    """Folds batches into pending partial states on one connection; temporary tables only, until `pending_sql` is read."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, sources: Mapping[str, SourcePlan], spool: Path, *, memory: int | None = None
    ) -> None:
        self._connection = connection
        self._limit: int | None = None
        if memory is not None:  # less what Python and the chunks take, and what DuckDB takes beside what it counts
            self._limit = max(memory // 2, _LEAST_MEMORY)
            connection.execute(f"SET memory_limit = '{self._limit}B'")
        self._sources = sources
        found = connection.execute("SELECT current_setting('threads')").fetchone()
        self._threads = self._used = int(found[0]) if found else 1
        self._scratch = Scratch(spool)
        self._pending: dict[str, int] = {}
        self._keys = Keys(connection, sources)
        self.sessions = Sessions(connection, sources)
        self.open_windows = OpenWindows(connection)
        self._late: dict[str, Late] = {}

    def prepare(self, rollups: Iterable[Rollup]) -> None:
        """Read the static tables that rollups need; DataError if one cannot be read."""
        for table in dict.fromkeys(table for rollup in rollups for table in rollup.statics):
            load_static(self._connection, table)

    def expression_type(self, rollup: Rollup, sql: Sql) -> str:
        """The type of an expression over a rollup's relation. SqlFaultError if it does not hold there."""
        import duckdb

        text = f"DESCRIBE {relation_ctes(rollup, self._sources, None)} SELECT {dialect_sql(sql)} AS v FROM {quote(rollup.relation)}"
        try:
            found = self._connection.execute(text).fetchone()
        except duckdb.Error as error:
            lines = str(error).splitlines()
            raise SqlFaultError(lines[0], hint=lines[1] if len(lines) > 1 and "Candidate" in lines[1] else None) from error
        assert found is not None  # noqa: S101 - DESCRIBE of one column gives one row
        return str(found[1])

    def is_numeric(self, rollup: Rollup, sql: Sql) -> bool:
        """Whether an expression gives numbers (or truth values, which count as 0 and 1)."""
        return self.expression_type(rollup, sql).startswith(_NUMERIC)

    def load(self, batch: Batch, source: str, now: int) -> Iterator[LoadedBatch]:
        """Read a batch into the source's batch table, a large one in parts, each of which is to be folded before the next."""
        late = self._late.get(source)
        self._leave_a_core(batch.path is None)
        for loaded in load_batch(self._connection, batch, self._sources[source], now=now, scratch=self._scratch, late=late):
            self.sessions.next_batch()
            duplicates = self._keys.mark(source)
            yield replace(loaded, accepted=loaded.accepted - duplicates, duplicates=duplicates) if duplicates else loaded

    def _leave_a_core(self, is_text: bool) -> None:
        """Text is read ahead by a thread of ours: on all cores DuckDB's would only wait for each other, an eighth of their time."""
        wanted = max(1, self._threads - 1) if is_text else self._threads
        if wanted != self._used:
            self._connection.execute(f"SET threads = {wanted}")
            self._used = wanted

    def drop_late(self, source: str, reached: int | None) -> None:
        """From now on reject the rows of a source whose window lies behind its running watermark; `reached` is the latest time so far."""
        self._late[source] = Late(self._sources[source], reached)

    def settle(self) -> None:
        """Find out what a group changes of the earlier ones, before it is committed. DataError if the sessions do not fit into memory."""
        import duckdb

        try:
            self.sessions.settle()
        except duckdb.OutOfMemoryException as error:
            raise DataError("the sessions that the events change do not fit into memory", hint="allow more with --memory") from error

    def save(self, revision: int) -> None:
        """Keep what later batches need of the earlier ones, in the open transaction; `revision` is higher than in any group before."""
        self._keys.save()
        self.sessions.save(revision)
        self.open_windows.save()

    def fold(self, rollup: Rollup, measures: Sequence[Measure], fed: str, closed: Closed) -> None:
        """Add the batch of the source `fed` to the pending states of a rollup. DataError if an expression fails on some row."""
        import duckdb

        try:
            if rollup.session is not None:
                self.sessions.add(rollup, fed)
                return
            grid = self._calendar(rollup, fed)
            select = fold_sql(rollup, states_of(measures), self._sources, fed, closed=closed, grid_table=grid)
            if rollup.final_only:
                self.open_windows.add(rollup, measures, select)
                return
            table = _pending_table(rollup)
            if self._pending.get(rollup.id):
                self._connection.execute(f"INSERT INTO {table} BY NAME {select}")
            else:
                self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS {select}")
        except duckdb.OutOfMemoryException as error:
            message = f"the states of '{rollup.relation}' by {', '.join(rollup.dimensions) or 'nothing'} do not fit into memory"
            raise DataError(message, hint="allow more with --memory, or split by fewer dimensions") from error
        except (duckdb.ConversionException, duckdb.InvalidInputException, duckdb.OutOfRangeException) as error:
            message = f"an expression over '{rollup.relation}' fails on a row: {str(error).splitlines()[0]}"
            raise DataError(message, hint="use TRY_CAST or a filter in the definition") from error
        self._pending[rollup.id] = self._pending.get(rollup.id, 0) + 1

    def is_full(self) -> bool:
        """Whether so much is pending that it should be committed."""
        if self._limit is None:
            return False
        found = self._connection.execute("SELECT sum(memory_usage_bytes) FROM duckdb_memory()").fetchone()
        return bool(found and found[0] and found[0] > self._limit * _FULL)

    def unplaced(self, rollup: Rollup, fed: str) -> int:
        """Rows of a model whose event time is NULL: they belong to no window."""
        if rollup.relation == fed or rollup.session is not None:
            return 0
        ctes = relation_ctes(rollup, self._sources, fed)
        found = self._connection.execute(
            f"{ctes} SELECT count(*) FILTER (WHERE {quote(rollup.time_column)} IS NULL) FROM {quote(rollup.relation)}"
        ).fetchone()
        return int(found[0]) if found else 0

    def values(self, rollup: Rollup, dimension: str, limit: int) -> list[Any]:
        """Up to `limit` distinct values of a dimension in what is pending, NULL among them."""
        if not self._pending.get(rollup.id):
            return []
        column = quote(dimension_column(dimension))
        found = self._connection.execute(f"SELECT DISTINCT {column} FROM {_pending_table(rollup)} LIMIT {limit:d}").fetchall()
        return [row[0] for row in found]

    def pending_sql(self, rollup: Rollup, measures: Sequence[Measure], stored: Sequence[str], closed: Closed) -> str | None:
        """SELECT of the pending states, one row a (window, dimensions), with NULL for stored columns that are no longer fed.

        Of sessions it is all states of the changed windows, after `save`. None if nothing is pending.
        """
        if rollup.session is not None:
            changed = self.sessions.changed_sql(rollup, measures, closed)
            idle = set(stored) - {column.name for column in table_of(rollup, measures).columns}
            unfed = "".join(f", NULL AS {quote(name)}" for name in sorted(idle))
            return None if changed is None else f"SELECT *{unfed} FROM ({changed})"
        batches = self._pending.get(rollup.id, 0)
        if not batches:
            return None
        fed = {name for measure in measures for name in column_names(measure.id, measure.kind)}
        keys = key_columns(rollup)
        nulls = [f"NULL AS {quote(name)}" for name in stored if name not in fed and name not in keys]
        shown = [quote(name) for name in keys]
        if batches == 1:
            columns = [*shown, *(quote(name) for name in sorted(fed)), *nulls]
            return f"SELECT {', '.join(columns)} FROM {_pending_table(rollup)}"
        # most keys stand in one batch only: those go as they are
        pending, twice = _pending_table(rollup), quote("twice " + rollup.id)
        self._connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {twice} AS SELECT {', '.join(shown)} FROM {pending} GROUP BY ALL HAVING count(*) > 1"
        )
        same = " AND ".join(f"p.{name} IS NOT DISTINCT FROM t.{name}" for name in shown)
        once = ", ".join([*shown, *(quote(name) for measure in measures for name in column_names(measure.id, measure.kind)), *nulls])
        merged = ", ".join([*shown, *(item for measure in measures for item in merge_columns(measure)), *nulls])
        return (
            f"SELECT {once} FROM {pending} p ANTI JOIN {twice} t ON {same} UNION ALL BY NAME "
            f"SELECT {merged} FROM (SELECT p.* FROM {pending} p SEMI JOIN {twice} t ON {same}) GROUP BY {', '.join(shown)}"
        )

    def rows_within_sql(self, rollup: Rollup, within: Rollup, stored: Sequence[str]) -> str | None:
        """SELECT of the rows a window of a rollup without dimensions, from the pending states of one with some of the same rows."""
        if not self._pending.get(within.id):
            return None
        keys = key_columns(rollup)
        nulls = [f"NULL AS {quote(name)}" for name in stored if name not in {*keys, "rows"}]
        shown = ", ".join(map(quote, keys))
        return f"SELECT {', '.join([shown, 'sum(rows)::BIGINT AS rows', *nulls])} FROM {_pending_table(within)} GROUP BY {shown}"

    def close(self) -> None:
        """Give the memory of the last batch back."""
        self._scratch.close()

    def forget_states(self) -> None:
        """Forget the pending states; sessions and keys of the group stay."""
        self._pending.clear()

    def clear(self) -> None:
        """Forget what is pending."""
        self.forget_states()
        self.sessions.clear()

    def _calendar(self, rollup: Rollup, fed: str) -> str | None:
        """A table of the windows that the batch touches, for grains that follow the calendar."""
        if rollup.grain.is_fixed:
            return None
        time = f"epoch_us(CAST({quote(rollup.time_column)} AS TIMESTAMPTZ))"
        ctes = relation_ctes(rollup, self._sources, fed)
        found = self._connection.execute(f"{ctes} SELECT min({time}), max({time}) FROM {quote(rollup.relation)}").fetchone()
        first, last = found if found and found[0] is not None else (0, 0)
        starts = list(rollup.grid.starts(first, last))
        ends = [*starts[1:], rollup.grid.next(starts[-1])]
        name = quote("windows of " + rollup.id)
        self._connection.execute(
            f'CREATE OR REPLACE TEMP TABLE {name} AS SELECT unnest($1::BIGINT[]) AS "start", unnest($2::BIGINT[]) AS "next"', [starts, ends]
        )
        return name


def _pending_table(rollup: Rollup) -> str:
    return quote("pending " + rollup.id)
