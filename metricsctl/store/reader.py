"""Readers: the store as the head shows it, at one moment for all tables, never blocked by a writer."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar

from metricsctl.core.errors import UsageError
from metricsctl.store import delta
from metricsctl.store.files import usable
from metricsctl.store.generation import table_folder
from metricsctl.store.head import Head

if TYPE_CHECKING:
    import duckdb

__all__ = ["StoreReader"]

T = TypeVar("T")


class StoreReader:
    """A store at the moment of its `head`; takes no lock and reads nothing of the writer's own."""

    __slots__ = ("_listed", "head", "path")

    def __init__(self, path: Path, head: Head) -> None:
        self.path = path
        self.head = head
        self._listed: dict[str, list[str]] = {}

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Self:
        """The store at `path` as it is now; UsageError if there is none, StoreError if another version wrote it."""
        root = usable(path)
        head = Head.read(root)
        if head is None:
            raise UsageError(f"no store at {root}", hint="run `metricsctl ingest`", code="no-store")
        return cls(root, head)

    @property
    def connection(self) -> duckdb.DuckDBPyConnection | None:
        """A database in memory that a query may share; None: it has one of its own."""
        return None

    def reload(self) -> Self:
        """The same store as it is now."""
        return type(self).open(self.path)

    def files(self, table: str) -> list[str]:
        """The Parquet files of a table at the version of the head; none before its first rows. KeyError if there is no such table.

        The paths are plain: `engine.duckdb.parquet.read_parquet` puts them into SQL so that a `?` in them is no pattern.
        """
        version = self.head.tables[table].version
        if version is None:
            return []
        if table not in self._listed:  # a version's files are always the same
            self._listed[table] = delta.files(table_folder(self.path / self.head.generation, table), version)
        return self._listed[table]

    def retrying(self, work: Callable[[Self], T]) -> T:
        """The result of `work` on this reader; if it fails and the head has moved on, that of `work` on the reader of the new head.

        A rebuild or a vacuum may take files away from under a reader; the second failure is final.
        """
        try:
            return work(self)
        except Exception:
            now = self.reload()
            if now.head == self.head:
                raise
        return work(now)
