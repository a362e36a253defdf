"""Compaction: the partial states of a table merged into few files, as a commit group of its own, which readers never notice."""

from __future__ import annotations

from metricsctl.engine.duckdb.compact import compact_sql
from metricsctl.store import delta
from metricsctl.store.generation import table_folder
from metricsctl.store.writer import StoreWriter

__all__ = ["MOST_FILES", "compact", "compact_grown"]

MOST_FILES = 32  # more make queries slow: each is opened by every one
_SLICE_BYTES = 32 << 20  # of files that are merged at once


def compact_grown(writer: StoreWriter, most: int = MOST_FILES) -> list[str]:
    """Compact every table that has more than so many files; returns their names."""
    grown = []
    for name, table in writer.head.tables.items():
        if table.version is None or "measures" not in table.meta:
            continue
        files = delta.snapshot(table_folder(writer.generation, name), table.version)
        # a large table has many files after a compaction too: only those that came since are counted
        if len(files) - _slices(sum(file.bytes for file in files)) > most:
            compact(writer, name)
            grown.append(name)
    return grown


def compact(writer: StoreWriter, name: str) -> int:
    """Merge the states of a rollup's table, outside of any commit group; returns how many rows it has then."""
    table = writer.head.tables[name]
    if table.version is None:
        return 0
    files = delta.snapshot(table_folder(writer.generation, name), table.version)
    columns = [column.name for column in table.columns]
    slices = _slices(sum(file.bytes for file in files))
    queries = compact_sql(writer.connection, [file.path for file in files], columns, table.meta["dimensions"], slices)
    writer.begin()
    try:
        rows = writer.replace(name, queries)
    except BaseException:
        writer.rollback()
        raise
    writer.commit()
    return rows


def _slices(size: int) -> int:
    return size // _SLICE_BYTES + 1
