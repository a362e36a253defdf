"""The table of `metricsctl schema`."""

from __future__ import annotations

from typing import Any

from metricsctl.render.style import Style
from metricsctl.render.views import Block, Column, Table

__all__ = ["view"]


def view(report: Any, style: Style) -> list[Block]:  # noqa: ARG001 - a view's signature
    """One row a schema."""
    columns = (Column("name", style="bold"), Column("schema"))
    return [Table("", columns, list(report.schemas.items()), "print one with `metricsctl schema NAME`")]
