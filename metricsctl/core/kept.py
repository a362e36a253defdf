"""Results kept by the content of all that they were worked out from.

One JSON file a result, written whole or not at all; what cannot be read, or is of another state of this program, counts as not there. A
folder that cannot be written to keeps nothing, in silence: keeping is a convenience.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metricsctl._version import __version__

__all__ = ["Kept", "digest", "ignored_folder", "program"]

_MANY = 24  # results that are kept of one kind
_DEFINING = ("core", "definition", "definition/schema", "lineage", "lineage/sql", "lint", "lint/rules", "plan", "diff", "impact")


def digest(parts: Iterable[str]) -> str:
    """One key for many texts, in their order."""
    found = hashlib.sha256()
    for part in parts:
        raw = part.encode("utf-8", "surrogateescape")
        found.update(f"{len(raw)}:".encode() + raw)
    return found.hexdigest()[:32]


@functools.cache
def program(folders: tuple[str, ...] = _DEFINING) -> str:
    """What tells one state of some folders of this program, and of the library that reads SQL, from another."""
    from importlib.util import find_spec

    package = Path(__file__).parents[1]
    sql = find_spec("sqlglot")  # without importing it; its package data cost ten times the reading of this file
    version = None if sql is None or sql.origin is None else Path(sql.origin).with_name("_version.py")
    said = [__version__, version.read_text(encoding="utf-8") if version is not None and version.is_file() else ""]
    for folder in folders:
        for entry in sorted(os.scandir(package / folder), key=lambda item: item.name):
            if entry.name.endswith(".py"):
                found = entry.stat()
                said.append(f"{folder}/{entry.name}:{found.st_size}:{found.st_mtime_ns}")
    return digest(said)


def ignored_folder(folder: Path) -> None:
    """Make a folder that git leaves out; OSError if it cannot be."""
    folder.mkdir(parents=True, exist_ok=True)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Kept:
    """Results of one kind in a folder."""

    folder: Path
    kind: str

    def get(self, key: str) -> Any:
        """The data under a key; None if there is none, or if a file that it stands on has changed since."""
        try:
            found = json.loads((self.folder / f"{self.kind}-{key}.json").read_text(encoding="utf-8"))
            files, data = found["files"], found["data"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None
        return data if all(_of(Path(path)) == said for path, said in files.items()) else None

    def put(self, key: str, data: Any, files: Iterable[Path] = ()) -> None:
        """Keep data that stands on some files beside what the key is made of; the oldest give way."""
        with contextlib.suppress(OSError):
            ignored_folder(self.folder)
            body: Mapping[str, Any] = {"files": {str(path): _of(path) for path in files}, "data": data}
            handle, name = tempfile.mkstemp(prefix=".new-", dir=self.folder)
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as stream:
                    stream.write(json.dumps(body, separators=(",", ":")))
                Path(name).replace(self.folder / f"{self.kind}-{key}.json")
            finally:
                Path(name).unlink(missing_ok=True)
            for path in sorted(self.folder.glob(f"{self.kind}-*.json"), key=lambda item: item.stat().st_mtime, reverse=True)[_MANY:]:
                path.unlink(missing_ok=True)


def _of(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:32]
    except OSError:
        return ""
