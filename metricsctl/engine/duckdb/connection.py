"""A DuckDB connection set up the way this program needs it, and text put safely into its SQL."""

from __future__ import annotations

import contextlib
import os
import pathlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from metricsctl.core.errors import StoreError
from metricsctl.core.interrupts import interrupts_held

if TYPE_CHECKING:
    import duckdb

__all__ = ["connect", "literal", "quote", "storage_errors"]


def connect(path: str | pathlib.Path | None, *, threads: int | None = None, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """A connection to the database file at `path`, or to one in memory when `path` is None.

    No extension is ever downloaded, and a name in a query never means a Python variable.

    Raises
    ------
    StoreError
        The file is locked by another process, is not a DuckDB database, cannot be opened, or has a `?` in its path.
    """
    with interrupts_held():
        import duckdb

    config: dict[str, Any] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "python_enable_replacements": False,
    }
    if threads is not None:
        config["threads"] = threads
    if path is None:
        return duckdb.connect(config=config)
    file = str(pathlib.Path(path).absolute())
    if "?" in file and not file.startswith("\\\\?\\"):
        # DuckDB takes what follows for options and looks for its log beside another file, whatever links lead there
        raise StoreError(f"DuckDB cannot have '?' in a path: {file}", hint="choose another folder")
    with storage_errors(file):
        return duckdb.connect(file, read_only=read_only, config=config)


@contextlib.contextmanager
def storage_errors(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn DuckDB's failures with the file at `path` (locked, broken, disk full) into StoreError; a wrong statement stays as it is."""
    with interrupts_held():
        import duckdb

    storage = (duckdb.IOException, duckdb.FatalException, duckdb.InternalException, duckdb.SerializationException)
    try:
        yield
    except duckdb.Error as error:
        # a broken block is reported as the bare base class, a disk that is full at a COMMIT as a failure of the transaction
        if type(error) is not duckdb.Error and not isinstance(error, storage) and "Failed to commit" not in str(error):
            raise
        reason = str(error).strip().partition("\n")[0]
        raise StoreError(
            f"cannot use {os.fspath(path)}: {reason}", hint="see that the disk has room and nobody else uses the file"
        ) from error


def quote(identifier: str) -> str:
    """A name as a SQL identifier.

    >>> print(quote('a "b" c'))
    "a ""b"" c"
    """
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as a SQL string.

    >>> print(literal("it's"))
    'it''s'
    """
    return "'" + text.replace("'", "''") + "'"
