"""The impact of a change as a tree: the verdict, each changed node with what it passes on to, and the changes that move nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from metricsctl.render.pages.impact_observed import observed_lines
from metricsctl.render.pages.impact_sample import sample_lines
from metricsctl.render.style import Style, paint
from metricsctl.render.wrap import wrapped

if TYPE_CHECKING:
    from metricsctl.diff.change import Change
    from metricsctl.impact.parts import Impacted, Path
    from metricsctl.impact.report import ImpactReport
    from metricsctl.lineage.kinds import EdgeKind

__all__ = ["folded", "page", "why_not_lines"]

_COLORS = {
    "breaking": "bold red",
    "semantic": "bold yellow",
    "unknown": "yellow",
    "governance": "cyan",
    "additive": "green",
    "cosmetic": "dim",
}
_LEVELS = {"none": "green", "low": "green", "medium": "yellow", "high": "bold red", "critical": "bold red"}
_Way = tuple[tuple[tuple[str, ...], ...], "tuple[EdgeKind, ...]"]  # of each node its names, and the edges between
_UNICODE = ("├─ ", "└─ ", "│  ", "   ", "→")
_ASCII = ("|- ", "`- ", "|  ", "   ", "->")


def page(report: ImpactReport, style: Style) -> str:
    """The page."""
    return "\n".join(_Page(report, style).lines()) + "\n"


class _Page:
    def __init__(self, report: ImpactReport, style: Style) -> None:
        self.report = report
        self.style = style
        self.nodes = {item.id: item for item in report.impacted}
        self.changes: dict[str, list[Change]] = {}
        for change in report.changes:
            self.changes.setdefault(change.id, []).append(change)
        self.below: dict[str, list[str]] = {}
        for link in report.links:
            self.below.setdefault(link.source, []).append(link.target)
        self.branch, self.last, self.bar, self.gap, self.arrow = _ASCII if style.ascii else _UNICODE
        self.done: set[str] = set()

    def lines(self) -> Iterator[str]:
        report, style = self.report, self.style
        yield paint(report.verdict, "bold", style)
        level = paint(report.level, _LEVELS[report.level], style)
        against = f", against {report.subject}" if report.question == "base" else ""
        yield f"score {report.score:.0f} of 100: {level}{against}"
        for gate in report.gates:
            first, *rest = wrapped(f"gate {gate.name}: {gate.reason}", style.width)
            yield paint("gate", "bold red", style) + first.removeprefix("gate")
            yield from rest
        yield from sample_lines(report, style)
        yield from observed_lines(report, style)
        if report.why is not None:
            yield from self.why(report.why)
        if report.why_not is not None:
            yield ""
            yield from why_not_lines(report)
        if report.why is not None or report.why_not is not None:
            return
        for key in self.roots():
            yield from self.root(key)
        yield from self.rest()
        for words in report.unmatched:
            yield f"\n{paint('about nothing here:', 'dim', style)} {words}"

    def roots(self) -> list[str]:
        """The changed nodes that move something; those below another one come last, if they were not passed on the way."""
        moving = [key for key in self.changes if key in self.nodes and self.moves(key)]
        return sorted(moving, key=lambda key: (self.nodes[key].via[0] != key, -self.nodes[key].p, -self.nodes[key].kind.layer, key))

    def root(self, key: str) -> Iterator[str]:
        node = self.nodes[key]
        if key in self.done:
            return
        yield ""
        category = self.changes[key][0].category.value
        yield f"{self.name(node)}  {paint(category, _COLORS[category], self.style)}  {self.said(key)}"
        yield from self.under(key)

    def under(self, start: str) -> Iterator[str]:
        """The lines beneath a node; a stack of our own, since a chain may be deeper than Python's."""
        self.done.add(start)
        stack = [("", self.steps(start))]
        while stack:
            indent, steps = stack[-1]
            if not steps:
                stack.pop()
                continue
            key = steps.pop(0)
            beneath = self.steps(key)
            again = key in self.done and bool(beneath)
            note = paint("  (see above)", "dim", self.style) if again else ""
            node = self.nodes[key]
            own = f"  {paint(self.said(key), 'yellow', self.style)}" if self.moves(key) else ""
            branch = paint(indent + (self.branch if steps else self.last), "dim", self.style)
            yield f"{branch}{self.name(node)}  {paint(f'{round(100 * node.p)} %', 'dim', self.style)}{own}{note}"
            if not again:
                self.done.add(key)
                stack.append((indent + (self.bar if steps else self.gap), beneath))

    def steps(self, key: str) -> list[str]:
        found = self.below.get(key, [])
        return sorted(found, key=lambda target: (self.nodes[target].kind.layer, self.nodes[target].name))

    def moves(self, key: str) -> bool:
        """Whether a node was changed itself in a way that moves values."""
        return any(change.category.moves for change in self.changes.get(key, ()))

    def said(self, key: str) -> str:
        """What changed of a node: the worst of it."""
        worst = self.changes[key][0].category
        return "; ".join(dict.fromkeys(change.reason for change in self.changes[key] if change.category is worst))

    def name(self, node: Impacted) -> str:
        color = {"metric": "bold green", "exposure": "bold cyan", "model": "yellow", "source": "blue"}.get(node.kind.value, "bold")
        kind = node.detail if node.kind.value == "exposure" else node.kind.value
        owner = f", {node.owner}" if node.owner and node.kind.value == "exposure" else ""
        return f"{paint(node.name, color, self.style)} {paint(f'{kind}{owner}', 'dim', self.style)}"

    def rest(self) -> Iterator[str]:
        """The changes that move no value."""
        found = [change for change in self.report.changes if not change.category.moves]
        if found:
            yield ""
            yield "moves nothing:"
        for change in found:
            category = paint(f"{change.category.value:<10}", _COLORS[change.category.value], self.style)
            yield f"  {category} {change.kind.value} {change.name}: {change.reason}"

    def why(self, name: str) -> Iterator[str]:
        yield ""
        if not self.report.paths:
            yield f"{name} is untouched: nothing that it reads has changed"
            return
        node = self.nodes[self.report.paths[0].nodes[-1]]
        yield f"{self.name(node)}  {round(100 * node.p)} %  {node.reason}"
        for nodes, edges in folded(self.report.paths):
            yield f"  {self.way(nodes, edges)}"

    def way(self, nodes: tuple[str, ...], edges: tuple[EdgeKind, ...]) -> str:
        if not edges:
            return "it was changed itself"
        steps = [nodes[0]]
        for edge, key in zip(edges, nodes[1:], strict=True):
            kind = "rows" if edge.value == "table-only" else edge.value
            steps.append(f"{paint(f'-{kind}{self.arrow}', 'dim', self.style)} {key}")
        return " ".join(steps)


