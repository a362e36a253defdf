"""The tables of `metricsctl query`: the values over time where they fit, and each series as a line."""

from __future__ import annotations

import math
from typing import Any

from metricsctl.core.timegrid import TimeGrid, to_iso
from metricsctl.render.numbers import column
from metricsctl.render.plot import plot
from metricsctl.render.sparkline import sparkline
from metricsctl.render.style import Style
from metricsctl.render.views import Block, Column, Table

__all__ = ["view"]

MAX_TIMES = 24
MAX_CURVES = 6
WIDE = 100
COLUMN_WIDTH = 14


def view(report: Any, style: Style) -> list[Block]:
    """A table of values, if the series are few enough to stand side by side, and one of series."""
    series = [(frame, key, part) for frame in report.frames for key, part in frame.series()]
    if not series:
        return ["no values"]
    blocks: list[Block] = []
    if report.ordered:
        return [_points(report)]
    if report.plotted:
        blocks += _curves(series, style)
    if len(series) * COLUMN_WIDTH + 20 <= style.width:
        blocks.append(_values(series))
    blocks.append(_series(report, series, style))
    if report.left_off:
        blocks.append(f"{report.left_off:,} more points are left off")
    return blocks


def _points(report: Any) -> Table:
    """All points in their order, a line each."""
    by = list(dict.fromkeys(name for frame in report.frames for name in frame.dimensions))
    heads = [Column("time", no_wrap=True), Column("metric", style="bold"), *(Column(name) for name in by)]
    heads += [Column("value", justify="right", no_wrap=True), Column("status")]
    rows = []
    for frame in report.frames:
        points = list(frame.rows())
        for (time, key, _, status), text in zip(points, column([point[2] for point in points]), strict=True):
            shown = ["(null)" if part is None else part for part in key]
            rows.append([_shown_time(time, frame), frame.metric, *shown, text, status])
    frame = report.frames[0]
    footer = f"by {frame.grain}, {frame.zone}" + (f"; {report.left_off:,} more points are left off" if report.left_off else "")
    return Table("", heads, rows, footer)


def _curves(series: list[tuple[Any, tuple[str | None, ...], Any]], style: Style) -> list[Block]:
    """A curve of each series, as many as fit on a few screens."""
    blocks: list[Block] = []
    for frame, key, part in series[:MAX_CURVES]:
        times = list(TimeGrid(frame.grain, frame.zone).starts(int(part.time[0]), int(part.time[-1])))
        found = dict(zip(part.time.tolist(), part.value.tolist(), strict=True))
        values = [found.get(time, math.nan) for time in times]  # a window without a point is a gap
        unit = f", {frame.unit}" if frame.unit else ""
        title = _name(frame, key).replace("\n", ", ") + f" by {frame.grain}{unit}"
        lines = plot(values, _shown_time(times[0], frame), _shown_time(times[-1], frame), style.width, ascii_only=style.ascii)
        blocks.append("\n".join([title, *lines]))
    if len(series) > MAX_CURVES:
        blocks.append(f"{len(series) - MAX_CURVES:,} more series are not drawn")
    return blocks


def _name(frame: Any, key: tuple[str | None, ...]) -> str:
    shown = ", ".join("(null)" if part is None else part for part in key)
    return f"{frame.metric}\n{shown}" if key else str(frame.metric)


def _shown_time(time: int, frame: Any) -> str:
    text = to_iso(time, frame.zone)
    return text[:10] if frame.grain.unit in {"d", "w", "mo"} else f"{text[:10]} {text[11:19]}".removesuffix(":00")


def _values(series: list[tuple[Any, tuple[str | None, ...], Any]]) -> Table:
    times = sorted({time for _, _, part in series for time in part.time.tolist()})
    points = [{row[0]: row for row in part.rows()} for _, _, part in series]
    first, shown = series[0][0], times[-MAX_TIMES:]
    texts = [column([None if time not in found else found[time][2] for time in shown]) for found in points]
    rows = []
    for number, time in enumerate(shown):
        words = {found[time][3] for found in points if time in found} - {"final", "absent"}
        rows.append([_shown_time(time, first), *(text[number] for text in texts), ", ".join(sorted(words))])
    marked = any(row[-1] for row in rows)
    heads = [Column("time", no_wrap=True), *(Column(_name(frame, key), justify="right", no_wrap=True) for frame, key, _ in series)]
    if marked:
        heads.append(Column("", style="yellow"))
    earlier = len(times) - MAX_TIMES
    footer = f"{earlier:,} earlier windows are not shown: --since, or --format csv" if earlier > 0 else ""
    return Table(f"by {first.grain}, {first.zone}", heads, rows if marked else [row[:-1] for row in rows], footer)


def _series(report: Any, series: list[tuple[Any, tuple[str | None, ...], Any]], style: Style) -> Table:
    by = series[0][0].dimensions
    wide = style.width >= WIDE
    heads = [Column("metric", style="bold"), *(Column(name) for name in by), Column("unit", style="dim")]
    heads += [
        Column(name, justify="right", no_wrap=True) for name in (("windows", "min", "mean", "max", "last") if wide else ("mean", "last"))
    ]
    heads.append(Column("trend", style="cyan", no_wrap=True))
    rows = []
    for frame, key, part in series:
        values = part.value.tolist()
        present = [value for value in values if math.isfinite(value)]
        mean = sum(present) / len(present) if present else None
        numbers = column([min(present, default=None), mean, max(present, default=None), _last(values)])
        names = ["(null)" if part_of_key is None else part_of_key for part_of_key in key]
        line = sparkline(values, 30 if wide else 16, ascii_only=style.ascii)
        rows.append([frame.metric, *names, frame.unit, *([f"{len(values):,}", *numbers] if wide else numbers[1::2]), line])
    if not any(frame.unit for frame in report.frames):
        heads.pop(1 + len(by))
        rows = [[*row[: 1 + len(by)], *row[2 + len(by) :]] for row in rows]
    frame = series[0][0]
    first, last = (min(int(part.time[0]) for _, _, part in series), max(int(part.time[-1]) for _, _, part in series))
    return Table("", heads, rows, f"{_shown_time(first, frame)} to {_shown_time(last, frame)}, by {frame.grain}, {frame.zone}")


def _last(values: list[float]) -> float | None:
    return next((value for value in reversed(values) if math.isfinite(value)), None)
