"""A drill as a page for a report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metricsctl.render.markdown import code, escaped, row
from metricsctl.render.style import Style
from metricsctl.render.views.drill import blind_of, caught_by, duration, summary

if TYPE_CHECKING:
    from metricsctl.drill.report import DrillReport

__all__ = ["page"]


def page(report: DrillReport, style: Style) -> str:  # noqa: ARG001 - a page's signature
    """A table of the faults, and what is blind."""
    if not report.faults:
        return "### Drill: nothing could be planted\n"
    lines = [f"### Drill: {summary(report)}", "", row("fault", "source", "what", "caught", "by", "first explanation"), row(*["---"] * 6)]
    for item in report.faults:
        told = (duration(item), escaped(caught_by(item) or ""), escaped(item.explanation or ""))
        lines.append(row(code(item.fault), code(item.source), escaped(item.what), *told))
    unseen = [item for item in report.faults if item.blind]
    if unseen:
        lines += ["", f"**Metrics of tier {report.tier} that moved without an alert**", ""]
        lines += [f"- {code(item.fault)} in {code(item.source)}: {escaped(', '.join(map(blind_of, item.blind)))}" for item in unseen]
    if report.blind:
        lines += ["", f"Never noticed anything: {', '.join(map(code, report.blind))}"]
    if report.skipped:
        lines += ["", "**Not planted**", ""]
        lines += [f"- {code(item.kind)} in {code(item.name)}: {escaped(item.reason)}" for item in report.skipped]
    return "\n".join(lines) + "\n"
