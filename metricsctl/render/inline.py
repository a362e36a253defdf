"""Lineage within a page of HTML: a picture where Graphviz is there, else the tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metricsctl.core.errors import UsageError
from metricsctl.core.html import paragraph
from metricsctl.render.style import Style

if TYPE_CHECKING:
    from metricsctl.lineage.report import LineageReport

__all__ = ["render"]


def render(report: LineageReport, style: Style | None = None) -> str:
    """The `<svg>` of a lineage report, else its tree in a `<pre>`."""
    from metricsctl.render import svg, tree

    try:
        drawn = svg.render(report)
    except UsageError:  # no Graphviz
        return paragraph(tree.lineage(report, style or Style()), "pre")
    return drawn[drawn.index("<svg") :]  # without the XML prolog, which HTML does not know
