"""Which files a command's arguments mean: files, folders, patterns, standard input."""

from __future__ import annotations

import glob
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, cast

from metricsctl.core.errors import DataError, UsageError
from metricsctl.ingest.readers.sniff import ARRAY_HINT, Format, begins_array, sniff
from metricsctl.ingest.readers.zstd import need_zstd

__all__ = ["Format", "InputFile", "discover", "display_name", "unreadable"]

STDIN_NAME = "<stdin>"
_EXTENSIONS: dict[str, Format] = {
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".json": "ndjson",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
}
_KINDS = "files of events end in .ndjson, .jsonl, .json, .csv, .tsv or .parquet, each also with .gz or .zst"
_Kind = Literal["known", "unknown"]


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file of events; `name` is for people, `packed`: compressed, `spooled`: a temporary copy that the caller removes."""

    path: Path
    name: str
    format: Format
    packed: bool
    spooled: bool = False


def discover(paths: Sequence[str], *, stdin: BinaryIO | None = None, spool_dir: Path | None = None) -> list[InputFile]:
    """The files that `paths` mean, in order, each once.

    An argument is a file, a folder (all files of events below it, hidden ones left out), a pattern such as `logs/**/*.csv` (where no file
    bears exactly that name), or `-` for `stdin`. Standard input and pipes are copied into `spool_dir` (by default the system's).

    Raises UsageError (nothing there, a format that cannot be told) and DataError (unreadable).
    """
    found: dict[Path | str, InputFile] = {}
    for argument in paths:
        try:
            for key, file in _expand(argument, stdin, spool_dir, found):
                found.setdefault(key, file)
        except OSError as error:
            raise unreadable(argument, error) from error
    return list(found.values())


def unreadable(name: str, error: OSError) -> DataError:
    """The error of a file that the system does not let us read."""
    where = display_name(os.fsdecode(error.filename)) if isinstance(error.filename, str | bytes) else name
    return DataError(f"cannot read {where}: {error.strerror or error}", hint="check that the file is there and may be read")


def display_name(path: str | Path) -> str:
    """The path with forward slashes; bytes that are no text are replaced."""
    return os.fsencode(Path(path).as_posix()).decode(errors="replace")


def _expand(
    argument: str, stdin: BinaryIO | None, spool_dir: Path | None, found: dict[Path | str, InputFile]
) -> Iterator[tuple[Path | str, InputFile]]:
    if argument == "-":
        if "-" not in found:
            yield "-", _standard_input(stdin, spool_dir)
        return
    path = Path(argument)
    if path.is_dir():
        members = _of_folder(path)
    elif path.exists():
        members = [path]
    else:
        members = _of_pattern(argument)
    for member in members:
        key = member.resolve()
        if key not in found:
            yield key, _input_file(member, spool_dir)


def _of_folder(folder: Path) -> list[Path]:
    members = sorted(path for path in _walk(folder, set()) if _kind(path) != "unknown")
    if not members:
        raise UsageError(f"no file of events in the folder {display_name(folder)}", hint=_KINDS)
    return members


def _walk(folder: Path, seen: set[Path]) -> Iterator[Path]:
    resolved = folder.resolve()
    if resolved in seen:  # a link back to a folder above
        return
    seen.add(resolved)
    for path in folder.iterdir():
        if path.name.startswith("."):
            continue
        if path.is_dir():
            yield from _walk(path, seen)
        elif path.is_file():
            yield path


def _of_pattern(pattern: str) -> list[Path]:
    if not any(sign in pattern for sign in "*?["):
        raise UsageError(f"no such file or folder: {display_name(pattern)}", hint="give files, folders, patterns or - for standard input")
    # unlike Path.glob it takes absolute patterns and leaves hidden files out
    matches = [path for path in map(Path, sorted(glob.glob(pattern, recursive=True))) if path.is_file()]  # noqa: PTH207
    if not matches:
        raise UsageError(f"no file matches {display_name(pattern)}", hint="`**` stands for any folders, `*` for any part of a name")
    # a README among the events is left out; files that are all of an unknown kind were meant as they are
    return [path for path in matches if _kind(path) != "unknown"] or matches


def _kind(path: Path) -> _Kind:
    name = path.name.lower()
    return "known" if _format_of(_unpacked(name)) else "unknown"


def _unpacked(name: str) -> str:
    """A name without the suffix of a compression."""
    return name.removesuffix(".gz").removesuffix(".zst")


def _format_of(name: str) -> Format | None:
    return _EXTENSIONS.get(Path(name).suffix)


def _input_file(path: Path, spool_dir: Path | None) -> InputFile:
    name, lowered = display_name(path), path.name.lower()
    if lowered.endswith(".zst"):
        need_zstd(name)
    if not path.is_file():
        with path.open("rb") as pipe:
            return _spool(pipe, name, spool_dir)
    with path.open("rb"):
        pass  # unreadable files are told before any work is done
    packed = lowered.endswith((".gz", ".zst"))
    form = _format_of(_unpacked(lowered))
    if form is None:
        form, packed = sniff(path, name)
    elif _unpacked(lowered).endswith(".json") and begins_array(path, packed=packed):
        raise DataError(f"{name} is one JSON array", hint=ARRAY_HINT)
    return InputFile(path, name, form, packed)


def _standard_input(stdin: BinaryIO | None, spool_dir: Path | None) -> InputFile:
    if stdin is None:
        raise UsageError("there is no standard input to read for -", hint="give files, folders or patterns")
    return _spool(stdin, STDIN_NAME, spool_dir)


def _spool(source: BinaryIO, name: str, spool_dir: Path | None) -> InputFile:
    handle, path = tempfile.mkstemp(prefix="metricsctl-", suffix=".spool", dir=spool_dir)
    try:
        with os.fdopen(handle, "wb") as target:
            shutil.copyfileobj(source, cast("BinaryIO", target), 1 << 20)
        form, packed = sniff(Path(path), name)
    except BaseException:
        Path(path).unlink()
        raise
    return InputFile(Path(path), name, form, packed, spooled=True)
