"""The answer of `metricsctl store verify`."""

from __future__ import annotations

from typing import Any

from metricsctl.render.style import Style
from metricsctl.render.views import Block

__all__ = ["view"]


def view(report: Any, style: Style) -> list[Block]:  # noqa: ARG001 - a view's signature
    """One line; the problems themselves are findings."""
    read = f"{report.tables} tables, {report.files} files, {report.rows:,} states read"
    if report.ok:
        return [f"the store is sound: {read}"]
    return [f"the store has {len(report.problems)} problem{'s' if len(report.problems) > 1 else ''}: {read}"]
