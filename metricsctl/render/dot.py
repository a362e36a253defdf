"""Lineage as a Graphviz graph: layers from left to right, a box around the columns of each table, a legend below."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import TYPE_CHECKING

from metricsctl.render.kinds import EDGE_LINES, NODE_LOOKS
from metricsctl.render.layout import places
from metricsctl.render.style import Style

if TYPE_CHECKING:
    from metricsctl.lineage.nodes import Edge, Node
    from metricsctl.lineage.report import LineageReport

__all__ = ["render"]

_FONT = "Helvetica,Arial,sans-serif"
_INK, _FAINT, _ASKED, _WAY = "#22303c", "#5c6b78", "#d1341f", "#d1341f"
_LARGE = 300  # nodes from which on we place them ourselves, and leave labels of edges out
_LETTER, _AROUND = 0.095, 0.7  # inches: a letter of a label in the wider of usual fonts, and what is about a label
_GROUPS = {"source": 0, "model": 1, "column": 1, "dimension": 1, "metric": 2}
_UNSAID = {"identity", "group", "table-only"}  # kinds that the line tells well enough
_HEAD = f"""digraph lineage {{
  graph [rankdir=LR, fontname="{_FONT}", fontsize=12, fontcolor="{_INK}", bgcolor="white", pad=0.3, nodesep=0.18, ranksep=0.7]
  node [fontname="{_FONT}", fontsize=11, fontcolor="{_INK}", height=0.3, margin="0.12,0.05", penwidth=1.2]
  edge [fontname="{_FONT}", fontsize=8, fontcolor="{_FAINT}", color="#8a97a3", arrowsize=0.6, penwidth=1]"""


def render(report: LineageReport, style: Style | None = None) -> str:  # noqa: ARG001 - a renderer's signature
    """The DOT text of a lineage report."""
    return "\n".join(_lines(report)) + "\n"


def quoted(text: str) -> str:
    r"""Text as a DOT string.

    >>> print(quoted('a "b" \\ c'))
    "a \"b\" \\ c"
    """
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "")
    return f'"{escaped}"'


def _lines(report: LineageReport) -> Iterator[str]:
    yield _HEAD
    yield from _legend(report)
    yield from _placed(report) if len(report.nodes) > _LARGE else _ranked(report)
    ways = set(report.ways)
    for ends, pair in _pairs(report).items():
        yield "  " + _edge(report, pair, way=ends in ways)
    yield "}"


def _placed(report: LineageReport) -> Iterator[str]:
    """Nodes where `layout` puts them, with straight lines beneath them: a picture of a thousand takes a second, and keeps its shape."""
    yield "  graph [layout=neato, splines=line, outputorder=edgesfirst, overlap=true]"
    names = {node.id: _GROUPS.get(node.kind.value, len(_GROUPS)) for node in report.nodes}
    widths = {node.id: len(node.name) * _LETTER + _AROUND for node in report.nodes}
    found = places(names, [(edge.source, edge.target) for edge in report.edges], widths, 0.55)
    for node in report.nodes:
        x, y = found[node.id]
        yield "  " + _node(report, node, place=f"{x:.3f},{y:.3f}!")


def _ranked(report: LineageReport) -> Iterator[str]:
    """Nodes for Graphviz to rank, the columns of a table in a box."""
    beside: dict[str, list[Node]] = {}
    for node in report.nodes:
        if node.parent is not None:
            beside.setdefault(node.parent, []).append(node)
    known = {node.id for node in report.nodes}
    for node in report.nodes:
        if node.id in beside:
            yield from _cluster(report, node.id, [node, *beside[node.id]])
        elif node.parent is None:
            yield "  " + _node(report, node)
    for parent in sorted(set(beside) - known):
        yield from _cluster(report, parent, beside[parent])
    yield from _layers(report)


def _node(report: LineageReport, node: Node, shown: str | None = None, place: str | None = None) -> str:
    look = NODE_LOOKS[node.kind.value]
    shape, fill = ("box", "filled,rounded") if look.shape == "rounded" else (look.shape, "filled")
    asked = node.id in report.asked
    label = _label(node, shown or node.name)
    attributes = {
        "label": f"<<b>{label}</b>>" if asked else f"<{label}>",
        "shape": shape,
        "style": quoted(fill),
        "fillcolor": quoted(look.fill),
        "color": quoted(_ASKED if asked else look.border),
        "tooltip": quoted("\n".join(filter(None, (f"{node.kind.value} {node.name}", node.description, str(node.span or ""))))),
    }
    if asked:
        attributes["penwidth"] = "2.6"
    elif report.ways and not any(node.id in way for way in report.ways):
        attributes |= {"fillcolor": quoted("#ffffff"), "color": quoted("#c3ccd4"), "fontcolor": quoted("#7d8a96")}
    if place:
        attributes["pos"] = quoted(place)
    return f"{quoted(node.id)} [{', '.join(f'{key}={value}' for key, value in attributes.items())}]"


def _label(node: Node, shown: str) -> str:
    """The name with what else is known below it, or beside it in a column; the thin line keeps descenders clear."""
    name = html.escape(shown)
    if not node.detail:
        return name
    small = f'<font point-size="8" color="{_FAINT}">{html.escape(node.detail)}</font>'
    return f"{name}  {small}" if node.parent else f'{name}<br/><font point-size="3"> <br/></font>{small}'


def _cluster(report: LineageReport, parent: str, nodes: list[Node]) -> Iterator[str]:
    """A table and its columns in one box."""
    kind, _, name = parent.partition(":")
    look = NODE_LOOKS[kind]
    yield f"  subgraph {quoted('cluster_' + parent)} {{"
    yield f'    graph [label={quoted(name)}, labelloc="t", labeljust="l", margin=8, tooltip={quoted(parent)},'
    yield f'           style="rounded,filled", fillcolor="{look.fill}", color="{look.border}"]'
    for node in nodes:
        yield "    " + _node(report, node, node.name.partition(".")[2] if node.parent else "rows")
    yield "  }"


def _layers(report: LineageReport) -> Iterator[str]:
    """Sources at the left edge and exposures at the right, unless boxes hold them."""
    if report.columns:
        return
    for kind, rank in (("source", "min"), ("exposure", "max")):
        names = [quoted(node.id) for node in report.nodes if node.kind.value == kind]
        if names:
            yield f"  {{ rank={rank}; {'; '.join(names)} }}"


def _pairs(report: LineageReport) -> dict[tuple[str, str], list[Edge]]:
    """The edges by their ends, those within a table's own box left out."""
    parents = {node.id: node.parent for node in report.nodes}
    found: dict[tuple[str, str], list[Edge]] = {}
    for edge in report.edges:
        if parents[edge.target] != edge.source:
            found.setdefault((edge.source, edge.target), []).append(edge)
    return found


def _edge(report: LineageReport, edges: list[Edge], *, way: bool) -> str:
    """One line for all the edges between two nodes; solid if any of them carries the value, strong on a way that was asked for."""
    first = edges[0]
    kinds = [edge.kind.value for edge in edges]
    lines = [EDGE_LINES[kind] for kind in kinds]
    line = next(name for name in ("solid", "dashed", "dotted") if name in lines)
    sure = min(edge.confidence for edge in edges)
    said = ", ".join(kinds) + (f" ({round(100 * sure)} % sure)" if sure < 1 else "")
    places = [str(edge.span) for edge in edges if edge.span is not None]
    attributes = {"style": line, "tooltip": quoted("\n".join([said, *dict.fromkeys(places)]))}
    if sure < 1:
        attributes["color"] = quoted("#c9a227")
    elif way:
        attributes |= {"color": quoted(_WAY), "penwidth": "1.8"}
    elif len(report.nodes) > _LARGE:
        attributes["color"] = quoted("#c3ccd4")
    told = [kind for kind in kinds if kind not in _UNSAID]
    if told and report.columns and len(report.nodes) <= _LARGE:
        attributes["label"] = quoted(" " + ", ".join(told))
    return f"{quoted(first.source)} -> {quoted(first.target)} [{', '.join(f'{key}={value}' for key, value in attributes.items())}]"


def _legend(report: LineageReport) -> Iterator[str]:
    """The kinds that occur, as the label of the whole graph."""
    kinds = dict.fromkeys(node.kind.value for node in report.nodes)
    cells = [f'<td bgcolor="{NODE_LOOKS[kind].fill}" border="1" color="{NODE_LOOKS[kind].border}">  {kind}  </td>' for kind in kinds]
    if report.asked:
        cells.append(f'<td border="2" color="{_ASKED}">  asked for  </td>')
    lines = dict.fromkeys(EDGE_LINES[edge.kind.value] for edge in report.edges)
    words = {"solid": "──  value", "dashed": "- -  filter, join, group", "dotted": "· · ·  rows of a table"}
    if set(lines) != {"solid"}:
        cells += [f'<td border="0"><font color="{_FAINT}">  {words[line]}  </font></td>' for line in words if line in lines]
    table = f'<table border="0" cellborder="0" cellspacing="8" cellpadding="4"><tr>{"".join(cells)}</tr></table>'
    if cells:
        yield f'  graph [labelloc="b", labeljust="l", fontsize=10, label=<{table}>]'
