"""A copy of a store in which faults have happened."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Sequence
from pathlib import Path

from metricsctl.drill.faults import Planting
from metricsctl.engine.duckdb.connection import connect
from metricsctl.engine.duckdb.parquet import read_parquet, write_parquet
from metricsctl.engine.duckdb.planted import planted_sql
from metricsctl.plan.tables import Table
from metricsctl.plan.types import Plan, Rollup
from metricsctl.store import delta
from metricsctl.store.generation import table_folder
from metricsctl.store.head import TableState
from metricsctl.store.reader import StoreReader

__all__ = ["planted_store"]

_GENERATION, _WRITER = "g0001", "drill"


def planted_store(reader: StoreReader, plan: Plan, folder: Path, plantings: Sequence[Planting]) -> Path:
    """Write a store into `folder` (new) that has every table of the plan, with the faults in the states; gives its path."""
    beats = {source.heartbeat.id: source.heartbeat for source in plan.sources.values()}
    tables: dict[str, TableState] = {}
    with contextlib.closing(connect(None)) as connection:
        for rollup in (beats | dict(plan.rollups)).values():
            state = reader.head.tables.get(rollup.id)
            files = reader.files(rollup.id) if state is not None else []
            if state is None:
                continue
            if not files:
                tables[rollup.id] = dataclasses.replace(state, version=None)
                continue
            place = table_folder(folder / _GENERATION, rollup.id)
            place.mkdir(parents=True)
            table = Table(state.name, state.columns, state.sort_by, state.meta)
            rows = write_parquet(connection, _select(rollup, table, files, plantings), table, place / "rows.parquet")
            size = (place / "rows.parquet").stat().st_size
            new = [delta.NewFile("rows.parquet", size, rows)]
            version = delta.publish(place, new, table.columns, app_id=_WRITER, previous=None, seq=1)
            tables[rollup.id] = dataclasses.replace(state, version=version)
    dataclasses.replace(reader.head, generation=_GENERATION, seq=1, tables=tables).write(folder)
    return folder


def _select(rollup: Rollup, table: Table, files: Sequence[str], plantings: Sequence[Planting]) -> str:
    """The rows of a table with the faults of its sources, one after the other."""
    text = f"SELECT * FROM {read_parquet(files)}"
    for item in plantings:
        if item.source in rollup.sources:
            text = planted_sql(f"({text})", table, rollup, item.disturbance)
    return text
