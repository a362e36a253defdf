"""An explanation as a picture: the lineage of the metric, with what moved coloured and what is suspected in front of it."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import TYPE_CHECKING

from metricsctl.core.errors import UsageError
from metricsctl.render.dot import quoted
from metricsctl.render.kinds import NODE_LOOKS
from metricsctl.render.svg import draw

if TYPE_CHECKING:
    from metricsctl.explain.report import Explanation, SeenNode

__all__ = ["picture"]

_FONT = "Helvetica,Arial,sans-serif"
_INK, _FAINT = "#22303c", "#5c6b78"
# state -> fill, border, width of the border, what the legend says
_STATES = {
    "worse": ("#f7c1b8", "#b3261e", "2", "moved, for the worse"),
    "better": ("#c4e8cb", "#2b7d3c", "2", "moved, for the better"),
    "moved": ("#fde3a7", "#b8690b", "2", "moved"),
    "usual": ("#ffffff", "#8a97a3", "1", "as usual"),
    "unknown": ("#f3f4f6", "#b6bec6", "1", "no numbers"),
    "suspected": ("#fff7d6", "#b3261e", "1.6", "suspected change"),
}


def picture(report: Explanation, kind: str) -> str | bytes:
    """The picture as dot, svg or png. UsageError where there is nothing to draw, or Graphviz is missing."""
    if report.subject is None or not report.surroundings.nodes:
        raise UsageError("there is nothing to draw: nothing is out of the ordinary", hint="leave --plot-file out, or name another time")
    text = "\n".join(_lines(report)) + "\n"
    return text if kind == "dot" else draw(text, kind, "name a file that ends in .dot")


def _lines(report: Explanation) -> Iterator[str]:
    assert report.subject is not None  # noqa: S101 - asked by the caller
    yield "digraph explanation {"
    yield f'  graph [rankdir=LR, fontname="{_FONT}", fontsize=12, fontcolor="{_INK}", bgcolor="white", pad=0.3, nodesep=0.2, ranksep=0.6,'
    yield f'         labelloc="t", labeljust="l", label={quoted(_wrapped(report.headline))}]'
    yield f'  node [fontname="{_FONT}", fontsize=11, fontcolor="{_INK}", height=0.3, margin="0.12,0.05"]'
    yield f'  edge [color="#8a97a3", arrowsize=0.6, fontname="{_FONT}", fontsize=8]'
    for node in report.surroundings.nodes:
        yield f"  {quoted(node.id)} [{_attributes(node, asked=node.id == f'metric:{report.subject.metric}')}]"
    bad = {node.id for node in report.surroundings.nodes if node.state in {"worse", "moved", "better", "suspected"}}
    for source, target in report.surroundings.edges:
        strong = ' [color="#b3261e", penwidth=1.8]' if {source, target} <= bad else ""
        yield f"  {quoted(source)} -> {quoted(target)}{strong}"
    yield from _legend({node.state for node in report.surroundings.nodes})
    yield "}"


def _wrapped(text: str, width: int = 90) -> str:
    import textwrap

    return "\n".join(textwrap.wrap(text, width))


def _attributes(node: SeenNode, *, asked: bool) -> str:
    fill, border, width, _ = _STATES[node.state]
    shape = "note" if node.kind == "change" else {"rounded": "box"}.get(NODE_LOOKS[node.kind].shape, NODE_LOOKS[node.kind].shape)
    name = html.escape(node.id.partition(":")[2])
    title = f"<b>{name}</b>" if asked else name
    style = "filled,rounded" if node.kind == "metric" else "filled,dashed" if node.state == "unknown" else "filled"
    small = _small(node)
    label = f'{title}<br/><font point-size="9" color="{_FAINT}">{html.escape(small)}</font>' if small else title
    return (
        f'label=<{label}>, shape={shape}, style="{style}", fillcolor="{fill}", color="{border}", '
        f"penwidth={'3' if asked else width}, tooltip={quoted(node.says or f'{node.kind} {name}: {_STATES[node.state][3]}')}"
    )


def _small(node: SeenNode) -> str:
    if node.state == "suspected":
        return f"{_wrapped(node.says or '', 34).splitlines()[0]} (confidence {node.size or 0.0:.2f})"
    if node.size is not None and node.state != "usual":
        return f"{node.size * 100:+.1f} %"
    return ""


def _legend(states: set[str]) -> Iterator[str]:
    rows = "".join(
        f'<tr><td bgcolor="{fill}" border="1" color="{border}" width="14"></td>'
        f'<td align="left"><font point-size="9">{says}</font></td></tr>'
        for state, (fill, border, _, says) in _STATES.items()
        if state in states
    )
    yield f'  legend [shape=plain, label=<<table border="0" cellborder="0" cellspacing="3">{rows}</table>>]'
