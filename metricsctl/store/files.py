"""What the file system may refuse, and how to make it keep what it took."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from metricsctl.core.errors import StoreError, UsageError

__all__ = ["file_errors", "fsync_folder", "is_generation", "usable"]

_GENERATION = re.compile(r"g[0-9]{4,}\Z")
# deltalake panics on some of them and decodes or splits at others; DuckDB looks for its log elsewhere where there is a `?`
_REFUSED = frozenset("[]%|^?") | (frozenset() if sys.platform == "win32" else frozenset("\\"))
_HINTS = {
    errno.ENOSPC: "free some space and run it again: nothing is lost",
    errno.EDQUOT: "free some space and run it again: nothing is lost",
    errno.EACCES: "check the permissions of the folder",
    errno.EPERM: "check the permissions of the folder",
    errno.EROFS: "the file system is read-only: choose another folder with --store",
    errno.ENOTDIR: "choose another folder with --store",
    errno.EEXIST: "choose another folder with --store",
}


def usable(path: str | os.PathLike[str]) -> Path:
    """The resolved path of a store; UsageError if it holds characters that Delta Lake or DuckDB cannot have in a path."""
    resolved = Path(path).resolve()
    text = str(resolved)
    refused = sorted(character for character in set(text) if character in _REFUSED or not character.isprintable())
    if refused:
        shown = " ".join(character if character.isprintable() else repr(character) for character in refused)
        raise UsageError(f"a store's path cannot have {shown} in it: {text}", hint="choose another folder with --store")
    return resolved


@contextlib.contextmanager
def file_errors(path: Path) -> Iterator[None]:
    """Turn an OSError (disk full, no permission) into StoreError."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        hint = _HINTS.get(error.errno or 0, "check the disk")
        raise StoreError(f"cannot use the store at {path}: {reason}", hint=hint) from error


def fsync_folder(folder: Path) -> None:
    """Make the names in `folder` survive a crash of the machine, where the system can."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def is_generation(name: str) -> bool:
    """Whether a folder of this name is a generation of a store.

    >>> is_generation("g0001"), is_generation("../g1")
    (True, False)
    """
    return bool(_GENERATION.match(name))
