"""Delta Lake tables on the local disk: the only place that knows `deltalake`, and the edge at which its failures become StoreError."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from metricsctl.core.errors import StoreError
from metricsctl.plan.tables import Column
from metricsctl.store.files import file_errors, fsync_folder

if TYPE_CHECKING:
    from deltalake import DeltaTable, WriterProperties

__all__ = ["DataFile", "Latest", "append", "diverged", "exists", "files", "latest", "snapshot", "transaction_version", "version"]

_LOG = "_delta_log"
_ROW_GROUP = 122_880  # DuckDB's own, the unit in which it skips and shares work


@dataclass(frozen=True, slots=True)
class DataFile:
    """A Parquet file of a snapshot: its path as it is on the disk, and the size in bytes and rows that the log says it has."""

    path: str
    bytes: int
    rows: int


@dataclass(frozen=True, slots=True)
class Latest:
    """The newest version of a table, the transaction number that our writer gave last (None: never), and its count of files."""

    version: int
    transaction: int | None
    files: int


def diverged(what: str) -> StoreError:
    """The error for a store whose parts do not belong together."""
    return StoreError(f"store diverged: {what}", hint="run `metricsctl store verify`")


@contextlib.contextmanager
def _failures(path: Path) -> Iterator[None]:
    from deltalake.exceptions import DeltaError

    try:
        with file_errors(path):
            yield
    except DeltaError as error:
        raise _failure(path, error) from error
    except BaseException as error:
        # a panic in Rust is a BaseException of a module that cannot be imported
        if type(error).__name__ != "PanicException":
            raise
        raise _failure(path, error) from error


def _failure(path: Path, error: BaseException) -> StoreError:
    reason = str(error).strip().partition("\n")[0] or type(error).__name__
    return StoreError(
        f"cannot use the table at {path}: {reason}", hint="check disk space and permissions, then run `metricsctl store verify`"
    )


def exists(path: Path) -> bool:
    """Whether there is a Delta table at `path`: a log with at least one commit."""
    log = path / _LOG
    return log.is_dir() and any(entry.suffix == ".json" or ".checkpoint." in entry.name for entry in log.iterdir())


def _open(path: Path, version: int | None = None) -> DeltaTable:
    from deltalake import DeltaTable

    return DeltaTable(str(path), version=version)


def latest(path: Path, app_id: str) -> Latest | None:
    """What the newest version of the table at `path` says, read afresh; None if there is no table."""
    with _failures(path):
        if not exists(path):
            return None
        table = _open(path)
        return Latest(table.version(), table.transaction_version(app_id), len(table.file_uris()))


def version(path: Path) -> int | None:
    """The newest version of the table at `path`, None if there is no table."""
    with _failures(path):
        return _open(path).version() if exists(path) else None


def transaction_version(path: Path, app_id: str) -> int | None:
    """The last transaction number of `app_id` in the table at `path`, None if there is none."""
    found = latest(path, app_id)
    return None if found is None else found.transaction


def snapshot(path: Path, version: int) -> list[DataFile]:
    """The data files of one version of the table at `path`."""
    with _failures(path):
        actions: Any = _open(path, version).get_add_actions()
        columns = [actions.column(name).to_pylist() for name in ("path", "size_bytes", "num_records")]
    # the log percent-encodes paths, and may hold whole ones
    return [DataFile(os.path.join(path, unquote(name)), size, rows) for name, size, rows in zip(*columns, strict=True)]  # noqa: PTH118


def files(path: Path, version: int) -> list[str]:
    """The plain paths of the data files of one version of the table at `path`."""
    return [file.path for file in snapshot(path, version)]


def append(path: Path, rows: Any, columns: Sequence[Column], *, app_id: str, previous: int | None, seq: int) -> int:
    """Append an Arrow stream as one commit with the transaction number `seq`, making the table if need be; returns its version.

    Delta Lake takes a number twice without a word, so the number before must be `previous`; StoreError if it is another.
    """
    from deltalake import CommitProperties, Transaction, write_deltalake

    with _failures(path):
        table = _open(path) if exists(path) else None
        found = None if table is None else table.transaction_version(app_id)
        if found != previous:
            raise diverged(f"the table at {path} has the transaction {found}, not {previous}")
        expected = 0 if table is None else table.version() + 1
        write_deltalake(
            str(path) if table is None else table,
            rows,
            mode="append",
            writer_properties=_properties(columns),
            commit_properties=CommitProperties(app_transactions=[Transaction(app_id, seq)]),
        )
        written = (table or _open(path)).version()
        if written != expected:
            raise diverged(f"somebody else wrote to the table at {path}")
        _fsync_commit(path, written)
    return written


def _properties(columns: Sequence[Column]) -> WriterProperties:
    from deltalake import ColumnProperties, WriterProperties

    # minimum and maximum leave NaN out, and DuckDB would skip NaN rows by them
    blind = {column.name: ColumnProperties(statistics_enabled="NONE") for column in columns if column.type == "double"}
    return WriterProperties(compression="ZSTD", compression_level=3, max_row_group_size=_ROW_GROUP, column_properties=blind or None)


def _fsync_commit(path: Path, version: int) -> None:
    # deltalake leaves this to the system; the outbox is cleared on the strength of it
    log = path / _LOG / f"{version:020d}.json"
    actions = (json.loads(line) for line in log.read_text(encoding="utf-8").splitlines())
    for file in [*(path / unquote(action["add"]["path"]) for action in actions if "add" in action), log]:
        with file.open("rb") as handle:
            os.fsync(handle.fileno())
    for folder in (path / _LOG, path, path.parent):
        fsync_folder(folder)
