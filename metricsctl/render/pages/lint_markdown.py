"""`metricsctl lint` as Markdown: a summary, and a table a file."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from metricsctl.core.diagnostics import Diagnostic
from metricsctl.render.markdown import code, escaped, row
from metricsctl.render.style import Style

__all__ = ["page"]

_MOST = 200  # rows that a comment can hold


def page(report: Any, style: Style) -> str:  # noqa: ARG001 - a page's signature
    """The findings, file by file."""
    lines = ["# metricsctl lint", "", escaped(report.summary()), ""]
    shown = report.findings[:_MOST]
    for path, found in groupby(shown, key=lambda item: item.span.path if item.span else ""):
        lines += [f"## {code(path)}" if path else "## elsewhere", "", row("line", "rule", "severity", "finding"), "|---:|---|---|---|"]
        lines += [_row(item) for item in found]
        lines.append("")
    if len(report.findings) > len(shown):
        lines += [f"{len(report.findings) - len(shown)} more findings are not shown.", ""]
    return "\n".join(lines)


def _row(item: Diagnostic) -> str:
    message = escaped(item.message) + (f": {escaped(item.hint)}" if item.hint else "")
    return row(str(item.span.line) if item.span else "", item.code, str(item.severity), message)
