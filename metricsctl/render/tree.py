"""Trees of text. Lineage: what each node is made of, and what is made of it."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from metricsctl.render.style import Style, paint

if TYPE_CHECKING:
    from metricsctl.core.report import Report
    from metricsctl.lineage.nodes import Edge, Node
    from metricsctl.lineage.report import LineageReport

__all__ = ["render"]

_COLORS = {"source": "blue", "model": "yellow", "metric": "bold green", "exposure": "bold cyan", "dimension": "cyan", "column": "dim"}
_UNICODE = ("├─ ", "└─ ", "│  ", "   ")
_ASCII = ("|- ", "`- ", "|  ", "   ")


def render(report: Report, style: Style) -> str:
    """A report by its own page, `metricsctl.render.pages.<report>_tree`; lineage has its here."""
    if report.name == "lineage":
        return lineage(cast("LineageReport", report), style)
    page: Any = importlib.import_module(f"metricsctl.render.pages.{report.name.replace('-', '_')}_tree")
    return str(page.page(report, style))


def lineage(report: LineageReport, style: Style) -> str:
    """One tree for each node asked for; from the roots downstream where none was. What is shown twice is unfolded once."""
    lines = list(_Tree(report, style).lines())
    return "\n".join(lines) + "\n" if lines else "nothing is defined\n"


class _Tree:
    def __init__(self, report: LineageReport, style: Style) -> None:
        self.report = report
        self.style = style
        self.nodes = {node.id: node for node in report.nodes}
        self.up = _grouped(report.edges, upstream=True)
        self.down = _grouped(report.edges, upstream=False)
        self.columns: dict[str, list[Node]] = {}
        for node in report.nodes:
            if node.parent is not None:
                self.columns.setdefault(node.parent, []).append(node)
        self.branch, self.last, self.bar, self.gap = _ASCII if style.ascii else _UNICODE
        self.done: set[tuple[str, bool]] = set()

    def lines(self) -> Iterator[str]:
        asked = self.report.asked
        roots = [self.nodes[key] for key in asked] if asked else [node for node in self.report.nodes if not self.up.get(node.id)]
        path = self.report.ways and len(self.report.ways) == len({(edge.source, edge.target) for edge in self.report.edges})
        for node in [*roots, *(() if asked else self.report.nodes)]:  # what is left after the roots goes in a circle
            if not asked and (node.id, False) in self.done:
                continue
            if path and self.up.get(node.id):  # the end of a path stands in the tree of its beginning
                continue
            yield self.label(node)
            if asked and self.report.direction == "both":
                yield from self.both(node)
            else:
                yield from self.below(node, bool(asked) and self.report.direction == "upstream", "")

    def both(self, node: Node) -> Iterator[str]:
        """The two sides of a node under headings; a side with nothing in it is left out."""
        sides = [(word, list(self.below(node, word == "upstream", ""))) for word in ("upstream", "downstream")]
        sides = [(word, lines) for word, lines in sides if lines]
        for number, (word, lines) in enumerate(sides):
            last = number == len(sides) - 1
            yield paint(self.last if last else self.branch, "dim", self.style) + paint(word, "bold", self.style)
            for line in lines:
                yield paint(self.gap if last else self.bar, "dim", self.style) + line

    def below(self, node: Node, upstream: bool, indent: str) -> Iterator[str]:
        """The lines beneath a node; a stack of our own, since a chain may be deeper than Python's."""
        self.done.add((node.id, upstream))
        stack = [(indent, self.steps(node, upstream))]
        while stack:
            indent, steps = stack[-1]
            if not steps:
                stack.pop()
                continue
            other, edges = steps.pop(0)
            beneath = self.steps(other, upstream)
            again = (other.id, upstream) in self.done and bool(beneath)
            note = paint("  (see above)", "dim", self.style) if again else ""
            yield paint(indent + (self.branch if steps else self.last), "dim", self.style) + self.label(other, edges) + note
            if not again:
                self.done.add((other.id, upstream))
                stack.append((indent + (self.bar if steps else self.gap), beneath))

    def steps(self, node: Node, upstream: bool) -> list[tuple[Node, list[Edge]]]:
        """The neighbours of a node on one side; upstream of a table asked for stand its own columns, too."""
        found = [(self.nodes[key], edges) for key, edges in (self.up if upstream else self.down).get(node.id, {}).items()]
        if upstream and node.parent in self.report.asked:
            found = [(other, edges) for other, edges in found if other.id != node.parent]
        if upstream and node.id in self.report.asked:
            found += [(column, []) for column in self.columns.get(node.id, []) if self.up.get(column.id, {}).keys() - {node.id}]
        return sorted(found, key=lambda step: step[0].sort_key)

    def label(self, node: Node, edges: list[Edge] | None = None) -> str:
        kind = node.kind.value
        words = [kind if not node.detail or node.detail == kind else f"{kind}, {node.detail}"]
        told = [edge for edge in edges or () if self.nodes[edge.target].parent != edge.source]
        if told and self.report.columns:
            words.append(_how(told))
        return paint(node.name, _COLORS[kind], self.style) + paint("  " + "  ".join(words), "dim", self.style)


def _how(edges: list[Edge]) -> str:
    """The kinds of the edges between two nodes, and how sure they are where they are not certain."""
    kinds = ", ".join(
        dict.fromkeys("rows" if edge.kind.value == "table-only" and edge.confidence >= 1 else edge.kind.value for edge in edges)
    )
    sure = min(edge.confidence for edge in edges)
    return f"<{kinds}>" if sure >= 1 else f"<{kinds}, {round(100 * sure)} % sure>"


def _grouped(edges: tuple[Edge, ...], *, upstream: bool) -> dict[str, dict[str, list[Edge]]]:
    """Node -> neighbour -> the edges between them."""
    found: dict[str, dict[str, list[Edge]]] = {}
    for edge in edges:
        here, there = (edge.target, edge.source) if upstream else (edge.source, edge.target)
        found.setdefault(here, {}).setdefault(there, []).append(edge)
    return found
