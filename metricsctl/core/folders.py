"""Folders of results that appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from metricsctl.core.errors import DataError, UsageError

__all__ = ["fresh_folder"]


@contextlib.contextmanager
def fresh_folder(folder: Path) -> Iterator[Path]:
    """A folder beside the asked one that takes its place at the end, and vanishes if there is an error.

    UsageError if something is in the asked one already, DataError where the disk refuses.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is there already", hint="name a new folder, or an empty one")
    fresh = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    try:
        fresh.mkdir(parents=True)
        yield fresh
        if folder.exists():
            folder.rmdir()
        fresh.replace(folder)
    except OSError as error:
        raise DataError(f"cannot write to {folder}: {error.strerror or error}", hint="is there room for it?") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
