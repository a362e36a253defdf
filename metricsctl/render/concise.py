"""Findings, one line each: place, code, message."""

from __future__ import annotations

from typing import Any

from metricsctl.render.style import Style
from metricsctl.render.text import headline

__all__ = ["render"]


def render(report: Any, style: Style) -> str:
    """A lint report for editors and for `grep`."""
    return "".join(headline(item, style) + (f" ({item.hint})" if item.hint else "") + "\n" for item in report.findings)
