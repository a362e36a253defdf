"""The writer's lock: one process at a time writes to a store, readers never ask."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from pathlib import Path
from typing import Self

from metricsctl.core.errors import StoreError
from metricsctl.store.files import file_errors

__all__ = ["LOCK_FILE", "StoreLock"]

LOCK_FILE = "lock"
# Windows locks bytes and forbids reading them: one far behind the text
_FAR = 1 << 30
_HELD = (errno.EAGAIN, errno.EACCES, errno.EDEADLK)


def _take(handle: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        os.lseek(handle, _FAR, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


class StoreLock:
    """The lock on the file `lock` of a store, held until `release` or the end of the process.

    The file is never removed: two processes could then hold locks on two files of one name.
    """

    def __init__(self, handle: int) -> None:
        self._handle: int | None = handle

    @classmethod
    def take(cls, store: Path) -> Self:
        """Take the lock; StoreError with the holder's process id if another one has it."""
        path = store / LOCK_FILE
        with file_errors(store):
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _take(handle)
        except OSError as error:
            os.close(handle)
            if error.errno not in _HELD:
                raise StoreError(f"cannot lock the store at {store}: {error.strerror}", hint="choose a folder on a local disk") from error
            raise StoreError(
                f"the store is locked by {_holder(path)}: {store}", hint="wait until it has finished; readers need not"
            ) from error
        lock = cls(handle)
        with file_errors(store):
            os.ftruncate(handle, 0)
            os.lseek(handle, 0, os.SEEK_SET)
            os.write(handle, str(os.getpid()).encode())
        return lock

    def release(self) -> None:
        """Give the lock back; a second call does nothing."""
        if self._handle is None:
            return
        with contextlib.suppress(OSError):
            os.ftruncate(self._handle, 0)
        os.close(self._handle)
        self._handle = None


def _holder(path: Path) -> str:
    try:
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        text = ""
    return f"process {text}" if text.isdecimal() else "another process"
