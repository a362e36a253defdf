"""Which source a file belongs to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from metricsctl.core.errors import UnknownName, UsageError
from metricsctl.ingest.readers import InputFile

__all__ = ["assign"]


def assign(files: Sequence[InputFile], sources: Iterable[str], named: str | None) -> list[tuple[InputFile, str]]:
    """Each file with its source: the one named, else the only one there is, else the one that the file or a folder is named after.

    UnknownName for a source that the project does not have, UsageError for a file that fits none.
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
    return [(file, _by_name(file.name, known)) for file in files]


def _by_name(path: str, sources: Sequence[str]) -> str:
    """The source whose name a path component is, or begins with before a separator; the last component decides first."""
    for component in reversed(PurePosixPath(path).parts):
        fitting = [source for source in sources if re.match(rf"{re.escape(source)}([-_.]|\Z)", component)]
        if fitting:
            return max(fitting, key=len)
    raise UsageError(
        f"{path}: which source is it of?", hint=f"say --source {'|'.join(sources)}, or name the file or its folder after the source"
    )
