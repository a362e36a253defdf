"""SARIF 2.1.0: findings for code scanning, with fixes, and with fingerprints that do not depend on line numbers.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html

A report has `findings`, `fingerprints()` beside them, `rule_pages()`, and `line(span)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from metricsctl._version import __version__
from metricsctl.core.diagnostics import Diagnostic, Edit, Fix, Severity, Span
from metricsctl.render.json import dump
from metricsctl.render.style import Style

__all__ = ["log", "render"]

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
FINGERPRINT = "metricsctl/v1"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def render(report: Any, style: Style) -> str:
    """A report of findings as a SARIF log of one run."""
    return dump(log(report), style)


def log(report: Any) -> dict[str, Any]:
    """The log as plain data."""
    pages = report.rule_pages()
    places = {page.code: number for number, page in enumerate(pages)}
    prints = report.fingerprints()
    results = [_result(item, places, prints[number], report.line(item.span)) for number, item in enumerate(report.findings)]
    driver = {"name": "metricsctl", "version": __version__, "rules": [_rule(page) for page in pages]}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(page: Any) -> dict[str, Any]:
    return {
        "id": page.code,
        "name": page.name,
        "shortDescription": {"text": page.summary},
        "fullDescription": {"text": page.summary},
        "help": {"text": page.page, "markdown": page.page},
        "defaultConfiguration": {"level": _LEVELS[page.severity]},
    }


def _result(item: Diagnostic, places: Mapping[str, int], fingerprint: str, line: str | None) -> dict[str, Any]:
    message = item.message + (f" ({item.hint})" if item.hint else "")
    result: dict[str, Any] = {
        "ruleId": item.code,
        "level": _LEVELS[item.severity],
        "message": {"text": message},
        "partialFingerprints": {FINGERPRINT: fingerprint},
    }
    if item.code in places:
        result["ruleIndex"] = places[item.code]
    if item.span is not None:
        region = _region(item.span) | ({"snippet": {"text": line}} if line else {})
        result["locations"] = [{"physicalLocation": {"artifactLocation": _artifact(item.span.path), "region": region}}]
    if item.fix is not None:
        result["fixes"] = [_fix(item.fix)]
    return result


def _artifact(path: str) -> dict[str, Any]:
    return {"uri": quote(path)}


def _region(span: Span) -> dict[str, Any]:
    return {"startLine": span.line, "startColumn": span.column, "endLine": span.end_line, "endColumn": span.end_column}


def _fix(fix: Fix) -> dict[str, Any]:
    files: dict[str, list[Edit]] = {}
    for edit in fix.edits:
        files.setdefault(edit.span.path, []).append(edit)
    changes = [
        {
            "artifactLocation": _artifact(path),
            "replacements": [{"deletedRegion": _region(edit.span), "insertedContent": {"text": edit.text}} for edit in edits],
        }
        for path, edits in files.items()
    ]
    return {"description": {"text": fix.message}, "artifactChanges": changes}
