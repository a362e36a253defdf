"""The table of `metricsctl backtest`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metricsctl.render.style import Style
from metricsctl.render.views import Block, Column, Table
from metricsctl.render.views.label import labels_table

if TYPE_CHECKING:
    from metricsctl.detect.backtest import BacktestReport, Tested

__all__ = ["view"]

_MOST, WIDE = 10, 90


def view(report: BacktestReport, style: Style) -> list[Block]:
    """A row a detector; of one alone also what it missed."""
    names = ("detector", "incidents", "found", "false", "again", "precision", "recall", "F1", "delay", "a week")
    shown = [place for place, name in enumerate(names) if name != "again" or style.width >= WIDE]
    heads = [Column(names[place], "right" if place else "left", "" if place else "bold") for place in shown]
    rows = [[row[place] for place in shown] for row in map(_row, report.detectors)]
    blocks: list[Block] = [Table("", heads, rows, summary(report))]
    if len(report.detectors) == 1 and report.detectors[0].missed:
        missed = report.detectors[0].missed
        rest = f" (the first {_MOST} of {len(missed)})" if len(missed) > _MOST else ""
        blocks.append(labels_table(missed[:_MOST], f"Missed{rest}"))
    return blocks


def summary(report: BacktestReport) -> str:
    """What was looked at, in one line."""
    shown = ", ".join(report.metrics[:5]) + (f" and {len(report.metrics) - 5} more" if len(report.metrics) > 5 else "")
    return f"alarms of {shown}; false: in no incident; again: in one that was found already"


def _row(item: Tested) -> tuple[str, ...]:
    shares = [_number(part, ".2f") for part in (item.precision, item.recall, item.f1)]
    return (
        item.detector,
        *(f"{part:,}" for part in (item.incidents, item.found, item.false, item.again)),
        *shares,
        _delay(item.delay_s),
        _number(item.alarms_a_week, ".2g"),
    )


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def _delay(seconds: float | None) -> str:
    """A time in its largest sensible unit."""
    if seconds is None:
        return ""
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
