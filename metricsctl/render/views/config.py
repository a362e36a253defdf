"""The table of `metricsctl config`."""

from __future__ import annotations

from typing import Any

from metricsctl.render.style import Style
from metricsctl.render.views import Block, Column, Table

__all__ = ["view"]


def _shown(value: Any) -> str:
    return ", ".join(value) if isinstance(value, tuple) else "" if value is None else str(value)


def view(report: Any, style: Style) -> list[Block]:  # noqa: ARG001 - a view's signature
    """One row a setting."""
    columns = (Column("key", style="bold", no_wrap=True), Column("value"), Column("from", style="cyan"), Column("meaning", style="dim"))
    rows = [(item.key, _shown(item.value), item.origin, item.doc) for item in report.settings]
    return [Table("", columns, rows)]
