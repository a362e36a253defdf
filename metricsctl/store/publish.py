"""From the outbox to the Delta tables and the head, so that a crash at any point loses nothing and doubles nothing.

The state is committed first. Then each table with waiting rows is appended under the group's number, then the head is replaced, then
the outbox is emptied. After a crash each table's own number says whether its append took place.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from metricsctl.store import delta
from metricsctl.store.generation import table_folder
from metricsctl.store.head import FORMAT, Head, TableState
from metricsctl.store.state import State

__all__ = ["append_waiting", "head_of"]


def head_of(state: State, generation: Path, versions: Mapping[str, int]) -> Head:
    """The head that shows the state, with `versions` for the tables just appended."""
    tables = {
        name: TableState(name, versions.get(name, stored.version), stored.table.columns, stored.table.sort_by, stored.table.meta)
        for name, stored in state.tables().items()
    }
    return Head(FORMAT, state.store_id, generation.name, state.seq, state.sources(), tables)


def append_waiting(state: State, generation: Path, done: Mapping[str, int]) -> dict[str, int]:
    """Append the waiting rows of every table that is not `done`; returns the versions of all tables of the outbox."""
    versions = dict(done)
    store_id = state.store_id
    for name, stored in state.tables().items():
        if stored.pending is None or name in done:
            continue
        versions[name] = delta.append(
            table_folder(generation, name),
            state.waiting(stored),
            stored.table.columns,
            app_id=store_id,
            previous=stored.pending.previous,
            seq=stored.pending.seq,
        )
    return versions
