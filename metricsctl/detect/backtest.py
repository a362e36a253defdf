"""`backtest`: detectors on the past, against what people said of it. They see no label; only the scoring does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, ClassVar, TypedDict

from metricsctl.core.diagnostics import Diagnostic, Severity
from metricsctl.core.errors import UsageError
from metricsctl.core.progress import SILENT, Progress
from metricsctl.definition.project import Project
from metricsctl.detect.labels import Label, instant
from metricsctl.detect.report import AnomalyReport, Episode
from metricsctl.detect.run import DetectOptions, detect, detect_frame
from metricsctl.detect.scoring import EventScore

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["BacktestData", "BacktestReport", "Tested", "backtest", "backtest_frame"]


@dataclass(frozen=True, slots=True)
class Tested:
    """How one detector did.

    `incidents` of the labels, of which `found` had an alarm while they lasted. `alarms`: all episodes; `false` of them lie in no incident,
    and `again` in one that was found already. `precision` is found / (found + false), `recall` found / incidents, `f1` their harmonic mean;
    None where there is nothing to score. `delay_s`: the median of the seconds from the start of an incident to the end of the window of its
    first alarm. `alarms_a_week`: of a metric, over all its series. `missed` are the incidents that had none.
    """

    detector: str
    incidents: int
    found: int
    alarms: int
    false: int
    again: int
    precision: float | None
    recall: float | None
    f1: float | None
    delay_s: float | None
    alarms_a_week: float | None
    missed: tuple[Label, ...]


class BacktestData(TypedDict):
    """A backtest in JSON; see `BacktestReport`."""

    metrics: tuple[str, ...]
    detectors: tuple[Tested, ...]


@dataclass(frozen=True, slots=True)
class BacktestReport:
    """How each detector did on the same metrics and labels."""

    name: ClassVar[str] = "backtest"
    version: ClassVar[int] = 1

    metrics: tuple[str, ...]
    detectors: tuple[Tested, ...]
    diagnostics: tuple[Diagnostic, ...] = field(default=())

    @property
    def stats(self) -> dict[str, int]:
        """Counts."""
        return {"metrics": len(self.metrics), "detectors": len(self.detectors)}

    def to_dict(self) -> BacktestData:
        """Plain data."""
        return {"metrics": self.metrics, "detectors": self.detectors}

    def to_pandas(self) -> pd.DataFrame:
        """A row a detector."""
        import pandas as pd

        columns = [name for name in Tested.__dataclass_fields__ if name != "missed"]
        return pd.DataFrame([[getattr(item, name) for name in columns] for item in self.detectors], columns=columns)

    def _repr_html_(self) -> str:
        from metricsctl.core.html import notes, table

        return table(("detector", "incidents", "found", "false", "precision", "recall", "F1"), self.detectors, _cells) + notes(
            self.diagnostics
        )


def _cells(item: Tested) -> list[str | None]:
    from metricsctl.core.html import number

    return [item.detector, *map(number, (item.incidents, item.found, item.false, item.precision, item.recall, item.f1))]


def backtest(
    project: Project,
    store: Path,
    labels: Sequence[Label],
    metrics: Sequence[str] = (),
    detectors: Sequence[str] = ("auto",),
    options: DetectOptions | None = None,
    progress: Progress = SILENT,
) -> BacktestReport:
    """Run detectors over `metrics` (default: those that have labels) as if there were no labels, and score them by these.

    The errors are those of `metricsctl.detect.run.detect`; UsageError if no label is about the metrics.
    """
    names = tuple(dict.fromkeys(project.metric(name).name.name for name in metrics or [item.metric for item in labels]))
    chosen = replace(options or DetectOptions(), heed_labels=False)
    mine = _mine(labels, names)
    reports = [detect(project, store, names, replace(chosen, detector=name), progress) for name in dict.fromkeys(detectors)]
    return _report(names, mine, reports)


def backtest_frame(
    frame: pd.DataFrame | pd.Series | str | Path,
    labels: Sequence[Label],
    detectors: Sequence[str] = ("auto",),
    *,
    time: str | None = None,
    value: str | None = None,
    options: DetectOptions | None = None,
    progress: Progress = SILENT,
) -> BacktestReport:
    """The same over a bare series, as `metricsctl.detect.run.detect_frame` reads it; a label's metric is the name of the value column."""
    options = options or DetectOptions()
    reports = [
        detect_frame(frame, time=time, value=value, options=replace(options, detector=name), progress=progress)
        for name in dict.fromkeys(detectors)
    ]
    names = tuple(dict.fromkeys(item.metric for item in reports[0].metrics))
    return _report(names, _mine(labels, names), reports)


