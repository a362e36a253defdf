"""A file in memory, where the system has such files, for DuckDB to read a chunk from."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from metricsctl.core.errors import DataError

__all__ = ["Scratch"]


class Scratch:
    """One file, written again and again; `name` is the path to read it by."""

    def __init__(self, folder: Path) -> None:
        self._handle: int | None = None
        self.name = str(folder / "batch.tmp")
        if hasattr(os, "memfd_create"):
            handle = os.memfd_create("metricsctl-batch")
            path = f"/proc/self/fd/{handle}"
            if os.path.exists(path):  # noqa: PTH110 - /proc may not be there
                self._handle, self.name = handle, path
                return
            os.close(handle)

    def write(self, data: bytes | bytearray) -> None:
        """Replace the content; DataError where there is no room."""
        try:
            if self._handle is None:
                Path(self.name).write_bytes(data)
                return
            view, done = memoryview(data), 0
            while done < len(data):  # over the old content, whose pages are used again
                done += os.pwrite(self._handle, view[done:], done)
            os.ftruncate(self._handle, len(data))
        except OSError as error:
            raise DataError(f"cannot keep a chunk at hand: {error.strerror}", hint="free some memory, or set TMPDIR") from error

    def close(self) -> None:
        """Give the memory back; a second call does nothing."""
        if self._handle is not None:
            with contextlib.suppress(OSError):
                os.close(self._handle)
            self._handle = None
