"""`head.json`: the one file that readers trust.

It names the generation, the version of each table, and how far each source has come; replacing it is what publishes a commit group.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from metricsctl.core.errors import StoreError
from metricsctl.plan.tables import Column
from metricsctl.store.files import fsync_folder, is_generation

__all__ = ["FORMAT", "HEAD_FILE", "READABLE", "Head", "SourceState", "TableState"]

FORMAT = 2
READABLE = (1, FORMAT)  # what readers need is the same in both
HEAD_FILE = "head.json"


@dataclass(frozen=True, slots=True)
class SourceState:
    """How far a source has come; times are int64 microseconds since 1970 in UTC, None before the first event.

    `watermark` never falls; windows that end at or before `closed_until` were closed by `--final`. `rows` counts the accepted ones,
    `rejected` the others.
    """

    name: str
    watermark: int | None = None
    max_time: int | None = None
    closed_until: int | None = None
    rows: int = 0
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class TableState:
    """A table as readers see it: `version` is that of the Delta table to open, None before its first rows."""

    name: str
    version: int | None
    columns: tuple[Column, ...]
    sort_by: tuple[str, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Head:
    """One moment of a store, the same for all its tables; `seq` counts the commit groups."""

    format: int
    store_id: str
    generation: str
    seq: int
    sources: Mapping[str, SourceState]
    tables: Mapping[str, TableState]

    @classmethod
    def read(cls, store: Path) -> Self | None:
        """The head of the store at `store`, None if there is none yet; StoreError if another version wrote it or it is broken."""
        path = store / HEAD_FILE
        try:
            text = path.read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise StoreError(f"cannot read {path}: {error}", hint="check the permissions of the store") from error
        try:
            data = json.loads(text)
            found = data["format"]
        except (ValueError, KeyError, TypeError) as error:
            raise _broken(path) from error
        if found not in READABLE:
            raise StoreError(
                f"the store at {store} was written by another version of metricsctl (format {found}, this one knows {FORMAT})",
                hint="use that version, or another folder with --store",
            )
        try:
            return cls._of(data)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise _broken(path) from error

    @classmethod
    def _of(cls, data: Mapping[str, Any]) -> Self:
        if not is_generation(data["generation"]):
            raise ValueError(data["generation"])
        return cls(
            format=data["format"],
            store_id=data["store_id"],
            generation=data["generation"],
            seq=int(data["seq"]),
            sources={name: SourceState(name=name, **state) for name, state in data["sources"].items()},
            tables={name: _table(name, state) for name, state in data["tables"].items()},
        )

    def write(self, store: Path) -> None:
        """Replace the head of the store at `store` in one step that survives a crash of the machine; OSError where that fails."""
        fresh = store / f"{HEAD_FILE}.new"
        with fresh.open("w", encoding="utf-8") as file:
            json.dump(self._plain(), file, ensure_ascii=False, allow_nan=False, indent=1)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(store / HEAD_FILE)
        fsync_folder(store)

    def _plain(self) -> dict[str, Any]:
        return {
            "format": self.format,
            "store_id": self.store_id,
            "generation": self.generation,
            "seq": self.seq,
            "sources": {name: _source_plain(state) for name, state in sorted(self.sources.items())},
            "tables": {name: _table_plain(state) for name, state in sorted(self.tables.items())},
        }


def _broken(path: Path) -> StoreError:
    return StoreError(
        f"{path} is broken", hint="run `metricsctl ingest --rebuild` after removing the file, or restore the store from a backup"
    )


def _source_plain(state: SourceState) -> dict[str, Any]:
    return {
        "watermark": state.watermark,
        "max_time": state.max_time,
        "closed_until": state.closed_until,
        "rows": state.rows,
        "rejected": state.rejected,
    }


def _table_plain(state: TableState) -> dict[str, Any]:
    columns = [[column.name, column.type] for column in state.columns]
    return {"version": state.version, "columns": columns, "sort_by": list(state.sort_by), "meta": dict(state.meta)}


def _table(name: str, data: Mapping[str, Any]) -> TableState:
    columns = tuple(Column(*column) for column in data["columns"])
    return TableState(name, data["version"], columns, tuple(data["sort_by"]), data["meta"])
