"""The table of `metricsctl store vacuum`."""

from __future__ import annotations

from typing import Any

from metricsctl.render.numbers import size
from metricsctl.render.style import Style
from metricsctl.render.views import Block, Column, Table

__all__ = ["view"]


def view(report: Any, style: Style) -> list[Block]:  # noqa: ARG001 - a view's signature
    """The tables that had files to remove."""
    tables = [item for item in report.tables if item.files]
    if not tables:
        return [f"nothing to do: no file left its table more than {report.hours} h ago"]
    columns = [Column("rollup", style="bold"), *(Column(name, justify="right", no_wrap=True) for name in ("files", "size"))]
    rows = [(item.name, f"{item.files:,}", size(item.bytes)) for item in tables]
    done = "to be removed (dry run)" if report.dry_run else "removed"
    return [Table("", columns, rows, f"{report.stats['files']:,} files, {size(report.stats['bytes'])}, {done}")]
