"""Results of lint runs, kept by the content of all that they were worked out from (see `core.kept`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metricsctl.core.diagnostics import Diagnostic, Edit, Fix, Severity, Span
from metricsctl.core.kept import Kept, digest, program
from metricsctl.core.serial import plain
from metricsctl.lint.report import LintReport
from metricsctl.lint.settings import Settings

__all__ = ["Cache", "Entry", "key_of"]

_KIND = "lint"


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
        data = Kept(self.folder, _KIND).get(key)
        try:
            return None if data is None else _entry(data)
        except (ValueError, KeyError, TypeError, AttributeError):
            return None

    def put(self, key: str, entry: Entry) -> None:
        """Keep a result; the oldest ones give way."""
        Kept(self.folder, _KIND).put(key, _plain(entry))


def key_of(
    files: Mapping[Path, str], rules: tuple[tuple[str, ...], tuple[str, ...]], settings: Settings, root: Path, base_key: str, others: int
) -> str:
    """What a result depends on: the program, the question, and the texts of all files."""
    asked = (program(), repr(rules), repr(settings), str(root), base_key, str(others))
    return digest((*asked, *(part for path, text in sorted(files.items()) for part in (str(path), text))))


def _plain(entry: Entry) -> dict[str, Any]:
    report = entry.report
    return {
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
