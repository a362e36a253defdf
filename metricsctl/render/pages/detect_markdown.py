"""The anomalies as a table for a comment or a report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metricsctl.render.markdown import code, escaped, row
from metricsctl.render.numbers import human
from metricsctl.render.style import Style
from metricsctl.render.views.detect import expected_range, segment_of, shown_size, strongest, when

if TYPE_CHECKING:
    from metricsctl.detect.report import AnomalyReport

__all__ = ["page"]


def page(report: AnomalyReport, style: Style) -> str:  # noqa: ARG001 - a page's signature
    """One line an episode, the strongest forty in the order of time."""
    count = len(report.episodes)
    found = "No anomalies" if not count else "1 anomaly" if count == 1 else f"{count:,} anomalies"
    lines = [f"### {found} in {report.stats['series']:,} series", ""]
    if count:
        lines += [row("metric", "segment", "when", "value", "expected", "size", "effect", "why"), row(*["---"] * 8)]
    for item in strongest(report.episodes):
        value = "no data" if item.kind == "missing" else human(item.value)
        cells = (code(item.metric), escaped(segment_of(item)), when(item), value, expected_range(item), shown_size(item))
        lines.append(row(*cells, item.effect if item.effect != "neutral" else item.direction, escaped(item.why)))
    for one in report.metrics if report.budgeted else ():
        allowed = f"{one.budget} allows {one.allowed:.2g} false alarms, {one.alarms:,} alarms were given"
        lines += ["", f"{code(one.metric)}: in {one.weeks:.3g} weeks {allowed}."]
    return "\n".join(lines) + "\n"
