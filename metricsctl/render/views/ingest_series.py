"""The table of `metricsctl ingest --series`."""

from __future__ import annotations

from typing import Any

from metricsctl.core.timegrid import to_iso
from metricsctl.render.style import Style
from metricsctl.render.views import Block, Column, Table

__all__ = ["view"]


def view(report: Any, style: Style) -> list[Block]:  # noqa: ARG001 - a view's signature
    """A line for each series."""
    numbers = ("files", "points", "new", "changed", "gone", "rejected")
    columns = [
        Column("series", style="bold"),
        *(Column(name, justify="right", no_wrap=True) for name in numbers),
        Column("watermark", no_wrap=True),
    ]
    rows = []
    for item in report.series:
        counts = (item.files, item.points, item.new, item.changed, item.gone, sum(item.rejected.values()))
        mark = None if item.watermark is None else to_iso(item.watermark).replace("T", " ")
        rows.append((item.name, *(f"{count:,}" for count in counts), mark))
    return [Table("", columns, rows)]
