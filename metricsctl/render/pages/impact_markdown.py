"""The impact of a change as a comment on a pull request.

A hidden marker, so that one comment can be found and replaced; the verdict, who looks at what moves, what changed, a picture, and the whole
table folded away.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from metricsctl.render.kinds import NODE_LOOKS
from metricsctl.render.markdown import code, escaped, row
from metricsctl.render.mermaid import escaped as label
from metricsctl.render.pages.impact_observed import observed_sections
from metricsctl.render.pages.impact_sample import sample_sections
from metricsctl.render.pages.impact_tree import why_not_lines
from metricsctl.render.style import Style

if TYPE_CHECKING:
    from metricsctl.impact.parts import Impacted
    from metricsctl.impact.report import ImpactReport

__all__ = ["MARKER", "MAX_LENGTH", "page"]

MARKER = "<!-- metricsctl-impact -->"
MAX_LENGTH = 65_000  # GitHub takes 65,536 characters in a comment
_MAX_NODES = 40
_MAX_ROWS = 50
_CUT = "\n\n*Cut: the whole report is in the JSON.*\n"


def page(report: ImpactReport, style: Style) -> str:  # noqa: ARG001 - a page's signature
    """The comment; sections are left out from the end where it would be too long."""
    told = (_head, _asked, sample_sections, observed_sections, _consumers, _changes, _picture, _table)
    sections = [section for part in told for section in part(report)]
    text = ""
    for section in sections:
        if len(text) + len(section) + len(_CUT) > MAX_LENGTH:
            return text.rstrip("\n") + _CUT
        text += section + "\n\n"
    return text.rstrip("\n") + "\n"


def _head(report: ImpactReport) -> Iterator[str]:
    yield f"{MARKER}\n## {escaped(report.verdict)}"
    against = f", against {code(report.subject)}" if report.question == "base" else f", if {code(report.subject)} changes something"
    yield f"Score **{report.score:.0f}** of 100 ({report.level}){against}."
    if report.gates:
        yield "\n".join(f"- :no_entry: **{gate.name}**: {escaped(gate.reason)}" for gate in report.gates)
    if report.unmatched:
        yield "\n".join(f"- about nothing here: {escaped(words)}" for words in report.unmatched[:_MAX_ROWS])


def _asked(report: ImpactReport) -> Iterator[str]:
    """Why a metric moves, or does not, where that was asked."""
    lines = list(why_not_lines(report))
    if report.why is not None:
        ways = [" → ".join(code(key) for key in path.nodes) for path in report.paths[:_MAX_ROWS]]
        lines = [f"How it gets to {code(report.why)}:" if ways else f"Nothing gets to {code(report.why)}.", *ways, *lines]
    if lines:
        yield lines[0] + "\n\n" + "\n".join(f"- {line.strip()}" for line in lines[1:])


def _consumers(report: ImpactReport) -> Iterator[str]:
    found = [item for item in report.impacted if item.kind.value == "exposure"]
    if found:
        rows = [row(item.name, item.detail or "", escaped(item.owner or ""), f"{100 * item.p:.0f} %", _through(item)) for item in found]
        yield "### Who looks at it\n\n" + _rows(("consumer", "kind", "owner", "hit", "through"), rows)


def _through(item: Impacted) -> str:
    """The metrics on the way, nearest to the change first."""
    names = [key.partition(":")[2] for key in item.via if key.startswith("metric:")]
    return ", ".join(code(name) for name in names)


def _changes(report: ImpactReport) -> Iterator[str]:
    moving = [change for change in report.changes if change.category.moves]
    if moving:
        rows = [row(f"{change.kind.value} {code(change.name)}", change.category.value, code(change.reason)) for change in moving]
        yield "### What changed\n\n" + _rows(("node", "category", "reason"), rows)
    metrics = [item for item in report.impacted if item.kind.value == "metric"]
    if metrics:
        rows = [row(code(item.name), item.category.value, f"{100 * item.p:.0f} %", code(item.reason)) for item in metrics]
        yield "### Metrics that move\n\n" + _rows(("metric", "category", "hit", "reason"), rows)


def _rows(heads: tuple[str, ...], rows: list[str]) -> str:
    shown = [row(*heads), "|" + "---|" * len(heads), *rows[:_MAX_ROWS]]
    more = f"\n\nand {len(rows) - _MAX_ROWS:,} more" if len(rows) > _MAX_ROWS else ""
    return "\n".join(shown) + more


def _picture(report: ImpactReport) -> Iterator[str]:
    drawn = {key for link in report.links for key in (link.source, link.target)}
    nodes = [item for item in report.impacted if item.id in drawn]
    if len(nodes) < 2:
        return
    nodes = sorted(nodes, key=lambda item: (len(item.via), -item.p * item.weight, item.name))[:_MAX_NODES]
    names = {item.id: f"n{number}" for number, item in enumerate(nodes)}
    lines = ["```mermaid", "flowchart LR"]
    for item in nodes:
        opening, closing = NODE_LOOKS[item.kind.value].brackets
        lines.append(f'  {names[item.id]}{opening}"{label(item.name)}"{closing}:::{item.kind.value}')
    lines += [f"  {names[link.source]} --> {names[link.target]}" for link in report.links if {link.source, link.target} <= names.keys()]
    for kind in dict.fromkeys(item.kind.value for item in nodes):
        lines.append(f"  classDef {kind} fill:{NODE_LOOKS[kind].fill},stroke:{NODE_LOOKS[kind].border},color:#22303c")
    roots = sorted(names[item.id] for item in nodes if len(item.via) == 1)
    lines += ["  classDef changed stroke:#d1341f,stroke-width:3px", f"  class {','.join(roots)} changed"] if roots else []
    left = len(drawn) - len(nodes)
    yield "\n".join([*lines, "```"]) + (f"\n\n{left:,} more nodes are not drawn" if left else "")


def _table(report: ImpactReport) -> Iterator[str]:
    rows = [
        row(item.kind.value, code(item.name), item.category.value, f"{100 * item.p:.0f} %", code(item.reason)) for item in report.impacted
    ]
    quiet = [change for change in report.changes if not change.category.moves]
    rows += [row(change.kind.value, code(change.name), change.category.value, "", code(change.reason)) for change in quiet]
    if not rows:
        return
    heads = [row("kind", "node", "category", "hit", "reason"), "|---|---|---|---|---|"]
    body: list[str] = []
    room = MAX_LENGTH // 2
    for line in rows:
        room -= len(line) + 1
        if room < 0:
            break
        body.append(line)
    more = f"\n\nand {len(rows) - len(body):,} more" if len(body) < len(rows) else ""
    title = f"<summary>All {len(rows):,} nodes that change or are reached</summary>"
    yield f"<details>\n{title}\n\n" + "\n".join([*heads, *body]) + more + "\n\n</details>"
