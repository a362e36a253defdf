"""The questions that can be asked: against a base, of a file of change events, of a metric, of a source."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from metricsctl.changes.event import ChangeEvent
from metricsctl.changes.log import ChangeLog
from metricsctl.changes.match import matches
from metricsctl.changes.read import read_file
from metricsctl.core.errors import DataError, UsageError
from metricsctl.core.progress import SILENT, Progress
from metricsctl.definition.discover import folder_of
from metricsctl.definition.project import Project
from metricsctl.definition.references import bases_of
from metricsctl.definition.usage import read_usage
from metricsctl.diff.base import load_base, load_head
from metricsctl.impact.kept import Question, answered
from metricsctl.impact.observe.report import Observation
from metricsctl.impact.report import ImpactReport
from metricsctl.impact.run import Options, impact_of_difference, impact_of_events, impact_of_node
from metricsctl.lineage.nodes import NodeKind
from metricsctl.testing.write import NewTest

__all__ = ["affected", "as_tests", "ask"]


def ask(
    here: Callable[[], Project],
    paths: Sequence[Path],
    *,
    check: Callable[[Project], Project],
    keep: Callable[[Path], bool] = lambda _: True,
    base: str | None = None,
    head: str | None = None,
    change: Path | None = None,
    metric: str | None = None,
    source: str | None = None,
    options: Options | None = None,
    cache: Path | None = None,
    sample: Sequence[str] | None = None,
    observe: Path | None = None,
    progress: Progress = SILENT,
) -> ImpactReport:
    """What moves by the difference to `base`, by the change events in a file, or if a metric or a source changed: one of the four.

    `here` gives the project of the working tree, whose definitions lie at `paths`; `head` names a commit, or the index (":index"), to be
    compared instead of it. `check` and `keep` are as in `metricsctl.diff.base.load_base`. `cache` is a folder in which answers are kept.
    With `sample` both versions of the affected metrics are run on the event files at these paths, or, where it is empty, on generated
    rows: see `metricsctl.impact.sample.run.sample_diff`, also for what it raises. `observe` is the folder of a store: what its metrics
    did after the change events is reported too.
    Raises UsageError, UnknownName, ProjectError for a broken base, DataError for a file without any change event.
    """
    asked = [name for name, value in (("base", base), ("change", change), ("metric", metric), ("source", source)) if value is not None]
    if len(asked) != 1:
        what = "--base, --change, --metric and --source exclude each other" if asked else "what has changed?"
        raise UsageError(what, hint="one of --base REF|DIR, --change FILE, --metric M, --source S")
    if head is not None and base is None:
        raise UsageError("--head goes with --base", hint="--base main --head feature, or --base HEAD --head :index")
    if sample is not None and base is None:
        raise UsageError("--sample goes with --base: it compares two versions", hint="--base main --sample events/")
    if observe is not None and change is None:
        raise UsageError("--observe goes with --change: it looks at what followed", hint="--change deploy.json --observe")
    options = replace(options or Options(), usage=read_usage(folder_of(paths)))
    if base is not None:

        def compared() -> tuple[ImpactReport, Sequence[Project]]:
            project = here() if head is None else load_head(head, paths, check=check, keep=keep)
            found = load_base(base, paths, check=check, keep=keep, head=head or "HEAD", like=project)
            report = impact_of_difference(found.project, project, found.label, options)
            if sample is not None:
                from metricsctl.impact.sample.run import sample_diff

                moved = sample_diff(found.project, project, found.label, affected(report), sample, progress=progress)
                report = replace(report, sample=moved)
            return report, (project, found.project)

        if sample is not None:  # what is kept knows nothing of events
            return compared()[0]
        return answered(Question(paths, base, head, options, keep), cache, compared)
    project = here()
    if change is not None:
        read = read_file(change)
        if not read.events:
            reason = f": {read.malformed[0].message}" if read.malformed else ""
            raise DataError(f"{change}: no change event{reason}", hint="a JSON line with `time`, `service`, `kind`, or a CDEvent")
        report = impact_of_events(project, read.events, change.name, options, read.malformed)
        return report if observe is None else replace(report, observed=_observed(project, observe, read.events))
    if metric is not None:
        return impact_of_node(project, NodeKind.METRIC, metric, options)
    return impact_of_node(project, NodeKind.SOURCE, str(source), options)


def _observed(project: Project, store: Path, events: Sequence[ChangeEvent]) -> tuple[Observation, ...]:
    """What the metrics of a store did after those change events that are about anything."""
    from metricsctl.impact.observe.run import MOST
    from metricsctl.impact.observe.run import observe as run

    about = sorted((event for event in events if matches(project, event)), key=lambda event: (event.time, event.id))[-MOST:]
    predicted = {}
    for event in about:
        reached = impact_of_events(project, [event], event.id).impacted
        predicted[event.id] = {item.name: item.p for item in reached if item.kind is NodeKind.METRIC}
    return run(project, store, about, predicted, [*events, *ChangeLog(store).read().events])


def affected(report: ImpactReport) -> dict[str, str]:
    """The metrics that a difference reaches, with the reason, in the report's order."""
    return {item.name: item.reason for item in report.impacted if item.kind is NodeKind.METRIC}


def as_tests(report: ImpactReport, project: Project) -> list[NewTest]:
    """The witnesses of a sample as tests that `project`, the new version, passes and the old one fails; masked ones are none."""
    reasons = affected(report)
    tests = []
    for witness in report.sample.witnesses if report.sample is not None else ():
        if witness.masked or witness.metric not in project.all_metrics:
            continue
        grains = [project.grain_of(item) for item in bases_of(project.all_metrics, witness.metric).values()]
        own = str(max(grains, key=lambda grain: grain.microseconds)) == witness.grain
        given = {source: rows for source, rows in witness.rows.items() if source in project.sources}
        expect = [{"time": point.time, "value": point.value, **point.key} for point in witness.expect]
        name = f"{witness.metric}: {reasons[witness.metric]}"
        tests.append(NewTest(name, witness.metric, given, expect, None if own else witness.grain))
    return tests
