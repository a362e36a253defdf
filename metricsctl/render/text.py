"""Findings as a compiler shows them: place, code, message, the line, a caret with the hint."""

from __future__ import annotations

import importlib
import unicodedata
from collections.abc import Callable
from typing import Any

from metricsctl.core.diagnostics import Diagnostic, Severity, Span
from metricsctl.render.style import Style, paint

__all__ = ["finding", "headline", "render"]

Lines = Callable[[Span], str | None]
_COLORS = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.INFO: "bold blue"}


def _columns(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def headline(diagnostic: Diagnostic, style: Style) -> str:
    """Place, code and message in one line; a warning says that it is one."""
    color = _COLORS[diagnostic.severity]
    code = paint(diagnostic.code, color, style)
    if diagnostic.severity is not Severity.ERROR:
        code += " " + paint(f"{diagnostic.severity}:", color, style)
    if diagnostic.span is None:
        return f"{code} {diagnostic.message}"
    return f"{paint(str(diagnostic.span), 'bold', style)}: {code} {diagnostic.message}"


def _crop(line: str, start: int, end: int, room: int) -> tuple[str, int, int]:
    """The part of a long line around [start, end), and where that stretch then lies."""
    if len(line) <= room:
        return line, start, end
    first = max(0, min(start - room // 4, len(line) - room))
    left = "..." if first else ""
    shown = (
        left + line[first + len(left) : first + room - 3] + ("..." if first + room < len(line) else line[first + room - 3 : first + room])
    )
    return shown, start - first, min(end - first, len(shown))


def _excerpt(diagnostic: Diagnostic, line: str, style: Style) -> list[str]:
    span = diagnostic.span
    assert span is not None  # noqa: S101 - the caller has a line, so there is a place
    text = line.replace("\t", " ")
    start = min(span.column - 1, len(text))
    end = span.end_column - 1 if span.end_line == span.line else len(text.rstrip())
    text, start, end = _crop(text, start, min(max(end, start + 1), max(len(text), start + 1)), max(style.width - 10, 40))
    caret = " " * _columns(text[:start]) + paint("^" * max(_columns(text[start:end]), 1), _COLORS[diagnostic.severity], style)
    hint = f" {diagnostic.hint}" if diagnostic.hint else ""
    bar = paint("|", "dim", style)
    return [f"{span.line:>5} {bar} {text.rstrip()}", f"{'':>5} {bar} {caret}{hint}"]


def finding(diagnostic: Diagnostic, line: str | None, style: Style) -> str:
    """One finding; `line` is the text of the line it stands on, where that is known."""
    parts = [headline(diagnostic, style)]
    if diagnostic.span is not None and line is not None and line.strip():
        parts += _excerpt(diagnostic, line, style)
    elif diagnostic.hint:
        parts.append(f"  {paint('hint:', 'cyan', style)} {diagnostic.hint}")
    return "\n".join(parts) + "\n"


def render(report: Any, style: Style) -> str:
    """A lint report: every finding with its line, an empty line between two. Others by `metricsctl.render.pages.<report>_text`."""
    if report.name != "lint":
        page: Any = importlib.import_module(f"metricsctl.render.pages.{report.name}_text")
        return str(page.page(report, style))
    return "\n".join(finding(item, report.line(item.span), style) for item in report.findings)
