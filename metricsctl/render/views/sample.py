"""The table of `metricsctl sample`."""

from __future__ import annotations

from typing import Any

from metricsctl.render.style import Style
from metricsctl.render.views import Block, Column, Table

__all__ = ["view"]


def view(report: Any, style: Style) -> list[Block]:  # noqa: ARG001 - a view's signature
    """A line for each file; what was hashed below."""
    columns = (
        Column("sample", style="bold"),
        Column("rows", justify="right", no_wrap=True),
        Column("kept", justify="right", no_wrap=True),
        Column("without key", justify="right", no_wrap=True),
        Column("malformed", justify="right", no_wrap=True),
    )
    rows = [(file.written, *(f"{n:,}" for n in (file.rows, file.kept, file.without_key, file.malformed))) for file in report.files]
    hashed = "; ".join(f"{source}: {', '.join(names)}" for source, names in report.hashed.items())
    return [Table("", columns, rows, f"by {report.by}, {report.rate * 100:.6g}% of the keys; hashed: {hashed or 'nothing'}")]
