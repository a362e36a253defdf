"""From the outbox to the Delta tables and the head, so that a crash at any point loses nothing and doubles nothing.

A group's rows are Parquet files in the folder `staged`, safe on the disk before the state that names them is committed. Then they are
moved into their table's folder and made part of it under the group's number, then the head is replaced, then the outbox is emptied. After
a crash each table's own number says whether that took place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from metricsctl.store import delta
from metricsctl.store.generation import STAGED, table_folder
from metricsctl.store.head import FORMAT, Head, TableState
from metricsctl.store.state import State

__all__ = ["append_waiting", "clear_staged", "head_of"]


def head_of(state: State, generation: Path, versions: Mapping[str, int]) -> Head:
    """The head that shows the state, with `versions` for the tables just appended."""
    tables = {
        name: TableState(name, versions.get(name, stored.version), stored.table.columns, stored.table.sort_by, stored.table.meta)
        for name, stored in state.tables().items()
    }
    return Head(FORMAT, state.store_id, generation.name, state.seq, state.sources(), tables)


def append_waiting(state: State, generation: Path, done: Mapping[str, int]) -> dict[str, int]:
    """Publish the waiting files of every table that is not `done`; returns the versions of all tables of the outbox."""
    versions = dict(done)
    store_id = state.store_id
    for name, stored in state.tables().items():
        pending = stored.pending
        if pending is None or name in done:
            continue
        folder = table_folder(generation, name)
        _move(generation, folder, [file.name for file in pending.files])
        versions[name] = delta.publish(
            folder,
            pending.files,
            stored.table.columns,
            app_id=store_id,
            previous=pending.previous,
            seq=pending.seq,
            replaces=pending.replaces,
        )
    return versions


def _move(generation: Path, folder: Path, names: Sequence[str]) -> None:
    """Move staged files into a table's folder; those that a crash left there already stay."""
    folder.mkdir(exist_ok=True)
    for name in names:
        staged = generation / STAGED / name
        if staged.exists():
            staged.replace(folder / name)
        elif not (folder / name).exists():
            raise delta.diverged(f"the file {name}, which waits to be published, is gone")


def clear_staged(state: State, generation: Path) -> None:
    """Remove what a group that was never committed has left."""
    waiting = {file.name for stored in state.tables().values() if stored.pending for file in stored.pending.files}
    for file in (generation / STAGED).glob("*"):
        if file.name not in waiting:
            file.unlink(missing_ok=True)
