"""The questions that can be asked: against a base, of a file of change events, of a metric, of a source."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from metricsctl.changes.read import read_file
from metricsctl.core.errors import DataError, UsageError
from metricsctl.definition.project import Project
from metricsctl.diff.base import load_base
from metricsctl.impact.report import ImpactReport
from metricsctl.impact.run import Options, impact_of_difference, impact_of_events, impact_of_node
from metricsctl.impact.usage import read_usage
from metricsctl.lineage.nodes import NodeKind

__all__ = ["ask"]


def ask(
    head: Project,
    paths: Sequence[Path],
    *,
    check: Callable[[Project], Project],
    keep: Callable[[Path], bool] = lambda _: True,
    base: str | None = None,
    change: Path | None = None,
    metric: str | None = None,
    source: str | None = None,
    why: str | None = None,
) -> ImpactReport:
    """What moves by the difference to `base`, by the change events in a file, or if a metric or a source changed: one of the four.

    `paths` are where the definitions of `head` lie; `check` and `keep` are as in `metricsctl.diff.base.load_base`. Raises UsageError,
    UnknownName, ProjectError for a broken base, DataError for a file without any change event.
    """
    asked = [name for name, value in (("base", base), ("change", change), ("metric", metric), ("source", source)) if value is not None]
    if len(asked) != 1:
        what = "--base, --change, --metric and --source exclude each other" if asked else "what has changed?"
        raise UsageError(what, hint="one of --base REF|DIR, --change FILE, --metric M, --source S")
    folder = paths[0] if paths[0].is_dir() else paths[0].parent
    options = Options(why, read_usage(folder))
    if base is not None:
        found = load_base(base, paths, check=check, keep=keep)
        return impact_of_difference(found.project, head, found.label, options)
    if change is not None:
        read = read_file(change)
        if not read.events:
            reason = f": {read.malformed[0].message}" if read.malformed else ""
            raise DataError(f"{change}: no change event{reason}", hint="a JSON line with `time`, `service`, `kind`, or a CDEvent")
        return impact_of_events(head, read.events, change.name, options, read.malformed)
    if metric is not None:
        return impact_of_node(head, NodeKind.METRIC, metric, options)
    return impact_of_node(head, NodeKind.SOURCE, str(source), options)
