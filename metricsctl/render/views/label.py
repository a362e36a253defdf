"""The table of `metricsctl label`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from metricsctl.render.style import Style
from metricsctl.render.views import Block, Column, Table

if TYPE_CHECKING:
    from metricsctl.detect.label import LabelReport
    from metricsctl.detect.labels import Label

__all__ = ["labels_table", "view"]


def view(report: LabelReport, style: Style) -> list[Block]:  # noqa: ARG001 - a view's signature
    """What was changed, or all labels."""
    if report.changed is not None:
        return [labels_table([report.changed], footer=summary(report))]
    return (
        [labels_table(report.labels, footer=summary(report))]
        if report.labels
        else ["there are no labels yet: `metricsctl label EP-... --as incident`"]
    )


def labels_table(labels: Sequence[Label], title: str = "", footer: str = "") -> Table:
    """A row a label."""
    heads = (
        Column("metric", style="bold"),
        Column("segment"),
        Column("start", no_wrap=True),
        Column("end", no_wrap=True),
        Column("as", style="cyan"),
        Column("episode", style="dim"),
        Column("note"),
    )
    rows = [
        (item.metric, _segment(item), _time(item.start), _time(item.end), item.meaning, item.episode or "", item.note or "")
        for item in labels
    ]
    return Table(title, heads, rows, footer)


def summary(report: LabelReport) -> str:
    """What was done, in one line."""
    if report.change:
        return f"{'removed from' if report.change == 'removed' else f'{report.change} in'} {report.file}"
    number = len(report.labels)
    return f"{number} {'label' if number == 1 else 'labels'} in {report.file}"


def _segment(item: Label) -> str:
    return ", ".join(f"{name}={'(null)' if value is None else value}" for name, value in item.key.items())


def _time(text: str) -> str:
    return text.replace("T", " ").removesuffix("Z").removesuffix(":00")
