"""The table of `metricsctl store drop`."""

from __future__ import annotations

from typing import Any

from metricsctl.render.numbers import size
from metricsctl.render.style import Style
from metricsctl.render.views import Block, Column, Table

__all__ = ["view"]


def view(report: Any, style: Style) -> list[Block]:  # noqa: ARG001 - a view's signature
    """What was dropped of each rollup."""
    if not report.rollups:
        return ["nothing to drop"]
    columns = (
        Column("rollup", style="bold"),
        Column("dropped"),
        Column("states", justify="right", no_wrap=True),
        Column("size", justify="right", no_wrap=True),
    )
    rows = [
        (item.rollup, "all" if item.whole else ", ".join(item.measures), f"{item.states:,}", size(item.bytes)) for item in report.rollups
    ]
    return [Table("", columns, rows, f"metrics that have no values now: {', '.join(report.metrics) or 'none'}")]
