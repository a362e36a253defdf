"""The tables of `metricsctl ingest --show-plan`."""

from __future__ import annotations

from typing import Any

from metricsctl.render.style import Style
from metricsctl.render.views import Block, Column, Table

__all__ = ["view"]


def view(report: Any, style: Style) -> list[Block]:  # noqa: ARG001 - a view's signature
    """The sources and what is read of them, the tables and what is kept in them."""
    sources = Table(
        "Sources",
        (Column("source", style="bold"), Column("lateness"), Column("zone"), Column("told apart by"), Column("fields read")),
        [(item.name, item.lateness, item.zone, _apart(item), ", ".join(item.fields)) for item in report.sources],
    )
    heads = (Column("rows of", style="bold"), Column("grain"), Column("zone"), Column("by"), Column("states"), Column("metrics"))
    rows = [
        (
            item.relation,
            item.grain,
            item.zone,
            ", ".join(item.dimensions) or None,
            "\n".join(item.states.values()),
            ", ".join(item.metrics) or "(whether the source was alive)",
        )
        for item in report.rollups
    ]
    return [sources, Table("Tables", heads, rows)]


def _apart(item: Any) -> str | None:
    match = [f"{name}: {' | '.join(values)}" for name, values in item.match.items()]
    return ", ".join([*match, *([f"key {', '.join(item.key)}"] if item.key else [])]) or None
