"""Compaction: the partial states of a table merged into few files, as a commit group of its own, which readers never notice."""

from __future__ import annotations

from collections.abc import Collection

from metricsctl.engine.duckdb.compact import compact_sql
from metricsctl.store import delta
from metricsctl.store.delta import DataFile
from metricsctl.store.generation import table_folder
from metricsctl.store.writer import StoreWriter

__all__ = ["MOST_FILES", "compact", "compact_grown", "files_of", "is_compact", "merge"]

MOST_FILES = 32  # more make queries slow: each is opened by every one
_SLICE_BYTES = 32 << 20  # of files that are merged at once


def compact_grown(writer: StoreWriter, most: int = MOST_FILES) -> list[str]:
    """Compact every table that has more than so many files; returns their names."""
    grown = []
    for name, table in writer.head.tables.items():
        if table.version is None or "measures" not in table.meta:
            continue
        files = files_of(writer, name)
        # a large table has many files after a compaction too: only those that came since are counted
        if len(files) - _slices(files) > most:
            compact(writer, name)
            grown.append(name)
    return grown


def compact(writer: StoreWriter, name: str) -> int:
    """Merge the states of a rollup's table, outside of any commit group; returns how many rows it has then."""
    writer.begin()
    try:
        rows = merge(writer, name)
    except BaseException:
        writer.rollback()
        raise
    writer.commit()
    return rows


def merge(writer: StoreWriter, name: str, dropped: Collection[str] = ()) -> int:
    """Merge the states of a rollup's table in the open commit group, without those of `dropped` measures; returns its rows."""
    table = writer.head.tables[name]
    if table.version is None:
        return 0
    files = files_of(writer, name)
    columns = [column.name for column in table.columns]
    paths = [file.path for file in files]
    return writer.replace(name, compact_sql(writer.connection, paths, columns, table.meta["dimensions"], _slices(files), dropped))


def files_of(writer: StoreWriter, name: str) -> list[DataFile]:
    """The files that a table has now; none before its first rows."""
    version = writer.head.tables[name].version
    return [] if version is None else delta.snapshot(table_folder(writer.generation, name), version)


def is_compact(files: Collection[DataFile]) -> bool:
    """Whether a table with these files has no more of them than a compaction would leave."""
    return len(files) <= _slices(files)


def _slices(files: Collection[DataFile]) -> int:
    return sum(file.bytes for file in files) // _SLICE_BYTES + 1
