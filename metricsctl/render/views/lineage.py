"""The table of `metricsctl lineage`."""

from __future__ import annotations

from typing import Any

from metricsctl.render.style import Style
from metricsctl.render.views import Block, Column, Table

__all__ = ["view"]


def view(report: Any, style: Style) -> list[Block]:  # noqa: ARG001 - a view's signature
    """One row an edge, in the order of the layers; then what stands alone."""
    nodes = {node.id: node for node in report.nodes}
    columns = (
        Column("from", style="bold"),
        Column("kind", style="dim"),
        Column("into", style="bold"),
        Column("kind", style="dim"),
        Column("as", style="cyan"),
        Column("sure", justify="right"),
        Column("where", style="dim"),
    )
    rows = []
    for edge in sorted(report.edges, key=lambda edge: (nodes[edge.source].sort_key, nodes[edge.target].sort_key)):
        ends = nodes[edge.source], nodes[edge.target]
        sure = f"{round(100 * edge.confidence)} %"
        rows.append((ends[0].name, ends[0].kind.value, ends[1].name, ends[1].kind.value, edge.kind.value, sure, edge.span))
    blocks: list[Block] = [Table("", columns, rows, str(report.coverage))] if rows else []
    joined = {key for edge in report.edges for key in (edge.source, edge.target)}
    alone = [f"{node.name} ({node.kind.value})" for node in report.nodes if node.id not in joined]
    if alone:
        blocks.append("joined to nothing: " + ", ".join(alone))
    return blocks
