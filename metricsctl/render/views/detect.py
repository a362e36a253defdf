"""The tables of `metricsctl detect`: one line an episode, with what was expected and a small picture."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from metricsctl.render.detect_curves import curves, title_of
from metricsctl.render.numbers import human
from metricsctl.render.plot import Marks, plot
from metricsctl.render.sparkline import sparkline
from metricsctl.render.style import Style
from metricsctl.render.views import Block, Column, Table

if TYPE_CHECKING:
    from metricsctl.detect.report import AnomalyReport, Episode
    from metricsctl.detect.summary import MetricSummary

__all__ = ["expected_range", "segment_of", "shown_size", "strongest", "view", "when"]

MAX_ROWS, MAX_CURVES = 40, 4
MEDIUM, WIDE = 100, 110


def view(report: AnomalyReport, style: Style) -> list[Block]:
    """A table of the strongest episodes in the order of time, or of the last scores."""
    drawn = _curves(report, style) if report.plotted else []
    if report.emit == "scores":
        return [*drawn, _scores(report)]
    counts = report.stats
    judged = counts["windows_normal"] + counts["windows_anomaly"]
    seen = f"{counts['series']:,} series, {judged:,} windows judged"
    past = [_budgets(report)] if report.budgeted and report.metrics else []
    spent = f"; {_spent(report)}" if judged and report.metrics and not past else ""
    if not report.episodes:
        return [*drawn, f"no anomalies in {seen}{spent}", *past]
    shown = strongest(report.episodes)
    left = len(report.episodes) - len(shown)
    footer = f"{len(report.episodes):,} {'anomaly' if len(report.episodes) == 1 else 'anomalies'} in {seen}{spent}"
    footer += f"; the {MAX_ROWS} strongest are shown: --since, --format csv" if left else ""
    return [*drawn, _episodes(shown, report, style, footer), *past]


def _curves(report: AnomalyReport, style: Style) -> list[Block]:
    """The series with the strongest episodes, each as a curve on the shade of what was expected."""
    chosen, left = curves(report, MAX_CURVES)
    blocks: list[Block] = []
    for curve in chosen:
        item = curve.series
        marks = Marks(
            item.expected_low.tolist(), item.expected_high.tolist(), [(first, last) for _, first, last in curve.episodes], curve.alerts
        )
        start, end = (place["time"] for place in item.points((0, len(item.time) - 1)))
        lines = plot(item.value.tolist(), _minute(start), _minute(end), style.width, ascii_only=style.ascii, marks=marks)
        blocks.append("\n".join([title_of(item), *lines]))
    return [*blocks, f"{left:,} more series are not drawn"] if left else blocks


def _spent(report: AnomalyReport) -> str:
    """What the budgets allowed so far."""
    budgets = list(dict.fromkeys(item.budget for item in report.metrics))
    allowed = sum(item.allowed for item in report.metrics)
    said = f"{budgets[0]} a metric" if len(budgets) == 1 else "the budgets of the metrics"
    return f"{said} {'allows' if len(budgets) == 1 else 'allow'} {allowed:.2g} false alarms"


def _budgets(report: AnomalyReport) -> Table:
    """What the budget would have given in the past, metric by metric."""
    heads = [
        Column("metric", style="bold"),
        *(Column(name, justify="right") for name in ("series", "weeks", "allowed", "alarms", "a week")),
    ]
    rows = [
        [item.metric, f"{item.series:,}", *(f"{number:.3g}" for number in (item.weeks, item.allowed)), f"{item.alarms:,}", _rate(item)]
        for item in report.metrics
    ]
    budgets = ", ".join(dict.fromkeys(item.budget for item in report.metrics))
    return Table(f"The past at a budget of {budgets}", heads, rows)


def _rate(item: MetricSummary) -> str:
    return "" if item.alarms_a_week is None else f"{item.alarms_a_week:.2g}"


def strongest(episodes: Iterable[Episode], limit: int = MAX_ROWS) -> list[Episode]:
    """The episodes with the highest scores, in their old order."""
    numbered = list(enumerate(episodes))
    kept = sorted(numbered, key=lambda item: (-item[1].score, item[0]))[:limit]
    return [episode for _, episode in sorted(kept, key=lambda item: item[0])]


def _episodes(shown: list[Episode], report: AnomalyReport, style: Style, footer: str) -> Table:
    wide = style.width >= WIDE
    heads = [Column("metric", style="bold")]
    split = list(dict.fromkeys(name for item in shown for name in item.key))
    heads += [Column(split[0] if len(split) == 1 else "segment")] if split else []
    heads += [
        Column("when"),
        Column("value", justify="right"),
        Column("expected", justify="right"),
        Column("size", justify="right"),
        Column(""),
    ]
    why = any(item.family for item in shown)
    heads += [Column("why")] if why else []
    heads += [Column("trend", style="cyan", no_wrap=True)] if wide else []
    heads += [Column("id", style="dim", no_wrap=True)] if wide or report.emit == "episodes" else []
    rows = []
    for item in shown:
        cells: list[Any] = [metric_of(item)]
        cells += [", ".join("(null)" if value is None else value for value in item.key.values())] if split else []
        cells += [
            when(item),
            "no data" if item.kind == "missing" else human(item.value),
            expected_range(item),
            shown_size(item, share=style.width >= MEDIUM),
            _effect(item),
        ]
        cells += [_evidence(item)] if why else []
        cells += [sparkline(item.context, 16, ascii_only=style.ascii)] if wide else []
        cells += [item.id] if wide or report.emit == "episodes" else []
        rows.append(cells)
    return Table("", heads, rows, footer)


def _evidence(item: Episode) -> str:
    """What raised the alarm, in a word, and whether it is news."""
    word = item.family or ("silence" if item.kind == "missing" else "")
    return f"{word}, restated" if item.restated else word


def metric_of(item: Episode) -> str:
    """The metric, and how many others fell silent with it."""
    return f"{item.metric} and {len(item.also)} more" if item.also else item.metric


def segment_of(item: Episode) -> str:
    """The dimension values, empty for the total."""
    return ", ".join(f"{name}={'(null)' if value is None else value}" for name, value in item.key.items())


def _minute(time: str) -> str:
    return f"{time[:10]} {time[11:16]}" if len(time) >= 16 and time[10] in "T " else time


def when(item: Episode) -> str:
    """Its first window, and how long it lasted where it is more than one; of days the day alone."""
    start = _minute(item.onset)
    whole_days = start[10:] in {"", " 00:00"} and item.end[11:16] in {"", "00:00"}
    start = start[:10] if whole_days else start
    if item.windows == 1:
        return start
    going_on = f" so far{f', {item.course}' if item.course else ''}" if item.state == "open" else ""
    return f"{start}, {_duration(item.end_us - item.onset_us, whole_days=whole_days)}{going_on}"


def _duration(length: int, *, whole_days: bool) -> str:
    """A duration in microseconds, in the largest units that tell it exactly; a day in which the clock is changed is a day.

    >>> [_duration(minutes * 60_000_000, whole_days=False) for minutes in (360, 3060, 30)], _duration(71 * 3_600_000_000, whole_days=True)
    (['6 h', '2 d 3 h', '30 min'], '3 d')
    """
    seconds = length // 1_000_000
    if whole_days:
        return f"{round(seconds / 86_400):,} d"
    parts = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        count, seconds = divmod(seconds, size) if unit != "d" or seconds >= 2 * size else (0, seconds)
        parts += [f"{count:,} {unit}"] if count else []
    return " ".join(parts[:2]) or f"{length / 1_000_000:g} s"


def expected_range(item: Episode) -> str:
    """Where ninety-nine of a hundred values would lie."""
    if item.expected is None:
        return ""
    return f"{_short(item.expected_low)} .. {_short(item.expected_high)}"


def _short(value: float | None) -> str:
    return human(None if value is None else float(f"{value:.3g}"))


def shown_size(item: Episode, *, share: bool = True) -> str:
    """What was lost or gained in all, where the metric adds up, else how far out the peak was; with its `share` of what was expected."""
    if item.kind == "missing":
        return f"{item.windows:,} windows"
    size, relative = item.size, item.relative
    if item.size_of == "mean" and item.value is not None and item.expected is not None:
        size = item.value - item.expected
        relative = size / abs(item.expected) if item.expected else None
    if size is None:
        return ""
    part = f" ({relative:+.0%})" if share and relative is not None and abs(relative) < 10 else ""
    return f"{'+' if size > 0 else ''}{_short(size)}{part}"


def _effect(item: Episode) -> str:
    arrow = "up" if item.direction == "up" else "down"
    if item.kind == "missing":
        return "missing"
    return arrow if item.effect == "neutral" else f"{arrow}, {item.effect}"


def _scores(report: AnomalyReport) -> Table:
    heads = [
        Column("metric", style="bold"),
        Column("segment"),
        *(Column(name, justify="right") for name in ("normal", "anomaly", "not judged")),
    ]
    heads += [Column("highest score", justify="right")]
    rows = []
    for item in report.series:
        words = [int((item.status == code).sum()) for code in (0, 1)]
        scores = item.score[item.score == item.score]
        segment = ", ".join(f"{name}={'(null)' if value is None else value}" for name, value in item.key.items())
        rest = f"{len(item.status) - sum(words):,}"
        rows.append([item.metric, segment, f"{words[0]:,}", f"{words[1]:,}", rest, human(float(scores.max())) if len(scores) else ""])
    return Table("", heads, rows, "each window: --format csv, jsonl or json")
