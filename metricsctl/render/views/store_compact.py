"""The table of `metricsctl store compact`."""

from __future__ import annotations

from typing import Any

from metricsctl.render.numbers import size
from metricsctl.render.style import Style
from metricsctl.render.views import Block, Column, Table

__all__ = ["view"]


def view(report: Any, style: Style) -> list[Block]:  # noqa: ARG001 - a view's signature
    """What became of each table that was not compact."""
    if not report.tables:
        return [f"nothing to do: all {report.looked_at} tables are compact"]
    columns = [Column("rollup", style="bold"), *(Column(name, justify="right", no_wrap=True) for name in ("files", "states", "size"))]
    rows = [
        (
            item.name,
            f"{item.files_before} > {item.files}",
            f"{item.states_before:,} > {item.states:,}",
            f"{size(item.bytes_before)} > {size(item.bytes)}",
        )
        for item in report.tables
    ]
    return [Table("", columns, rows, f"{len(rows)} of {report.looked_at} tables compacted; `store vacuum` removes the old files in time")]
