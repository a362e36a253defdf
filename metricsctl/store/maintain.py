"""What keeps a store small: compaction of its tables, removal of files that no reader can need, tables and measures that are dropped."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from metricsctl.core.errors import UnknownName, UsageError
from metricsctl.store import delta
from metricsctl.store.compact import compact, files_of, is_compact, merge
from metricsctl.store.files import file_errors, usable
from metricsctl.store.generation import table_folder
from metricsctl.store.head import Head
from metricsctl.store.maintain_report import Compacted, CompactReport, Vacuumed, VacuumReport
from metricsctl.store.writer import StoreWriter

__all__ = ["KEEP_HOURS", "compact_tables", "drop_states", "vacuum"]

KEEP_HOURS = 168  # a reader that opened the store may take so long


def _open(path: str | os.PathLike[str]) -> StoreWriter:
    """The writer of a store that is there; UsageError if there is none."""
    root = usable(path)
    if Head.read(root) is None:
        raise UsageError(f"no store at {root}", hint="run `metricsctl ingest`", code="no-store")
    return StoreWriter.open(root)


def compact_tables(path: str | os.PathLike[str], names: Sequence[str] = ()) -> CompactReport:
    """Merge the partial states of the tables called `names` (all): one row a window and key, in few files. Answers stay as they are.

    Readers go on with the files that they have; `vacuum` removes those later.

    Raises
    ------
    UnknownName
        The store has no such table.
    UsageError
        There is no store.
    StoreError
        Another process writes, the store has diverged, or the disk refuses; what was compacted before stays so.
    """
    done = []
    with _open(path) as writer:
        _check(writer, names)
        for name, table in sorted(writer.head.tables.items()):
            before = files_of(writer, name)
            if (names and name not in names) or "measures" not in table.meta or is_compact(before):
                continue
            compact(writer, name)
            after = files_of(writer, name)
            sizes = (sum(file.bytes for file in files) for files in (before, after))
            rows = (sum(file.rows for file in files) for files in (before, after))
            done.append(Compacted(name, len(before), len(after), *rows, *sizes))
        return CompactReport(str(writer.path), len(names) or len(writer.head.tables), tuple(done))


def vacuum(path: str | os.PathLike[str], hours: int = KEEP_HOURS, *, dry_run: bool = False) -> VacuumReport:
    """Remove the files of tables that left them more than so many hours ago; a reader with a head that old could not go on.

    Raises
    ------
    UsageError
        There is no store.
    StoreError
        Another process writes, the store has diverged, or the disk refuses; what was removed before is gone.
    """
    done = []
    with _open(path) as writer, file_errors(writer.path):
        for name, table in sorted(writer.head.tables.items()):
            if table.version is None:
                continue
            found = map(Path, delta.unneeded(table_folder(writer.generation, name), table.version, hours))
            old = [file for file in found if file.exists()]  # the log goes on naming those that are removed
            size = sum(file.stat().st_size for file in old)
            for file in () if dry_run else old:
                file.unlink(missing_ok=True)
            done.append(Vacuumed(name, len(old), size))
        return VacuumReport(str(writer.path), hours, dry_run, tuple(done))


def drop_states(path: str | os.PathLike[str], measures: Mapping[str, Sequence[str]]) -> None:
    """Drop from each table the states of some measures; the table itself where all that it holds are named. One commit group.

    A reader that was at work reads anew. Errors as of `compact_tables`.
    """
    with _open(path) as writer:
        _check(writer, list(measures))
        writer.begin()
        try:
            for name, dropped in measures.items():
                _drop(writer, name, dropped)
        except BaseException:
            writer.rollback()
            raise
        writer.commit()


def _drop(writer: StoreWriter, name: str, dropped: Sequence[str]) -> None:
    meta = writer.head.tables[name].meta
    left = [measure for measure in meta.get("measures", ()) if measure not in dropped]
    if not left:
        writer.forget_table(name)
        return
    merge(writer, name, dropped)
    writer.set_meta(name, {**meta, "measures": left})


def _check(writer: StoreWriter, names: Sequence[str]) -> None:
    for name in names:
        if name not in writer.head.tables:
            raise UnknownName.of("rollup", name, writer.head.tables)
