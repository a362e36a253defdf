"""`metricsctl ingest`."""

from __future__ import annotations

import enum
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from metricsctl.cli import complete
from metricsctl.cli.io import Output
from metricsctl.cli.options import ProjectOption, StoreOption
from metricsctl.cli.verb import verb

if TYPE_CHECKING:
    from metricsctl.ingest.report import IngestReport

__all__ = ["ingest"]


class Late(enum.StrEnum):
    """What becomes of events behind the watermark."""

    KEEP = "keep"
    DROP = "drop"


PathsArgument = Annotated[
    list[str] | None, typer.Argument(metavar="PATH ...", help="Event files, folders, globs; - is stdin.", show_default=False)
]
SeriesOption = Annotated[
    list[str] | None,
    typer.Option("--series", metavar="NAME,...|all", help="Bring series that live elsewhere, from their own files.", show_default=False),
]
SourceOption = Annotated[
    str | None,
    typer.Option("--source", metavar="S", help="Source that all files are of.", show_default=False, autocompletion=complete.sources),
]
FinalOption = Annotated[bool, typer.Option("--final", help="Close every window that the files reach: a finished replay.")]
RebuildOption = Annotated[bool, typer.Option("--rebuild", help="Build the store anew from these files and swap it in at the end.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Read, count and reject; write nothing.")]
AtomicOption = Annotated[bool, typer.Option("--atomic", help="Publish all files at once, or nothing if too many rows are rejected.")]
LateOption = Annotated[
    Late, typer.Option("--late", help="What to do with events behind the watermark: count them, or reject them as a stream.")
]
PlanOption = Annotated[bool, typer.Option("--show-plan", help="Say what would be read and stored for the definitions; read nothing.")]
RejectsOption = Annotated[
    Path | None, typer.Option("--rejects", metavar="FILE", help="Write rejected rows there, as JSON lines.", show_default=False)
]
MaxRejectsOption = Annotated[str, typer.Option("--max-rejects", metavar="N|P%", help="More rejects than that are exit 3.")]
MemoryOption = Annotated[str, typer.Option("--memory", metavar="SIZE", help="How much memory the run may take.")]
DATA_ERROR = 3


@verb("table", "json")
def ingest(
    out: Output,
    paths: PathsArgument = None,
    source: SourceOption = None,
    final: FinalOption = False,
    rebuild: RebuildOption = False,
    dry_run: DryRunOption = False,
    atomic: AtomicOption = False,
    late: LateOption = Late.KEEP,
    rejects: RejectsOption = None,
    max_rejects: MaxRejectsOption = "1%",
    memory: MemoryOption = "600MB",
    series: SeriesOption = None,
    show_plan: PlanOption = False,
    project: ProjectOption = None,
    store: StoreOption = None,
) -> int:
    """Read event files into the store, each exactly once.

    Examples
    --------
    metricsctl ingest events/ --final
    metricsctl ingest payment_log.ndjson.gz --atomic --rejects rejected.jsonl --max-rejects 100
    metricsctl ingest --series all

    See Also
    --------
    query, store, list
    """
    import sys

    from metricsctl.cli.project import load_project, store_folder
    from metricsctl.core.errors import UsageError
    from metricsctl.ingest.run import IngestOptions
    from metricsctl.ingest.run import ingest as run

    options = IngestOptions(
        source=source,
        final=final,
        rebuild=rebuild,
        dry_run=dry_run,
        atomic=atomic,
        drop_late=late is Late.DROP,
        rejects=rejects,
        max_rejects=max_rejects,
        memory=_bytes(memory),
    )
    if show_plan:
        return _plan(out, project)
    if series is not None:
        return _bring(out, series, paths, project, store, max_rejects)
    if not paths:
        raise UsageError("no event file is named", hint="give files, folders, globs or -; or --series all")
    began = time.monotonic()
    report = run(load_project(project), paths, store_folder(project, store), options, stdin=sys.stdin.buffer, progress=out.progress)
    out.write(report)
    out.note(_summary(report, time.monotonic() - began))
    return DATA_ERROR if report.over_limit or report.incomplete else 0


def _plan(out: Output, project: Path | None) -> int:
    """`ingest --show-plan`."""
    from metricsctl.cli.project import load_project
    from metricsctl.plan.build import build
    from metricsctl.plan.shown import shown_plan

    out.write(shown_plan(build(load_project(project))))
    return 0


def _bring(out: Output, series: list[str], paths: list[str] | None, project: Path | None, store: Path | None, max_rejects: str) -> int:
    """`ingest --series`."""
    from metricsctl.cli.options import words
    from metricsctl.cli.project import load_project, store_folder
    from metricsctl.core.errors import UsageError
    from metricsctl.ingest.external import bring

    if paths:
        raise UsageError("--series brings series from their own files", hint="ingest event files by a command of their own")
    names = words(series)
    report = bring(load_project(project), store_folder(project, store), [] if names == ["all"] else names, max_rejects=max_rejects)
    out.write(report)
    return DATA_ERROR if report.over_limit else 0


def _bytes(text: str) -> int:
    from metricsctl.core.errors import UsageError
    from metricsctl.core.sizes import parse_size

    try:
        return parse_size(text)
    except ValueError as error:
        raise UsageError(f"--memory: {error}", hint="for example 600MB, 2GB") from error


def _summary(report: IngestReport, seconds: float) -> str:
    """The run in one line."""
    files = f"{len(report.files):,} file" + ("s" if len(report.files) != 1 else "")
    speed = f" in {seconds:.1f} s ({report.rows / max(seconds, 1e-3):,.0f} events/s)" if report.rows else ""
    if not (report.changed or report.dry_run or report.over_limit):
        return f"nothing new in {files}: the store is as it was"
    events = f"{report.rows:,} event" + ("s" if report.rows != 1 else "")
    written = "dry run: nothing written" if report.dry_run else f"{sum(report.published.values()):,} states written to {report.store}"
    over = f"; {report.rejected:,} rejected, more than --max-rejects {report.max_rejects} allows" if report.over_limit else ""
    return f"{events} from {files}{speed}; {written}{over}"
