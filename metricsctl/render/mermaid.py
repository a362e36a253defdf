"""Lineage as a Mermaid flowchart, which GitHub, GitLab and many wikis draw by themselves.

https://mermaid.js.org/syntax/flowchart.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from metricsctl.render.kinds import EDGE_LINES, NODE_LOOKS
from metricsctl.render.style import Style

if TYPE_CHECKING:
    from metricsctl.lineage.nodes import Edge, Node
    from metricsctl.lineage.report import LineageReport

__all__ = ["render"]

_SPECIAL = re.compile(r"[^\w .,:/()\-]")


def render(report: LineageReport, style: Style | None = None) -> str:  # noqa: ARG001 - a renderer's signature
    """The Mermaid text of a lineage report."""
    return "\n".join(_lines(report)) + "\n"


def escaped(text: str) -> str:
    """Text as it may stand in a quoted label: what Mermaid or Markdown could read is written by its number.

    >>> escaped('a "b" <c>')
    'a #34;b#34; #60;c#62;'
    """
    return _SPECIAL.sub(lambda found: f"#{ord(found[0])};", text)


def _lines(report: LineageReport) -> Iterator[str]:
    yield "flowchart LR"
    names = {node.id: f"n{number}" for number, node in enumerate(report.nodes)}
    for node in report.nodes:
        yield "  " + _node(node, names[node.id])
    grouped: dict[tuple[str, str], list[Edge]] = {}
    for edge in report.edges:
        grouped.setdefault((edge.source, edge.target), []).append(edge)
    for (source, target), edges in grouped.items():
        yield f"  {names[source]} {_arrow(report, edges)} {names[target]}"
    for kind in dict.fromkeys(node.kind.value for node in report.nodes):
        look = NODE_LOOKS[kind]
        yield f"  classDef {kind} fill:{look.fill},stroke:{look.border},color:#22303c"
    if report.asked:
        yield "  classDef asked stroke:#d1341f,stroke-width:3px"
        yield f"  class {','.join(names[key] for key in report.asked)} asked"


def _node(node: Node, name: str) -> str:
    opening, closing = NODE_LOOKS[node.kind.value].brackets
    detail = f"<br/><small>{escaped(node.detail)}</small>" if node.detail else ""
    return f'{name}{opening}"{escaped(node.name)}{detail}"{closing}:::{node.kind.value}'


def _arrow(report: LineageReport, edges: list[Edge]) -> str:
    kinds = [edge.kind.value for edge in edges]
    arrow = "-->" if any(EDGE_LINES[kind] == "solid" for kind in kinds) else "-.->"
    told = [kind for kind in kinds if kind not in {"identity", "table-only"}] if report.columns else []
    return f"{arrow}|{', '.join(told)}|" if told else arrow
