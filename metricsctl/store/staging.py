"""Rows to Parquet files that wait, safe on the disk, until their commit group is published."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from metricsctl.engine.duckdb.parquet import write_parquet
from metricsctl.plan.tables import Table
from metricsctl.store.delta import NewFile
from metricsctl.store.files import fsync_folder
from metricsctl.store.generation import STAGED

if TYPE_CHECKING:
    import duckdb

__all__ = ["stage"]


def stage(connection: duckdb.DuckDBPyConnection, generation: Path, table: Table, select_sql: str) -> NewFile:
    """Write the rows of a query, in the order of their table, to a file in the folder `staged`; one without rows is left to be cleared."""
    folder = generation / STAGED
    folder.mkdir(exist_ok=True)
    path = folder / f"part-{uuid.uuid4()}.zstd.parquet"
    rows = write_parquet(connection, select_sql, table, path)
    with path.open("rb") as handle:
        os.fsync(handle.fileno())
        size = os.fstat(handle.fileno()).st_size
    fsync_folder(folder)
    return NewFile(path.name, size, rows)
