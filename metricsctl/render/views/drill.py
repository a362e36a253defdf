"""The table of `metricsctl drill`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metricsctl.render.style import Style
from metricsctl.render.views import Block, Column, Table

if TYPE_CHECKING:
    from metricsctl.drill.report import Blind, Drilled, DrillReport

__all__ = ["blind_of", "caught_by", "duration", "summary", "view"]


def view(report: DrillReport, style: Style) -> list[Block]:  # noqa: ARG001 - a view's signature
    """A line for each fault, and what is blind."""
    if not report.faults:
        return ["nothing could be planted"]
    heads = (
        Column("fault", style="bold"),
        Column("source"),
        Column("what"),
        Column("caught"),
        Column("by"),
        Column("first explanation"),
    )
    rows = [(item.fault, item.source, item.what, duration(item), caught_by(item), item.explanation) for item in report.faults]
    blocks: list[Block] = [Table("", heads, rows, summary(report))]
    unseen = [(item.fault, item.source, ", ".join(map(blind_of, item.blind))) for item in report.faults if item.blind]
    if unseen:
        title = f"Metrics of tier {report.tier} that moved without an alert"
        footer = f"never noticed anything: {', '.join(report.blind)}" if report.blind else ""
        blocks.append(Table(title, (Column("fault", style="bold"), Column("source"), Column("metrics")), unseen, footer))
    return blocks


def duration(item: Drilled) -> str:
    """How soon a fault was caught, in words."""
    if item.after is None:
        return "no"
    hours = item.after / 3600
    return f"after {hours:.0f} h" if hours >= 1 else f"after {item.after / 60:.0f} min"


def caught_by(item: Drilled) -> str | None:
    """The metric that noticed first, with its segment, and how many others did."""
    if item.metric is None:
        return None
    where = "".join(f" {name}={'(null)' if value is None else value}" for name, value in item.key.items())
    others = len(item.alerts) - 1
    return f"{item.metric}{where}" + (f" and {others} more" if others > 0 else "")


def blind_of(item: Blind) -> str:
    """A metric and by how much it moved."""
    return item.metric if item.moved is None else f"{item.metric} {item.moved * 100:+,.0f} %"


def summary(report: DrillReport) -> str:
    """The counts in one line."""
    stats = report.stats
    return f"{stats['caught']} of {stats['faults']} faults caught, {stats['named']} with the right place in the first explanation"
