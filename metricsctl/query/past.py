"""Series that live elsewhere as they were known at an earlier moment."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from metricsctl.core.errors import UsageError
from metricsctl.engine.duckdb.aggregate import table_of
from metricsctl.engine.duckdb.connection import connect
from metricsctl.engine.duckdb.external import Revisions, revisions_table
from metricsctl.engine.duckdb.parquet import write_parquet
from metricsctl.plan.external import mark_after
from metricsctl.plan.types import Base, Computation, Plan
from metricsctl.store.head import Head, SourceState
from metricsctl.store.reader import StoreReader

__all__ = ["as_known"]


class _PastReader(StoreReader):
    """A store of which some tables are other files."""

    __slots__ = ("_tables",)

    def __init__(self, path: Path, head: Head, tables: Mapping[str, list[str]]) -> None:
        super().__init__(path, head)
        self._tables = tables

    def files(self, table: str) -> list[str]:
        return self._tables[table] if table in self._tables else super().files(table)


@contextlib.contextmanager
def as_known(plan: Plan, store: StoreReader, metrics: Sequence[tuple[str, Computation]], moment: int) -> Iterator[StoreReader]:
    """The store with some series as they were known at a moment (microseconds, UTC), their watermarks too.

    UsageError for a metric that is computed from events: of those the store keeps what holds now.
    """
    with tempfile.TemporaryDirectory(prefix="metricsctl-") as folder:
        tables: dict[str, list[str]] = {}
        sources = dict(store.head.sources)
        for name, computation in metrics:
            if not isinstance(computation, Base) or not plan.is_external(computation):
                message = f"metric '{name}' is computed from events, of which the store keeps what holds now"
                raise UsageError(message, hint="--as-of is for series that live elsewhere (`series:`)")
            if revisions_table(plan.rollups[computation.rollup]).name in store.head.tables:
                state = _past(plan, store, computation, moment, Path(folder), tables)
                sources[state.name] = state
        yield _PastReader(store.path, replace(store.head, sources=sources), tables)


def _past(plan: Plan, store: StoreReader, base: Base, moment: int, folder: Path, tables: dict[str, list[str]]) -> SourceState:
    """Write the states of a series as they were; gives that of its source."""
    rollup = plan.rollups[base.rollup]
    source = plan.sources[rollup.sources[0]]
    with contextlib.closing(connect(None)) as connection:
        revisions = Revisions(connection, rollup, source, store.files(revisions_table(rollup).name))
        last, points = revisions.last_window(moment)
        for number, (part, select) in enumerate(
            ((rollup, revisions.current_sql(moment)), (source.heartbeat, revisions.heartbeat_sql(moment)))
        ):
            if part.id not in tables:
                file = folder / f"{len(tables)}-{number}.parquet"
                write_parquet(connection, select, table_of(part, part.measures), file)
                tables[part.id] = [str(file)]
    end = None if last is None else rollup.grid.next(last) - 1
    return SourceState(source.name, None if last is None else mark_after(rollup, source, last), end, None, points, 0)
