"""Findings as annotations of GitHub Actions.

https://docs.github.com/actions/reference/workflow-commands-for-github-actions#setting-an-error-message
"""

from __future__ import annotations

from typing import Any

from metricsctl.core.diagnostics import Diagnostic, Severity
from metricsctl.render.style import Style

__all__ = ["render"]

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escape(text).replace(":", "%3A").replace(",", "%2C")


def _annotation(item: Diagnostic) -> str:
    place = ""
    if item.span is not None:
        span = item.span
        place = f"file={_property(span.path)},line={span.line},endLine={span.end_line},"
        if span.line == span.end_line:  # GitHub refuses columns on several lines
            place += f"col={span.column},endColumn={span.end_column},"
    message = item.message + (f" ({item.hint})" if item.hint else "")
    return f"::{_LEVELS[item.severity]} {place}title={_property(item.code)}::{_escape(message)}\n"


def render(report: Any, style: Style) -> str:  # noqa: ARG001 - a renderer's signature
    """A lint report as workflow commands."""
    return "".join(_annotation(item) for item in report.findings)
