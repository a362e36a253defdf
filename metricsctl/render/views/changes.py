"""The table of `metricsctl changes list`."""

from __future__ import annotations

from typing import Any

from metricsctl.core.timegrid import to_iso
from metricsctl.render.style import Style
from metricsctl.render.views import Block, Column, Table

__all__ = ["table", "view"]


def view(report: Any, style: Style) -> list[Block]:  # noqa: ARG001 - a view's signature
    """One row an event, by time."""
    return [table(report.changes)] if report.changes else ["there are no change events yet: `metricsctl changes add FILE`"]


def table(changes: Any) -> Table:
    """The table of some events, each with what it is about."""
    columns = (
        Column("time", no_wrap=True),
        Column("kind", style="cyan"),
        Column("service", style="bold"),
        Column("sha", style="dim"),
        Column("title"),
        Column("about", style="green"),
    )
    rows = []
    for item in changes:
        event = item.event
        about = ", ".join(key.partition(":")[2] for key in item.matches)
        where = event.service or event.repo or event.env
        rows.append((to_iso(event.time).replace("T", " "), event.kind, where, (event.sha or "")[:12], event.title, about))
    return Table("", columns, rows)
