"""The questions that can be asked: against a base, of a file of change events, of a metric, of a source."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from metricsctl.changes.read import read_file
from metricsctl.core.errors import DataError, UsageError
from metricsctl.definition.project import Project
from metricsctl.definition.usage import read_usage
from metricsctl.diff.base import load_base, load_head
from metricsctl.impact.kept import Question, answered
from metricsctl.impact.report import ImpactReport
from metricsctl.impact.run import Options, impact_of_difference, impact_of_events, impact_of_node
from metricsctl.lineage.nodes import NodeKind

__all__ = ["ask"]


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
) -> ImpactReport:
    """What moves by the difference to `base`, by the change events in a file, or if a metric or a source changed: one of the four.

    `here` gives the project of the working tree, whose definitions lie at `paths`; `head` names a commit, or the index (":index"), to be
    compared instead of it. `check` and `keep` are as in `metricsctl.diff.base.load_base`. `cache` is a folder in which answers are kept.
    Raises UsageError, UnknownName, ProjectError for a broken base, DataError for a file without any change event.
    """
    asked = [name for name, value in (("base", base), ("change", change), ("metric", metric), ("source", source)) if value is not None]
    if len(asked) != 1:
        what = "--base, --change, --metric and --source exclude each other" if asked else "what has changed?"
        raise UsageError(what, hint="one of --base REF|DIR, --change FILE, --metric M, --source S")
    if head is not None and base is None:
        raise UsageError("--head goes with --base", hint="--base main --head feature, or --base HEAD --head :index")
    folder = paths[0] if paths[0].is_dir() else paths[0].parent
    options = replace(options or Options(), usage=read_usage(folder))
    if base is not None:

        def compared() -> tuple[ImpactReport, Sequence[Project]]:
            project = here() if head is None else load_head(head, paths, check=check, keep=keep)
            found = load_base(base, paths, check=check, keep=keep, head=head or "HEAD", like=project)
            return impact_of_difference(found.project, project, found.label, options), (project, found.project)

        return answered(Question(paths, base, head, options, keep), cache, compared)
    project = here()
    if change is not None:
        read = read_file(change)
        if not read.events:
            reason = f": {read.malformed[0].message}" if read.malformed else ""
            raise DataError(f"{change}: no change event{reason}", hint="a JSON line with `time`, `service`, `kind`, or a CDEvent")
        return impact_of_events(project, read.events, change.name, options, read.malformed)
    if metric is not None:
        return impact_of_node(project, NodeKind.METRIC, metric, options)
    return impact_of_node(project, NodeKind.SOURCE, str(source), options)