def _mine(labels: Sequence[Label], names: Iterable[str]) -> list[Label]:
    """The incidents among the labels of some metrics."""
    asked = set(names)
    found = [item for item in labels if item.metric in asked and item.meaning == "incident"]
    if not found:
        known = ", ".join(sorted({item.metric for item in labels if item.meaning == "incident"})[:5])
        raise UsageError(
            f"no incident is labelled of {', '.join(sorted(asked)[:5]) or 'any metric'}",
            hint=f"incidents are labelled of {known}" if known else "label some: `metricsctl label EP-... --as incident`",
        )
    return found


def _report(names: tuple[str, ...], incidents: Sequence[Label], reports: Sequence[AnomalyReport]) -> BacktestReport:
    noticed = dict.fromkeys(item for report in reports for item in report.diagnostics)
    outside = [item for item in incidents if not any(_is_within(item, report) for report in reports)]
    if outside:
        what = "1 incident lies" if len(outside) == 1 else f"{len(outside)} incidents lie"
        message = f"{what} outside of the data, or where nothing is judged yet, and counts as missed"
        noticed[Diagnostic("not-judged", Severity.WARNING, message, hint="give the store earlier events")] = None
    return BacktestReport(names, tuple(_tested(report, incidents) for report in reports), tuple(noticed))


def _is_within(item: Label, report: AnomalyReport) -> bool:
    """Whether any window of an incident was judged."""
    spans = [one for one in report.series if one.metric == item.metric and item.key.items() <= one.key.items()]
    return any(bool(((one.time >= item.start_us) & (one.time < item.end_us) & (one.score == one.score)).any()) for one in spans)


def _tested(report: AnomalyReport, incidents: Sequence[Label]) -> Tested:
    windows = {item.metric: item.window_us for item in report.metrics}
    delays: dict[int, list[float]] = {}
    inside = 0
    for episode in report.episodes:
        alert = instant(episode.alert)
        end = alert + windows.get(episode.metric, 0)
        hit = [number for number, item in enumerate(incidents) if _is_about(item, episode) and alert < item.end_us and end > item.start_us]
        inside += bool(hit)
        for number in hit:
            delays.setdefault(number, []).append((end - incidents[number].start_us) / 1e6)
    score = EventScore(len(delays), len(incidents) - len(delays), len(report.episodes) - inside, max(inside - len(delays), 0))
    weeks = sum(item.weeks for item in report.metrics)
    return Tested(
        detector=report.detector,
        incidents=len(incidents),
        found=score.found,
        alarms=len(report.episodes),
        false=score.false,
        again=score.again,
        precision=score.precision,
        recall=score.recall,
        f1=score.f1,
        delay_s=median(min(found) for found in delays.values()) if delays else None,
        alarms_a_week=len(report.episodes) / weeks if weeks else None,
        missed=tuple(item for number, item in enumerate(incidents) if number not in delays),
    )


def _is_about(item: Label, episode: Episode) -> bool:
    """Whether an alarm can be of an incident: of the same metric, one of the two segments within the other."""
    one, other = item.key.items(), episode.key.items()
    return item.metric == episode.metric and (one <= other or other <= one)
