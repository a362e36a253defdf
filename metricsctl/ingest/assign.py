"""Which sources a file belongs to."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Protocol

from metricsctl.core.errors import UnknownName, UsageError
from metricsctl.ingest.readers import InputFile

__all__ = ["assign"]


class _Source(Protocol):
    @property
    def match(self) -> Collection[object]:
        """What its rows are told apart by in a mixed stream; empty where its files are its own."""


def assign(files: Sequence[InputFile], sources: Mapping[str, _Source], named: str | None) -> list[tuple[InputFile, str]]:
    """Each file with its source: the one named, else the only one there is, else the one that the file or a folder is named after.

    A file of a source with `match:`, or of none by its name, is a mixed stream: it goes with every source that has one. UnknownName for a
    source that the project does not have, UsageError for a file that fits none.
    """
    known = sorted(sources)
    if named is not None:
        if named not in known:
            raise UnknownName.of("source", named, known)
        return [(file, named) for file in files]
    if not known:
        raise UsageError("no metric uses any source: there is nothing to ingest", hint="define a metric over a source first")
    if len(known) == 1:
        return [(file, known[0]) for file in files]
    mixed = [name for name in known if sources[name].match]
    return [(file, source) for file in files for source in _sources(file.name, known, mixed)]


def _sources(path: str, known: Sequence[str], mixed: Sequence[str]) -> Sequence[str]:
    found = _by_name(path, known)
    if found is not None and found not in mixed:
        return [found]
    if mixed:
        return mixed
    raise UsageError(
        f"{path}: which source is it of?", hint=f"say --source {'|'.join(known)}, or name the file or its folder after the source"
    )


def _by_name(path: str, sources: Sequence[str]) -> str | None:
    """The source whose name a path component is, or begins with before a separator; the last component decides first."""
    for component in reversed(PurePosixPath(path).parts):
        fitting = [source for source in sources if re.match(rf"{re.escape(source)}([-_.]|\Z)", component)]
        if fitting:
            return max(fitting, key=len)
    return None
