"""Findings that need not be said again: those of yesterday's report, and those that a change did not bring."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from metricsctl.core.diagnostics import Diagnostic, Severity, Span
from metricsctl.core.errors import UsageError
from metricsctl.lint.fingerprint import Words, words_of
from metricsctl.lint.report import LintReport

__all__ = ["changed_lines", "only_files", "only_new", "read_known", "without_known"]


def read_known(path: Path) -> Counter[Words]:
    """The findings in a file that `lint --format json` or `--format jsonl` wrote; UsageError if it is none."""
    hint = "write one with `metricsctl lint --format json -o FILE`"
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: {getattr(error, 'strerror', None) or 'not UTF-8 text'}", hint=hint) from error
    try:
        return Counter(words_of(_finding(item)) for item in _items(text))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path}: not a report of lint", hint=hint) from error


def _items(text: str) -> Iterable[Mapping[str, Any]]:
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) == 0:
        return []
    try:
        whole = json.loads(text)
    except ValueError:
        return [json.loads(line) for line in lines]
    if "diagnostics" not in whole:
        return [whole]
    items: list[Mapping[str, Any]] = whole["diagnostics"]
    return items


def _finding(item: Mapping[str, Any]) -> Diagnostic:
    span = Span.of_file(item["span"]["path"]) if item["span"] else None
    return Diagnostic(str(item["code"]), Severity.ERROR, str(item["message"]), span)


def without_known(known: Counter[Words]) -> Callable[[LintReport], LintReport]:
    """Leaves out of a report what is known; of equal findings as many as are known."""

    def keep(report: LintReport) -> LintReport:
        left = Counter(known)
        findings = []
        for item in report.findings:
            words = words_of(item)
            if left[words] > 0:
                left[words] -= 1
            else:
                findings.append(item)
        return replace(report, findings=tuple(findings), known=report.known + len(report.findings) - len(findings))

    return keep


def only_files(files: frozenset[Path], root: Path) -> Callable[[LintReport], LintReport]:
    """Leaves in a report what stands in some files; the others are read for what they define."""

    def keep(report: LintReport) -> LintReport:
        return replace(report, findings=tuple(item for item in report.findings if item.span and root / item.span.path in files))

    return keep


def changed_lines(before: str | None, now: str) -> set[int] | None:
    """The lines (from 1) of `now` that `before` did not have; None where all are new."""
    import difflib

    if before is None:
        return None
    matcher = difflib.SequenceMatcher(None, before.split("\n"), now.split("\n"), autojunk=False)
    return {line + 1 for tag, _, _, start, end in matcher.get_opcodes() if tag != "equal" for line in range(start, end)}


def only_new(base: LintReport, changed: Mapping[str, set[int] | None]) -> Callable[[LintReport], LintReport]:
    """Leaves in a report what stands on a changed line, and what the base did not have.

    Parameters
    ----------
    base
        The report of the base.
    changed
        For each file that is not as it was, its changed lines; None for a new file.
    """
    old = Counter(words_of(item) for item in base.findings)

    def keep(report: LintReport) -> LintReport:
        left = Counter(old)
        findings = []
        for item in report.findings:
            words = words_of(item)
            was_there = left[words] > 0
            left[words] -= was_there
            if not was_there or _touched(item.span, changed):
                findings.append(item)
        return replace(report, findings=tuple(findings), known=report.known + len(report.findings) - len(findings))

    return keep


def _touched(span: Span | None, changed: Mapping[str, set[int] | None]) -> bool:
    if span is None or span.path not in changed:
        return False
    lines = changed[span.path]
    return lines is None or any(line in lines for line in range(span.line, span.end_line + 1))
