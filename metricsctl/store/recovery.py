"""What a store must look like on opening: each part where the state says it is, or one step of a publication further."""

from __future__ import annotations

import contextlib
from pathlib import Path

from metricsctl.engine.duckdb.connection import connect
from metricsctl.store import delta
from metricsctl.store.generation import STATE_FILE, TABLES, table_folder
from metricsctl.store.head import Head
from metricsctl.store.staging import stage
from metricsctl.store.state import State, StoredTable

__all__ = ["check_head", "check_table", "open_state", "published"]


def open_state(generation: Path, head: Head | None) -> State:
    """The state of a generation, made if nothing is there yet, and brought to this version's format.

    StoreError if there are tables or a head without a state.
    """
    file = generation / STATE_FILE
    used = (head is not None and head.generation == generation.name) or any(map(delta.exists, (generation / TABLES).glob("*")))
    if used and not file.exists():
        raise delta.diverged(f"the writer's state is gone: {file}")
    with contextlib.ExitStack() as undo:
        connection = connect(file)
        undo.callback(connection.close)
        state = State.load(connection)
        if state is None and used:
            raise delta.diverged(f"the writer's state is empty: {file}")
        state = state or State.create(connection)
        tables = state.tables()
        state.migrate(lambda name, select: stage(connection, generation, tables[name].table, select))
        undo.pop_all()
    return state


def check_head(state: State, head: Head) -> None:
    """StoreError if the head belongs to another state or to a later one."""
    if head.store_id != state.store_id:
        raise delta.diverged("head.json and the writer's state belong to different stores")
    if head.seq > state.seq:
        raise delta.diverged(f"the writer's state is older (commit {state.seq}) than head.json (commit {head.seq})")


def check_table(stored: StoredTable, generation: Path, store_id: str) -> int | None:
    """The Delta version of a table if it stands where the state says, None if its waiting rows (or no rows ever) are still to come.

    StoreError if it stands anywhere else.
    """
    name = stored.table.name
    found = delta.latest(table_folder(generation, name), store_id)
    before = stored.pending.previous if stored.pending else stored.last_seq
    if before is None and (found is None or (found.transaction is None and found.files == 0)):
        return None
    if found is None:
        raise delta.diverged(f"table {name} is missing")
    if stored.pending is not None and found.transaction == stored.pending.seq:
        if stored.version is not None and found.version != stored.version + 1:
            raise delta.diverged(f"table {name} is at version {found.version}, not {stored.version + 1}")
        return found.version
    if found.transaction != before:
        raise delta.diverged(f"table {name} has the transaction {found.transaction}, not {stored.last_seq}")
    if found.version != stored.version:
        raise delta.diverged(f"table {name} is at version {found.version}, not {stored.version}: somebody else wrote to it")
    return None if stored.pending else found.version


def published(state: State, generation: Path) -> dict[str, int]:
    """The tables whose waiting rows were published before a crash, with their versions; StoreError if any table has diverged."""
    tables = state.tables()
    versions = {name: check_table(stored, generation, state.store_id) for name, stored in tables.items()}
    return {name: version for name, version in versions.items() if version is not None and tables[name].pending is not None}
