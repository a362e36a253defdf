"""Which files belong to a project, and where its root is."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from metricsctl.core.errors import DataError, UsageError

__all__ = ["belongs", "definition_files", "find_project", "folder_of", "read_text", "unix_lines", "yaml_files"]

SKIPPED_FOLDERS = {"node_modules", "__pycache__", "venv", "env", "site-packages"}
_SUFFIXES = {".yml", ".yaml"}
_VERSION = re.compile(r"^[\"']?version[\"']?\s*:", re.MULTILINE)
_SECTION = re.compile(r"^[\"']?(metrics|sources|models|exposures|tests|dimensions|calendar|series|defaults)[\"']?\s*:", re.MULTILINE)
_COMPACT = re.compile(r"\btype[\"']?\s*:\s*[\"']?(counter|gauge|composite)\b")
MAX_BYTES = 4_000_000  # some 15,000 metrics


def find_project(start: Path) -> Path:
    """The project that `start` lies in: the nearest folder upwards with `metricsctl.toml`, else `start/metrics`, else `start`."""
    for folder in (start, *start.parents):
        if (folder / "metricsctl.toml").is_file():
            return folder
        if (folder / ".git").exists():
            break
    return start / "metrics" if (start / "metrics").is_dir() else start


def folder_of(paths: Sequence[Path]) -> Path:
    """The folder of the definitions at these paths, in which tables about them lie: the first one, or where that file is."""
    return (paths[0] if paths[0].is_dir() else paths[0].parent).resolve()


def read_text(path: Path) -> str:
    """The text of a definition file; UsageError if it cannot be used."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UsageError(f"{path}: {path.stat().st_size:,} bytes are too many for a definition file", hint="split it")
        raw = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}", hint="check the path and its permissions") from error
    try:
        return unix_lines(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise DataError(f"{path}:{line}: not UTF-8 text", hint="save the file as UTF-8") from error


def unix_lines(text: str) -> str:
    """A text with the line ends of Unix, whatever it was written with."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def belongs(text: str) -> bool:
    """Whether a YAML text is ours: `version:` and one of the sections, or the compact form."""
    section = _SECTION.search(text)
    return bool(section and (_VERSION.search(text) or (section[1] == "metrics" and _COMPACT.search(text))))


def _walk(folder: Path) -> Iterator[Path]:
    for base, folders, files in os.walk(folder):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and name not in SKIPPED_FOLDERS and not Path(base, name, "pyvenv.cfg").exists()
        )
        for name in sorted(files):
            if Path(name).suffix in _SUFFIXES and not name.startswith("."):
                yield Path(base, name)


def yaml_files(path: Path) -> list[Path]:
    """The YAML files at a path, ours or not; none where there is no such path."""
    if path.is_dir():
        return [file for file in _walk(path) if file.exists()]
    return [path] if path.exists() else []


def definition_files(paths: Sequence[Path]) -> tuple[list[tuple[Path, str]], int]:
    """The files of a project with their texts, and how many other YAML files were left alone.

    A file that is named itself is always taken. UsageError for a path that is not there, and where no YAML is found at all.
    """
    taken: dict[Path, str] = {}
    others = 0
    for path in paths:
        if path.is_dir():
            for file in _walk(path):
                if file.is_symlink() and not file.exists():
                    continue
                text = read_text(file)
                if belongs(text):
                    taken.setdefault(file.resolve(), text)
                else:
                    others += 1
        elif path.exists():
            taken.setdefault(path.resolve(), read_text(path))
        else:
            raise UsageError(f"no such file or folder: {path}", hint="name a YAML file, or a folder that holds some")
    if not taken:
        where = ", ".join(str(path) for path in paths)
        what = f"; {others} other YAML files were left alone" if others else ""
        raise UsageError(f"no metric definitions in {where}{what}", hint="start with `metricsctl init`, or name the folder with -p")
    return sorted(taken.items()), others
