"""The table of `metricsctl changes add`."""

from __future__ import annotations

from typing import Any

from metricsctl.render.style import Style
from metricsctl.render.views import Block
from metricsctl.render.views.changes import table

__all__ = ["view"]


def view(report: Any, style: Style) -> list[Block]:  # noqa: ARG001 - a view's signature
    """The events that are new."""
    return [table(report.added)] if report.added else ["nothing new"]
