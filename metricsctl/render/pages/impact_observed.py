"""What the metrics did after change events: as lines, and in Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from metricsctl.render.markdown import code, escaped, row
from metricsctl.render.style import Style, paint

if TYPE_CHECKING:
    from metricsctl.impact.observe.report import Observation, Observed
    from metricsctl.impact.report import ImpactReport

__all__ = ["observed_lines", "observed_sections"]

_COLORS = {"moved-as-predicted": "bold yellow", "moved-unpredicted": "bold red", "not-moved": "green", "too-early": "dim"}


def observed_lines(report: ImpactReport, style: Style) -> Iterator[str]:
    """The lines of a page of text; none where that was not asked for."""
    if report.observed is not None and not report.observed:
        yield ""
        yield "nothing to observe: no change event is about anything here"
    for found in report.observed or ():
        yield ""
        yield _title(found)
        shown = _shown(found)
        width = max((len(item.name) for item in shown), default=0)
        for item in shown:
            yield f"  {paint(item.name.ljust(width), 'bold green', style)}  {paint(item.words, _COLORS[item.verdict], style)}"


def observed_sections(report: ImpactReport) -> Iterator[str]:
    """The sections of a page in Markdown."""
    for found in report.observed or ():
        rows = [row(code(item.name), escaped(item.words)) for item in _shown(found)]
        yield f"### {escaped(_title(found))}\n\n" + "\n".join([row("metric", "since"), "|---|---|", *rows])


def _title(found: Observation) -> str:
    return f"after {found.change}, {found.time} to {found.until}: {found.words}"


def _shown(found: Observation) -> list[Observed]:
    """The metrics that there is something to say of."""
    return [item for item in found.metrics if item.verdict in _COLORS and (item.verdict != "too-early" or item.predicted is not None)]
