"""What detection found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypedDict

import numpy as np
import numpy.typing as npt

from metricsctl.core.diagnostics import Diagnostic
from metricsctl.core.serial import plain
from metricsctl.core.timegrid import to_iso
from metricsctl.detect.base import FloatArray, Status
from metricsctl.detect.summary import MetricSummary

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["EMITS", "FAIL_ON", "AnomalyReport", "Course", "Emit", "Episode", "ScoreData", "ScoredSeries"]

Emit = Literal["anomalies", "episodes", "scores"]
Course = Literal["growing", "steady", "recovering"]
EMITS: tuple[Emit, ...] = ("anomalies", "episodes", "scores")
FAIL_ON = ("anomaly", "bad")
_EPISODE_COLUMNS = (
    *("kind", "state", "onset", "alert", "peak", "end", "windows", "direction", "effect"),
    *("value", "expected_low", "expected", "expected_high", "size", "relative", "score", "family", "why", "course"),
)


class ScoreData(TypedDict):
    """A scored point in JSON; see `ScoredSeries`."""

    metric: str
    time: str
    key: dict[str, str | None]
    value: float | None
    score: float | None
    expected_low: float | None
    expected: float | None
    expected_high: float | None
    status: str
    anomaly: bool


class ReportData(TypedDict):
    """The report in JSON; `scores` is filled by `--emit scores` alone."""

    detector: str
    emit: str
    metrics: list[MetricSummary]
    episodes: list[Episode]
    anomalies: list[ScoreData]
    scores: list[ScoreData]


@dataclass(frozen=True, slots=True)
class Episode:
    """A stretch of windows out of the ordinary.

    Times are ISO 8601 in the metric's zone: `onset` the first window, `alert` the one at which it could be known, `peak` the furthest out,
    `end` the end of the last one. `value` and the expected range are those of the peak. `size` is what was lost (negative) or gained so far
    against expectation, added up where the metric adds up (`size_of` "total"), else the mean difference ("mean"); `relative` is the size
    as a share of what was expected. `kind` "missing" means that windows have no data at all. `effect` is good or bad by the metric's
    `direction`. `context` are the values around it; `also` other metrics that fell silent with this one. `onset_us` and `end_us` are onset
    and end in microseconds since 1970. `severity` and `runbook` are those of the metric's `watch:`. `family` is the
    evidence of `auto` that raised the alarm: "season" (far from what was expected), "novelty", "residual"; None of another detector.
    `restated`: the window of its alert got events when it was final, so that this is a change of the past and nothing new. `course`: how an
    open one of two windows or more goes on, by the last third of its windows against those before; else None.
    """

    id: str
    metric: str
    unit: str | None
    key: Mapping[str, str | None]
    kind: Literal["deviation", "missing"]
    state: Literal["open", "over"]
    onset: str
    alert: str
    peak: str
    end: str
    windows: int
    direction: Literal["up", "down"]
    effect: Literal["good", "bad", "neutral"]
    value: float | None
    expected: float | None
    expected_low: float | None
    expected_high: float | None
    size: float | None
    size_of: Literal["total", "mean"]
    relative: float | None
    score: float
    detector: str
    why: str
    context: tuple[float, ...]
    also: tuple[str, ...] = ()
    onset_us: int = 0
    end_us: int = 0
    severity: str | None = None
    runbook: str | None = None
    family: str | None = None
    restated: bool = False
    course: Course | None = None


@dataclass(frozen=True, slots=True)
class ScoredSeries:
    """Every window of one series with its verdict; all arrays have the same length.

    `score` is the calibrated score: minus the decimal logarithm of the probability of a point so far out; 0 where a point only prolongs an
    episode, NaN where it cannot be judged. `alert` is true where an alert is raised, once an episode.
    """

    metric: str
    unit: str | None
    zone: str
    key: Mapping[str, str | None]
    time: npt.NDArray[np.int64]
    value: FloatArray
    score: FloatArray
    expected_low: FloatArray
    expected: FloatArray
    expected_high: FloatArray
    status: npt.NDArray[np.uint8]
    alert: npt.NDArray[np.bool_]
    rows: npt.NDArray[np.int64] | None = None
    labels: tuple[str, ...] | None = None

    def points(self, where: Iterable[int]) -> Iterator[ScoreData]:
        """Some of its points as plain data."""
        for index in where:
            yield {
                "metric": self.metric,
                "time": self.labels[index] if self.labels is not None else to_iso(int(self.time[index]), self.zone),
                "key": dict(self.key),
                "value": plain(float(self.value[index])),
                "score": plain(float(self.score[index])),
                "expected_low": plain(float(self.expected_low[index])),
                "expected": plain(float(self.expected[index])),
                "expected_high": plain(float(self.expected_high[index])),
                "status": Status(int(self.status[index])).word,
                "anomaly": bool(self.alert[index]),
            }


@dataclass(frozen=True, slots=True)
class AnomalyReport:
    """The episodes in the order of their onset, every series with its scores, and how each metric was judged.

    `budgeted`: whether a budget was asked for, so that what it would have given in the past is told; `plotted`: whether its
    table begins with the curves.
    """

    name: ClassVar[str] = "detect"
    version: ClassVar[int] = 1

    detector: str
    emit: Emit
    dimensions: tuple[str, ...]
    episodes: tuple[Episode, ...]
    series: tuple[ScoredSeries, ...]
    diagnostics: tuple[Diagnostic, ...] = field(default=())
    metrics: tuple[MetricSummary, ...] = ()
    budgeted: bool = False
    plotted: bool = False

    @property
    def stats(self) -> dict[str, int]:
        """Counts of series, episodes, and of windows by status."""
        codes = np.concatenate([item.status for item in self.series]) if self.series else np.array([], dtype=np.uint8)
        counts = {f"windows_{status.word}": int(np.count_nonzero(codes == status)) for status in Status}
        return {"series": len(self.series), "episodes": len(self.episodes), **counts}

    def fails(self, on: str) -> bool:
        """Whether there is an episode ("anomaly") or a bad one ("bad"); one that the past was changed to is no news."""
        return any(on == "anomaly" or episode.effect == "bad" for episode in self.episodes if not episode.restated)

    def anomalies(self) -> Iterator[ScoreData]:
        """The points that are anomalies, by series."""
        for item in self.series:
            yield from item.points(np.flatnonzero((item.status == Status.ANOMALY) | item.alert).tolist())

    def scores(self) -> Iterator[ScoreData]:
        """Every point: by series, of a bare input in its own order."""
        if self.series and self.series[0].rows is not None:
            places = [
                (int(row), item, index) for item in self.series for index, row in enumerate(item.rows if item.rows is not None else ())
            ]
            for _, item, index in sorted(places, key=lambda place: place[0]):
                yield from item.points([index])
            return
        for item in self.series:
            yield from item.points(range(len(item.time)))

    def to_dict(self) -> ReportData:
        """Plain data."""
        return {
            "detector": self.detector,
            "emit": self.emit,
            "metrics": list(self.metrics),
            "episodes": list(self.episodes),
            "anomalies": list(self.anomalies()),
            "scores": list(self.scores()) if self.emit == "scores" else [],
        }

    def items(self) -> Iterator[Any]:
        """What was asked for, each by itself, for JSON lines."""
        if self.emit == "episodes":
            return iter(self.episodes)
        return self.scores() if self.emit == "scores" else self.anomalies()

    def csv_rows(self) -> Iterator[list[Any]]:
        """The header and the rows of what was asked for."""
        if self.emit == "episodes":
            yield ["id", "metric", *self.dimensions, *_EPISODE_COLUMNS]
            for episode in self.episodes:
                keys = [episode.key.get(name) for name in self.dimensions]
                yield [episode.id, episode.metric, *keys, *(getattr(episode, name) for name in _EPISODE_COLUMNS)]
            return
        yield ["metric", "time", *self.dimensions, "value", "score", "expected_low", "expected", "expected_high", "status", "anomaly"]
        for point in self.items():
            keys = [point["key"].get(name) for name in self.dimensions]
            numbers = [point[name] for name in ("value", "score", "expected_low", "expected", "expected_high")]
            yield [point["metric"], point["time"], *keys, *numbers, point["status"], "true" if point["anomaly"] else "false"]

    def to_pandas(self) -> pd.DataFrame:
        """What was asked for as a data frame; the times of scores are UTC."""
        import pandas as pd

        header, *rows = self.csv_rows()
        frame = pd.DataFrame(rows, columns=header)
        if "anomaly" in frame:
            frame["anomaly"] = frame["anomaly"] == "true"
        return frame

    def _repr_html_(self) -> str:
        from metricsctl.core.html import notes, paragraph, table

        columns = ("metric", "segment", "onset", "end", "value", "expected", "size", "effect")
        return (table(columns, self.episodes, _cells) or paragraph("no anomalies")) + notes(self.diagnostics)


def _cells(item: Episode) -> list[str | None]:
    from metricsctl.core.html import number

    segment = ", ".join(f"{name}={value}" for name, value in item.key.items())
    numbers = (number(item.value), number(item.expected), number(item.size))
    return [item.metric, segment, item.onset, item.end, *numbers, item.effect]
