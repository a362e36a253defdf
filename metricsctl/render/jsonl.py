"""JSON lines: one line an item of the report, no envelope."""

from __future__ import annotations

from metricsctl.core.report import Report
from metricsctl.core.serial import plain
from metricsctl.render.json import dump
from metricsctl.render.style import Style

__all__ = ["render"]


def render(report: Report, style: Style) -> str:
    """Each of `report.items()` as one line; a report without `items` is one item."""
    items = getattr(report, "items", None)
    rows = plain(list(items()) if items is not None else [report.to_dict()])
    return "".join(dump(row, style, indent=None) + "\n" for row in rows)
