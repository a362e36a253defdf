"""Results of lint runs, kept by the content of all that they were worked out from.

One JSON file a result, written whole or not at all; what cannot be read, or was written by another version, counts as not there.
A folder that cannot be written to keeps nothing, in silence: the cache is a convenience.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metricsctl._version import __version__
from metricsctl.core.diagnostics import Diagnostic, Edit, Fix, Severity, Span
from metricsctl.core.serial import plain
from metricsctl.lint.report import LintReport
from metricsctl.lint.settings import Settings

__all__ = ["Cache", "Entry", "key_of"]

FORMAT = 1
KEPT = 16  # results of different questions about one project


@dataclass(frozen=True, slots=True)
class Entry:
    """A report, and what was asked of the world while it was made."""

    report: LintReport
    asked: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Cache:
    """The results in a folder."""

    folder: Path

    def get(self, key: str) -> Entry | None:
        """The result under a key."""
        try:
            data = json.loads((self.folder / f"{key}.json").read_text(encoding="utf-8"))
            return _entry(data) if data["format"] == FORMAT else None
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None

    def put(self, key: str, entry: Entry) -> None:
        """Keep a result; the oldest ones give way."""
        with contextlib.suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            ignore = self.folder / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n", encoding="utf-8")
            handle, name = tempfile.mkstemp(prefix=".new-", dir=self.folder)
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as stream:
                    json.dump(_plain(entry), stream)
                Path(name).replace(self.folder / f"{key}.json")
            finally:
                Path(name).unlink(missing_ok=True)
            self._prune()

    def _prune(self) -> None:
        found = sorted(self.folder.glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in found[KEPT:]:
            path.unlink(missing_ok=True)


def key_of(
    files: Mapping[Path, str], rules: tuple[tuple[str, ...], tuple[str, ...]], settings: Settings, root: Path, base_key: str, others: int
) -> str:
    """What a result depends on: the program, the question, and the texts of all files."""
    digest = hashlib.sha256()
    for part in (__version__, *_program(), repr(rules), repr(settings), str(root), base_key, str(others)):
        digest.update(part.encode() + b"\0")
    for path, text in sorted(files.items()):
        digest.update(f"{path}\0".encode("utf-8", "surrogateescape"))
        digest.update(hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest())
    return digest.hexdigest()[:32]


def _program() -> Iterator[str]:
    """What tells one state of this program, and of the library that reads SQL, from another."""
    from importlib.util import find_spec

    sql = find_spec("sqlglot")
    if sql is not None and sql.origin is not None:
        version = Path(sql.origin).with_name("_version.py")
        yield version.read_text(encoding="utf-8") if version.is_file() else ""
    package = Path(__file__).parents[1]
    for folder in ("core", "definition", "lineage", "lineage/sql", "lint", "lint/rules", "plan", "diff"):
        for entry in sorted(os.scandir(package / folder), key=lambda item: item.name):
            if entry.name.endswith(".py"):
                found = entry.stat()
                yield f"{entry.name}:{found.st_size}:{found.st_mtime_ns}"


def _plain(entry: Entry) -> dict[str, Any]:
    report = entry.report
    return {
        "format": FORMAT,
        "asked": dict(entry.asked),
        "findings": plain(report.findings),
        "files": list(report.files),
        "other_files": report.other_files,
        "counts": dict(report.counts),
        "suppressed": report.suppressed,
        "lines": [[path, line, text] for (path, line), text in report.lines.items()],
    }


def _entry(data: Mapping[str, Any]) -> Entry:
    report = LintReport(
        findings=tuple(_finding(item) for item in data["findings"]),
        files=tuple(data["files"]),
        other_files=data["other_files"],
        lines={(path, line): text for path, line, text in data["lines"]},
        counts=data["counts"],
        suppressed=data["suppressed"],
    )
    return Entry(report, data["asked"])


def _finding(item: Mapping[str, Any]) -> Diagnostic:
    span = Span(**item["span"]) if item["span"] else None
    return Diagnostic(item["code"], Severity(item["severity"]), item["message"], span, item["hint"], _fix(item["fix"]))


def _fix(item: Mapping[str, Any] | None) -> Fix | None:
    if item is None:
        return None
    return Fix(item["message"], tuple(Edit(Span(**edit["span"]), edit["text"]) for edit in item["edits"]), item["safe"])
