"""Markdown, as GitHub and GitLab show it in a comment; each report has its own page, `metricsctl.render.pages.<report>_markdown`."""

from __future__ import annotations

import importlib
import re
from typing import Any

from metricsctl.core.report import Report
from metricsctl.render.style import Style

__all__ = ["code", "escaped", "render", "row"]

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#~])")


def render(report: Report, style: Style) -> str:
    """The page of a report."""
    page: Any = importlib.import_module(f"metricsctl.render.pages.{report.name.replace('-', '_')}_markdown")
    return str(page.page(report, style))


def escaped(text: str) -> str:
    r"""Text that Markdown shows as it stands, on one line.

    >>> print(escaped("a_b | <c>"))
    a\_b \| \<c\>
    """
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def code(text: str) -> str:
    r"""Text as code, also within a table.

    >>> print(code("a|b"))
    `a\|b`
    """
    fence = "``" if "`" in text else "`"
    return f"{fence}{' '.join(text.split())}{fence}".replace("|", "\\|")


def row(*cells: str) -> str:
    """A line of a table.

    >>> row("a", "b")
    '| a | b |'
    """
    return f"| {' | '.join(cells)} |"
