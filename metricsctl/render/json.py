"""JSON: every report in the same envelope, sorted and repeatable byte for byte."""

from __future__ import annotations

import json
from typing import Any

from metricsctl._version import __version__
from metricsctl.core.diagnostics import Diagnostic, Span
from metricsctl.core.errors import MetricsctlError, ProjectError
from metricsctl.core.report import Report
from metricsctl.core.serial import plain
from metricsctl.render.style import Style

__all__ = ["dump", "envelope", "failure", "render", "schema_name"]


def schema_name(name: str, version: int = 1) -> str:
    """The name of a report's schema.

    >>> schema_name("lint")
    'metricsctl/lint/v1'
    """
    return f"metricsctl/{name}/v{version}"


def dump(value: Any, style: Style, *, indent: int | None = 2) -> str:
    """Plain data as JSON text; escapes beyond ASCII where the terminal cannot show more."""
    return json.dumps(value, sort_keys=True, ensure_ascii=style.ascii, indent=indent, allow_nan=False)


def _head(schema: str) -> dict[str, Any]:
    return {"schema": schema, "tool": {"name": "metricsctl", "version": __version__}}


def envelope(report: Report) -> dict[str, Any]:
    """A report as plain data with its schema, the tool's version, findings and counts."""
    return {
        **_head(schema_name(report.name, report.version)),
        "data": plain(report.to_dict()),
        "diagnostics": plain(report.diagnostics),
        "stats": plain(report.stats),
    }


def failure(error: MetricsctlError, name: str) -> dict[str, Any]:
    """The envelope of the report called `name` where an error stands in its place."""
    found: tuple[Diagnostic, ...] = error.diagnostics if isinstance(error, ProjectError) else ()
    return broken(name, error.code, error.message, hint=error.hint, span=error.span, diagnostics=found)


def broken(
    name: str,
    code: str,
    message: str,
    *,
    hint: str | None = None,
    span: Span | None = None,
    diagnostics: tuple[Diagnostic, ...] = (),
) -> dict[str, Any]:
    """The envelope of a failure, given by its parts."""
    return {
        **_head(schema_name(name)),
        "data": None,
        "diagnostics": plain(diagnostics),
        "error": {"code": code, "message": message, "hint": hint, "span": plain(span)},
        "stats": {},
    }


def render(report: Report, style: Style) -> str:
    """The envelope as indented JSON."""
    return dump(envelope(report), style)
