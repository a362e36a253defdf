"""The table of `metricsctl store export`."""

from __future__ import annotations

from typing import Any

from metricsctl.render.style import Style
from metricsctl.render.views import Block, Column, Table

__all__ = ["view"]


def view(report: Any, style: Style) -> list[Block]:  # noqa: ARG001 - a view's signature
    """A line for each file."""
    columns = (
        Column("file", style="bold"),
        Column("rows", justify="right", no_wrap=True),
        Column("grain"),
        Column("dimensions"),
        Column("metrics"),
    )
    rows = [
        (
            item.file,
            f"{item.rows:,}",
            item.grain,
            ", ".join(item.dimensions),
            ", ".join(sorted({name for used in item.columns.values() for name in used})),
        )
        for item in report.rollups
    ]
    return [Table("", columns, rows, "what each column is stands in manifest.json")]
