"""`metricsctl changes`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from metricsctl.cli.io import Output
from metricsctl.cli.options import ProjectOption, StoreOption
from metricsctl.cli.verb import verb

__all__ = ["changes"]

DATA_ERROR = 3
FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="JSON lines, one JSON object or a list; plain or CDEvents.")]


@verb("table", "json", name="changes-add")
def add(out: Output, file: FileArgument, project: ProjectOption = None, store: StoreOption = None) -> int:
    """Keep change events (deploys, configuration, merges, incidents) beside the series.

    Examples
    --------
    metricsctl changes add deploys.jsonl
    metricsctl changes add event.json --store /data/metrics
    metricsctl changes add deploys.jsonl --format json | jq .stats

    See Also
    --------
    impact, lineage
    """
    from metricsctl.changes.report import add as run
    from metricsctl.cli.project import load_project, store_folder

    report = run(load_project(project), store_folder(project, store), file)
    out.write(report)
    counts = report.stats
    rest = [f"{counts[name]:,} {words}" for name, words in _WORDS.items() if counts[name]]
    out.note(", ".join([f"{counts['added']:,} added", *rest]))
    return DATA_ERROR if report.malformed else 0


_WORDS = {"known": "known already", "unmatched": "about nothing here", "malformed": "malformed", "ignored": "about no change"}


@verb("table", "json", name="changes")
def list_(out: Output, project: ProjectOption = None, store: StoreOption = None) -> int:
    """List the change events, each with the sources, models and metrics that it is about.

    Examples
    --------
    metricsctl changes list
    metricsctl changes list --store /data/metrics
    metricsctl changes list --format json | jq '.data.changes[].matches'

    See Also
    --------
    impact, lineage
    """
    from metricsctl.changes.report import list_changes
    from metricsctl.cli.project import load_project, store_folder

    report = list_changes(load_project(project), store_folder(project, store))
    out.write(report)
    out.note(f"{len(report.changes):,} changes" + (f", {report.unmatched:,} about nothing here" if report.unmatched else ""))
    return DATA_ERROR if report.malformed else 0


changes = typer.Typer(name="changes", help="Keep change events, and see what they are about.", no_args_is_help=True)
changes.command("add")(add)
changes.command("list")(list_)
