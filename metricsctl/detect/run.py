"""`detect`: the anomalies of metrics, or of bare series."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from metricsctl.core.diagnostics import Diagnostic, Severity
from metricsctl.core.progress import SILENT, Progress
from metricsctl.core.timegrid import Grain
from metricsctl.definition.project import Project
from metricsctl.definition.schema import Alias
from metricsctl.detect.budget import Budget
from metricsctl.detect.describe import EVIDENCE
from metricsctl.detect.examine import Found, examine_together
from metricsctl.detect.labels import LABELS_FILE, Label, read_labels
from metricsctl.detect.registry import AUTO, create
from metricsctl.detect.report import AnomalyReport, Emit
from metricsctl.detect.series import SeriesSet
from metricsctl.detect.states import SeriesStates
from metricsctl.detect.summary import MetricSummary, summary_of, together

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DetectOptions", "detect", "detect_frame"]

_TOGETHER = 256  # sets that are judged at once


@dataclass(frozen=True, slots=True)
class DetectOptions:
    """How to look for anomalies.

    `by`: split by these dimensions together; empty: by each dimension of a metric alone. `grain`: default the one that a metric is stored
    in. `since` leaves out what was over before, `until` what began after; all earlier windows are still learned from. `budget`: how many
    false alarms a metric may give over all its series. `min_share`, `min_rows`: the share of its metric's rows and the rows a window that
    a segment must carry. `heed_labels`: stretches in `labels.csv` are neither judged nor learned from.
    """

    by: tuple[str, ...] = ()
    detector: str = AUTO
    grain: Grain | None = None
    since: int | str | None = None
    until: int | str | None = None
    budget: Budget | None = None
    min_share: float = 0.01
    min_rows: float = 5.0
    heed_labels: bool = True
    emit: Emit = "anomalies"


def detect(
    project: Project,
    store: Path,
    metrics: Sequence[str] = (),
    options: DetectOptions | None = None,
    progress: Progress = SILENT,
    folder: Path | None = None,
) -> AnomalyReport:
    """The anomalies of `metrics` (default: all) and of their segments, from the store at `store`.

    In `folder` is kept what `auto` had learned, so that the next call goes on from there and gives what one call would have given; None:
    nowhere.

    Raises
    ------
    UnknownName
        A metric, dimension or detector that does not exist.
    NotComputed
        A metric that stands on something that this version cannot compute.
    UsageError
        No store, or a grain, dimension or time that cannot be used.
    DataError
        A store, or a file of labels, that cannot be read.
    """
    from metricsctl.detect.collect import Wanted, collect
    from metricsctl.plan.unfinished import left_out, not_computed
    from metricsctl.query.period import parse_period

    options = options or DetectOptions()
    _check_detector(options.detector)
    skipped = {} if metrics else not_computed(project)
    own = [name for name, metric in project.metrics.items() if name not in skipped and not isinstance(metric, Alias)]
    names = metrics or [*own, *(name for name in project.series if name not in project.all_metrics)]
    labels = read_labels(project.folder / LABELS_FILE) if options.heed_labels else ()
    wanted = Wanted(options.by, options.grain, options.until, options.min_share, options.min_rows, labels=labels)
    collected = collect(project, store, names, wanted)
    noticed = (*(left_out(item) for item in skipped.values()), *collected.diagnostics, *_of_nothing(project, labels))
    starts = {
        item.traits.metric: parse_period(options.since, None, item.traits.zone, collected.marks[item.traits.metric]).since
        for item in collected.sets
    }
    dimensions = tuple(dict.fromkeys(name for item in collected.sets for series in item.series for name in series.key))
    kept = _Kept(folder, ("store", str(store.resolve())))
    return _report(collected.sets, starts, options, dimensions, noticed, progress, kept, weekly_only=True)


def detect_frame(
    frame: pd.DataFrame | pd.Series | str | Path,
    *,
    time: str | None = None,
    value: str | None = None,
    by: Iterable[str] = (),
    options: DetectOptions | None = None,
    progress: Progress = SILENT,
    folder: Path | None = None,
) -> AnomalyReport:
    """The anomalies of a bare series: a data frame or series of pandas (its times may be the index), or a CSV file's path (`-` is stdin).

    `time`, `value` and `by` name its columns; they are inferred where there is no doubt. `folder` as for `detect`.

    Raises
    ------
    UsageError
        No such file or column, or it is not clear which column is meant.
    DataError
        The file cannot be read, or holds no numbers.
    """
    from metricsctl.detect.tabular import series_sets
    from metricsctl.query.period import parse_period

    options = options or DetectOptions()
    _check_detector(options.detector)
    sets, names, diagnostics = series_sets(frame, time=time, value=value, by=tuple(by) or options.by)
    latest = max((int(item.grid.times[-1]) for item in sets if len(item.grid.times)), default=0)
    start = parse_period(options.since, None, "UTC", latest).since
    starts = {item.traits.metric: start for item in sets}
    kept = _Kept(folder, ("input", str(Path(frame).resolve()) if isinstance(frame, str | Path) else ""))
    return _report(sets, starts, options, names, diagnostics, progress, kept, weekly_only=False)


@dataclass(frozen=True, slots=True)
class _Kept:
    """Where states are kept, and what they are of."""

    folder: Path | None
    origin: tuple[str, ...]

    def of(self, metric: str, sets: Sequence[SeriesSet]) -> SeriesStates:
        """Those of the series of one metric."""
        splits = sorted({(*sorted(one.key), item.traits.zone, str(item.grid.length)) for item in sets for one in item.series})
        return SeriesStates(self.folder, [*self.origin, metric, *map(repr, splits)])


def _of_nothing(project: Project, labels: Iterable[Label]) -> list[Diagnostic]:
    """One finding about labels of metrics that do not exist, or no longer."""
    gone = sorted({item.metric for item in labels} - {*project.all_metrics, *project.series})
    if not gone:
        return []
    return [Diagnostic("unknown-label", Severity.WARNING, f"{LABELS_FILE} has labels of unknown metrics: {_listed(gone)}", hint="renamed?")]


def _check_detector(name: str) -> None:
    if name != AUTO:
        create(name)


def _report(
    sets: Sequence[SeriesSet],
    starts: dict[str, int | None],
    options: DetectOptions,
    dimensions: tuple[str, ...],
    diagnostics: Sequence[Diagnostic],
    progress: Progress,
    kept: _Kept,
    *,
    weekly_only: bool,
) -> AnomalyReport:
    by_metric: dict[str, list[int]] = {}
    for place, item in enumerate(sets):
        by_metric.setdefault(item.traits.metric, []).append(place)
    judged: dict[int, tuple[Found, MetricSummary]] = {}
    families = EVIDENCE if options.detector == AUTO else ()
    progress.start("detect", sum(len(item.series) for item in sets), "series")
    try:
        for metric, places in by_metric.items():
            size = sum(len(sets[place].series) for place in places)
            states = kept.of(metric, [sets[place] for place in places]) if options.detector == AUTO else None
            for group in _on_the_same_windows(sets, places):
                items = [sets[place] for place in group]
                budget = options.budget or items[0].traits.care.budget or Budget()
                length = items[0].grid.length
                rate = budget.rate(length, size)
                parts = examine_together(items, options.detector, rate, starts[metric], weekly_only=weekly_only, states=states)
                for place, one in zip(group, parts, strict=True):
                    counts = (len(sets[place].series), one.judged, one.alarms)
                    judged[place] = (one, summary_of(metric, length, budget, rate, counts, (one.seasons, families)))
                progress.advance(sum(len(item.series) for item in items))
            if states is not None:
                states.write()
    finally:
        progress.finish()
    found = [judged[place][0] for place in range(len(sets))]
    summaries = [judged[place][1] for place in range(len(sets))]
    noticed = [*diagnostics, *_too_short(found), *_constant(found), *_restated(sets, found)]
    episodes = sorted((episode for item in found for episode in item.episodes), key=lambda one: (one.onset_us, one.metric, str(one.key)))
    series = tuple(one for item in found for one in item.series)
    return AnomalyReport(
        options.detector,
        options.emit,
        dimensions,
        tuple(episodes),
        series,
        tuple(dict.fromkeys(noticed)),
        together(summaries),
        budgeted=options.budget is not None,
    )


def _on_the_same_windows(sets: Sequence[SeriesSet], places: Sequence[int]) -> Iterator[list[int]]:
    """The places of sets that can be judged together, at most so many that progress is seen."""
    groups: dict[tuple[int, bytes], list[int]] = {}
    for place in places:
        grid = sets[place].grid
        same = hashlib.blake2b(grid.times.tobytes() + grid.place.tobytes()).digest()
        groups.setdefault((grid.length, same), []).append(place)
    for group in groups.values():
        yield from (group[first : first + _TOGETHER] for first in range(0, len(group), _TOGETHER))


def _restated(sets: Sequence[SeriesSet], found: Sequence[Found]) -> list[Diagnostic]:
    """One finding about windows whose value changed after they were final."""
    changed = [(item, one.revised) for item in sets for one in item.series if one.revised is not None and not one.key]
    windows = sum(int(revised.sum()) for _, revised in changed)
    if not windows:
        return []
    names = _listed(item.traits.metric for item, revised in changed if revised.any())
    told = sum(episode.restated for item in found for episode in item.episodes)
    what = f"1 window of {names}" if windows == 1 else f"{windows:,} windows of {names}"
    message = f"the past changed: {what} got events when already final; {told} of the anomalies are such"
    return [Diagnostic("restated", Severity.INFO, message, hint="a longer `lateness:` of the source waits for them")]


def _too_short(found: Sequence[Found]) -> list[Diagnostic]:
    """One finding about all series of which nothing could be judged."""
    short = [item for item in found if item.needs is not None]
    if not short:
        return []
    message = f"too little history to judge {_listed(item.metric for item in short)}: {short[0].needs}"
    return [Diagnostic("short-history", Severity.WARNING, message, hint="give it earlier data, or try `--detector robust_z`")]


def _constant(found: Sequence[Found]) -> list[Diagnostic]:
    """One finding about all metrics that never change."""
    still = [item.metric for item in found if item.constant]
    if not still:
        return []
    return [
        Diagnostic(
            "constant",
            Severity.INFO,
            f"no change at all: {_listed(still)}",
            hint="nothing can stand out of it; check that it measures what was meant",
        )
    ]


def _listed(names: Iterable[str]) -> str:
    """Each name once, the first five of them."""
    once = list(dict.fromkeys(names))
    return ", ".join(once[:5]) + (f" and {len(once) - 5} more" if len(once) > 5 else "")
