"""The tables of `metricsctl impact`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from metricsctl.render.pages.impact_observed import observed_lines
from metricsctl.render.pages.impact_sample import sample_lines
from metricsctl.render.pages.impact_tree import folded, why_not_lines
from metricsctl.render.style import Style
from metricsctl.render.views import Block, Column, Table
from metricsctl.render.wrap import wrapped

__all__ = ["view"]


def view(report: Any, style: Style) -> list[Block]:
    """The verdict, the gates, what changed, what is reached, the paths asked for."""
    blocks: list[Block] = [f"{report.verdict}\nscore {report.score:.0f} of 100: {report.level}"]
    blocks += ["\n".join(wrapped(f"gate {gate.name}: {gate.reason}", style.width)) for gate in report.gates]
    if report.sample is not None:
        blocks.append("\n".join(sample_lines(report, style)).strip("\n"))
    if report.observed is not None:
        blocks.append("\n".join(observed_lines(report, style)).strip("\n"))
    if report.changes:
        columns = (Column("node", style="bold"), Column("kind", style="dim"), Column("category", style="yellow"), Column("reason"))
        rows = [(change.name, change.kind.value, change.category.value, change.reason) for change in report.changes]
        blocks.append(Table("Changes", columns, rows))
    if report.impacted:
        heads = (
            Column("node", style="bold"),
            Column("kind", style="dim"),
            Column("category", style="yellow"),
            Column("hit", justify="right"),
            Column("owner"),
            Column("through"),
        )
        reached = [
            (item.name, item.kind.value, item.category.value, f"{100 * item.p:.0f} %", item.owner, _through(item.via))
            for item in report.impacted
        ]
        blocks.append(Table("Reached", heads, reached))
    if report.why:
        ways = [" > ".join(nodes) for nodes, _ in folded(report.paths)] or [f"{report.why} is untouched: nothing that it reads has changed"]
        blocks.append("\n".join(ways))
    if report.why_not:
        blocks.append("\n".join(why_not_lines(report)))
    blocks += [f"about nothing here: {words}" for words in report.unmatched]
    return blocks


def _through(via: Sequence[str]) -> str:
    """The changed node that is felt; its reason stands in the table of changes."""
    return "its own change" if len(via) == 1 else via[0].replace(":", " ", 1)
