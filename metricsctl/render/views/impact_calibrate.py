"""The table of `metricsctl impact calibrate`."""

from __future__ import annotations

from typing import Any

from metricsctl.render.style import Style
from metricsctl.render.views import Block, Column, Table

__all__ = ["view"]

_SHOWN = 10  # commits that are listed


def view(report: Any, style: Style) -> list[Block]:  # noqa: ARG001 - a view's signature
    """The scale, how past commits spread over the levels, and the largest of them."""
    found = f"k = {report.k:.1f}" if report.k is not None else f"the scale stays as it is: {report.reason}"
    quiet = f", {report.quiet} without" if report.quiet else ""
    blocks: list[Block] = [f"{found}\n{len(report.commits)} commits with a score{quiet}"]
    if not report.commits:
        return blocks
    levels = [(level, count, f"{100 * count / len(report.commits):.0f} %") for level, count in report.levels.items()]
    blocks.append(
        Table("By level", (Column("level", style="bold"), Column("commits", justify="right"), Column("share", justify="right")), levels)
    )
    heads = (Column("commit", style="bold"), Column("metrics", justify="right"), Column("score", justify="right"), Column("level"))
    largest = sorted(report.commits, key=lambda item: (-item.raw, item.commit))[:_SHOWN]
    blocks.append(Table("The largest", heads, [(item.commit, item.moved, f"{item.score:.0f}", item.level) for item in largest]))
    return blocks
