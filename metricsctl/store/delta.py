"""Delta Lake tables on the local disk: the only place that knows `deltalake`, and the edge at which its failures become StoreError."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from metricsctl.core.errors import StoreError
from metricsctl.plan.tables import Column
from metricsctl.store.files import file_errors, fsync_folder

if TYPE_CHECKING:
    from deltalake import DeltaTable, Schema

__all__ = [
    "DataFile",
    "Latest",
    "NewFile",
    "diverged",
    "exists",
    "files",
    "history",
    "latest",
    "publish",
    "snapshot",
    "transaction_version",
    "unneeded",
    "version",
]

_LOG = "_delta_log"


@dataclass(frozen=True, slots=True)
class DataFile:
    """A Parquet file of a snapshot: its path as it is on the disk, and the size in bytes and rows that the log says it has."""

    path: str
    bytes: int
    rows: int


@dataclass(frozen=True, slots=True)
class NewFile:
    """A Parquet file that lies in a table's folder and is to become part of it."""

    name: str
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


def history(path: Path) -> list[tuple[int, int]]:
    """The versions of the table at `path` that can still be read, with the time of each (microseconds), in order."""
    with _failures(path):
        found = sorted((int(entry["version"]), int(entry["timestamp"]) * 1000) for entry in _open(path).history())
        newest = found[-1][0] if found else 0
        return [(number, at) for number, at in found if number == newest or all(map(os.path.exists, _readable(path, number)))]


def _readable(path: Path, version: int) -> list[str]:
    """The files of a version; one that is not there if the log no longer tells."""
    try:
        return files(path, version)
    except StoreError:
        return [os.path.join(path, _LOG, "gone")]  # noqa: PTH118


def unneeded(path: Path, version: int, hours: int) -> list[str]:
    """The paths of files in a table's folder that its snapshot of `version` does not have, and that left it more than so many hours ago.

    Nothing is removed, and nothing is written to the log, in which Delta Lake itself would make a version of it.
    """
    with _failures(path):
        table = _open(path)
        found = table.vacuum(hours, dry_run=True, enforce_retention_duration=False, full=True, keep_versions=[version])
        return sorted(os.path.join(path, unquote(name)) for name in found)  # noqa: PTH118


def publish(
    path: Path, files: Sequence[NewFile], columns: Sequence[Column], *, app_id: str, previous: int | None, seq: int, replaces: bool = False
) -> int:
    """Make files in the folder of a table part of it, as one commit with the transaction number `seq`; returns the table's version.

    The table is made if need be; with `replaces` all its other files leave it. Delta Lake takes a number twice without a word, so the
    number before must be `previous`; StoreError if it is another.
    """
    from deltalake import CommitProperties, Transaction
    from deltalake.transaction import AddAction, create_table_with_add_actions

    commit = CommitProperties(app_transactions=[Transaction(app_id, seq)])
    with _failures(path):
        table = _open(path) if exists(path) else None
        found = None if table is None else table.transaction_version(app_id)
        if found != previous:
            raise diverged(f"the table at {path} has the transaction {found}, not {previous}")
        now = int(time.time() * 1000)
        adds = [AddAction(file.name, file.bytes, {}, now, not replaces, json.dumps({"numRecords": file.rows})) for file in files]
        if table is None:
            create_table_with_add_actions(str(path), _schema(columns), adds, commit_properties=commit)
            written, expected = _open(path).version(), 0
        else:
            expected = table.version() + 1
            mode = "overwrite" if replaces else "append"
            table.create_write_transaction([*adds], mode, _schema(columns), commit_properties=commit)
            table.update_incremental()
            written = table.version()
        if written != expected:
            raise diverged(f"somebody else wrote to the table at {path}")
        _fsync_commit(path, written)
    return written


def _schema(columns: Sequence[Column]) -> Schema:
    from deltalake import Field, Schema
    from deltalake.schema import ArrayType, PrimitiveType

    names = {"bigint": "long", "double": "double", "varchar": "string", "boolean": "boolean"}
    fields = []
    for column in columns:
        item = PrimitiveType(names[column.type.removesuffix("[]")])
        fields.append(Field(column.name, ArrayType(item) if column.type.endswith("[]") else item))
    return Schema(fields)


def _fsync_commit(path: Path, version: int) -> None:
    # deltalake leaves this to the system; the outbox is cleared on the strength of it
    with (path / _LOG / f"{version:020d}.json").open("rb") as handle:
        os.fsync(handle.fileno())
    for folder in (path / _LOG, path, path.parent):
        fsync_folder(folder)