def folded(paths: Iterable[Path]) -> list[tuple[tuple[str, ...], tuple[EdgeKind, ...]]]:
    """The paths; those that differ in nothing but a column of one table are one, with all its columns in braces."""
    ways: list[_Way] = [(tuple((node,) for node in path.nodes), path.edges) for path in paths]
    for place in range(max((len(nodes) for nodes, _ in ways), default=0)):
        groups: dict[object, _Way] = {}
        for nodes, edges in ways:
            table, dot, _ = nodes[place][0].rpartition(".") if place < len(nodes) else ("", "", "")
            alike = (table, nodes[:place], nodes[place + 1 :], edges) if dot and table.startswith("column:") else (nodes, edges)
            known = groups[alike][0][place] if alike in groups else ()
            groups[alike] = ((*nodes[:place], (*known, *nodes[place]), *nodes[place + 1 :]) if known else nodes, edges)
        ways = list(groups.values())
    return [(tuple(_together(names) for names in nodes), edges) for nodes, edges in ways]


def _together(names: tuple[str, ...]) -> str:
    """Columns of one table under one name, the first five of them."""
    if len(names) == 1:
        return names[0]
    table = names[0].rpartition(".")[0]
    columns = [name.removeprefix(f"{table}.") for name in names]
    more = f" and {len(columns) - 5:,} more" if len(columns) > 5 else ""
    return f"{table}.{{{', '.join(columns[:5])}{more}}}"


def why_not_lines(report: ImpactReport) -> Iterator[str]:
    """Why a metric does not move: what it reads, and what of that has changed without reaching it."""
    found = report.why_not
    if found is None:
        return
    name = found.id.partition(":")[2]
    if found.moves:
        yield f"{name} does move: ask --why {name}"
        return
    tables, columns = _count(found.reads, ("source", "model"), "table"), _count(found.reads, ("column",), "column")
    yield f"{name} is untouched: it reads {columns} of {tables}"
    if not found.changed:
        yield "  none of them has changed"
    for change in found.changed:
        yield f"  {change.kind.value} {change.name}: {change.reason} ({change.category.value})"
    for key in found.proven:
        kind, _, rest = key.partition(":")
        yield f"  {kind} {rest} is proven to give the same as before"


def _count(keys: tuple[str, ...], kinds: tuple[str, ...], word: str) -> str:
    count = sum(key.partition(":")[0] in kinds for key in keys)
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
