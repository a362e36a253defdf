"""The generations of a store: folders beside each other, of which the head names the one that counts."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from pathlib import Path

from metricsctl.store.delta import diverged
from metricsctl.store.files import fsync_folder, is_generation
from metricsctl.store.head import Head

__all__ = ["STAGED", "STATE_FILE", "TABLES", "clean", "clear_dropped", "current", "make", "mark_finished", "table_folder"]

STATE_FILE = "state.duckdb"
TABLES = "tables"
STAGED = "staged"
_UNFINISHED = "unfinished"


def table_folder(generation: Path, table: str) -> Path:
    """Where the Delta table called `table` lies."""
    return generation / TABLES / table


def _number(generation: Path) -> int:
    return int(generation.name[1:])


def _folders(store: Path) -> list[Path]:
    found = (folder for folder in store.iterdir() if is_generation(folder.name) and folder.is_dir())
    return sorted(found, key=_number)


def _unfinished(generation: Path) -> bool:
    return not any(generation.iterdir()) or (generation / _UNFINISHED).exists()


def mark_finished(generation: Path) -> None:
    """Take the mark of a rebuild away."""
    (generation / _UNFINISHED).unlink(missing_ok=True)


def make(store: Path, *, rebuild: bool) -> Path:
    """A new generation; that of a rebuild comes after all others and is marked unfinished."""
    numbers = [_number(folder) for folder in _folders(store)]
    generation = store / f"g{max([*numbers, 1]) + 1 if rebuild else 1:04d}"
    generation.mkdir(exist_ok=not rebuild)
    if rebuild:
        (generation / _UNFINISHED).touch()
    (generation / TABLES).mkdir(exist_ok=True)
    fsync_folder(store)
    return generation


def _candidates(store: Path, head: Head | None) -> list[Path]:
    folders = _folders(store)
    if head is not None:
        return [folder for folder in folders if folder.name == head.generation]
    return [folder for folder in folders if not _unfinished(folder)]


def current(store: Path, head: Head | None) -> Path | None:
    """The generation that counts, None if there is none yet; StoreError if it is gone or cannot be told.

    It is the one that the head names; without a head, the one that is no unfinished rebuild.
    """
    found = _candidates(store, head)
    if head is not None and not found:
        raise diverged(f"head.json names {head.generation}, which is not there")
    if len(found) > 1:
        raise diverged("head.json is missing and there are several generations")
    return found[0] if found else None


def clean(store: Path, head: Head | None) -> None:
    """Remove every generation that cannot be the current one."""
    keep = _candidates(store, head)
    for folder in _folders(store):
        if folder not in keep:
            shutil.rmtree(folder, ignore_errors=True)  # what cannot go now is left to the next writer


def clear_dropped(generation: Path, tables: Collection[str]) -> None:
    """Remove the folders of tables that are not among those of the state, which must be the one that the head shows."""
    for folder in (generation / TABLES).iterdir():
        if folder.name not in tables:
            shutil.rmtree(folder, ignore_errors=True)  # what cannot go now is left to the next commit
