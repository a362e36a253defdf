"""`metricsctl store`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from metricsctl.cli.io import Output
from metricsctl.cli.options import ProjectOption, StoreOption, words
from metricsctl.cli.verb import one_of, verb

__all__ = ["store"]

DATA_ERROR = 3
RollupsArgument = Annotated[
    list[str] | None, typer.Argument(metavar="[ROLLUP ...]", help="Rollups, as `store info` names them. Default: all.", show_default=False)
]


@verb("table", "json", name="store")
def info(out: Output, project: ProjectOption = None, store: StoreOption = None) -> None:
    """Show what a store holds: sources with their watermarks, tables, files, bytes.

    Examples
    --------
    metricsctl store info
    metricsctl store info --store /data/metrics
    metricsctl store info --format json | jq .data.seq

    See Also
    --------
    ingest, query
    """
    from metricsctl.cli.project import store_folder
    from metricsctl.store.info import info as run

    out.write(run(store_folder(project, store)))


@verb("table", "json", name="store-verify")
def verify(out: Output, project: ProjectOption = None, store: StoreOption = None) -> int:
    """Check a store: the writer's state, the published tables and the head must agree, and every file must be readable.

    Examples
    --------
    metricsctl store verify
    metricsctl store verify --store /data/metrics
    metricsctl store verify --format json | jq .data.problems

    See Also
    --------
    ingest, query
    """
    from metricsctl.cli.project import store_folder
    from metricsctl.store.info import verify as run

    report = run(store_folder(project, store))
    out.write(report)
    return 0 if report.ok else DATA_ERROR


@verb("table", "json", name="store-compact")
def compact(out: Output, rollups: RollupsArgument = None, project: ProjectOption = None, store: StoreOption = None) -> None:
    """Merge the partial states of each rollup into few files: the same answers, sooner.

    Examples
    --------
    metricsctl store compact
    metricsctl store compact payment_log_1h_3f2a9c10
    metricsctl store compact --store /data/metrics --format json

    See Also
    --------
    ingest, query
    """
    from metricsctl.cli.project import store_folder
    from metricsctl.store.maintain import compact_tables

    out.write(compact_tables(store_folder(project, store), words(rollups)))


KeepOption = Annotated[str, typer.Option("--keep", metavar="T", help="Keep what left its table less than T ago; at least 168h.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Say what would be removed, and remove nothing.")]


@verb("table", "json", name="store-vacuum")
def vacuum(
    out: Output, keep: KeepOption = "168h", dry_run: DryRunOption = False, project: ProjectOption = None, store: StoreOption = None
) -> None:
    """Remove files that are no longer part of any rollup, once no reader can need them.

    Examples
    --------
    metricsctl store vacuum
    metricsctl store vacuum --dry-run
    metricsctl store vacuum --keep 30d --store /data/metrics

    See Also
    --------
    ingest, query
    """
    from metricsctl.cli.project import store_folder
    from metricsctl.store.maintain import vacuum as run

    out.write(run(store_folder(project, store), _hours(keep), dry_run=dry_run))


def _hours(text: str) -> int:
    from metricsctl.core.durations import Duration
    from metricsctl.core.errors import UsageError
    from metricsctl.store.maintain import KEEP_HOURS

    try:
        hours = Duration.parse(text).microseconds // 3_600_000_000
    except ValueError as error:
        raise UsageError(f"--keep: {error}", hint="for example 168h, 30d") from error
    if hours < KEEP_HOURS:
        raise UsageError(f"--keep {text} is less than {KEEP_HOURS}h: a reader might still be at work", hint=f"at least {KEEP_HOURS}h")
    return hours


FolderOption = Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="New folder for the files.")]
AsOption = Annotated[str, typer.Option("--as", metavar="parquet|csv", help="What the files are.")]


@verb("table", "json", name="store-export", own_output=True)
def export(
    out: Output,
    folder: FolderOption,
    rollups: RollupsArgument = None,
    as_: AsOption = "parquet",
    project: ProjectOption = None,
    store: StoreOption = None,
) -> None:
    """Write the states of each rollup to a file of its own for other programs; values are what `query --format parquet` gives.

    Examples
    --------
    metricsctl store export -o exported/
    metricsctl store export payment_log_1h_3f2a9c10 -o exported/ --as csv
    metricsctl store export -o exported/ --format json

    See Also
    --------
    ingest, query
    """
    from metricsctl.cli.project import load_project, store_folder
    from metricsctl.plan.build import build
    from metricsctl.store.export import Form
    from metricsctl.store.export import export as run

    form: Form = "csv" if one_of("--as", as_, ("parquet", "csv")) == "csv" else "parquet"
    out.write(run(build(load_project(project)), store_folder(project, store), folder, form, words(rollups)))


NamesArgument = Annotated[list[str] | None, typer.Argument(metavar="[NAME ...]", help="Rollups or metrics.", show_default=False)]
UnusedOption = Annotated[bool, typer.Option("--unused", help="All that no metric of the definitions uses.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Do it; only a rebuild brings the states back.")]


@verb("table", "json", name="store-drop")
def drop(
    out: Output,
    names: NamesArgument = None,
    unused: UnusedOption = False,
    yes: YesOption = False,
    project: ProjectOption = None,
    store: StoreOption = None,
) -> None:
    """Drop rollups, the states of metrics, or what no metric uses any longer.

    Examples
    --------
    metricsctl store drop --unused --yes
    metricsctl store drop buyers --yes
    metricsctl store drop payment_log_1h_3f2a9c10 --yes

    See Also
    --------
    ingest, query
    """
    from metricsctl.cli.project import load_project, store_folder
    from metricsctl.core.errors import UsageError
    from metricsctl.plan.build import build
    from metricsctl.store.drop import drop as run

    report = run(build(load_project(project)), store_folder(project, store), words(names), unused=unused, yes=yes)
    if report.rollups and not report.done:
        raise UsageError(f"this drops {report.summary}", hint="say --yes; only `metricsctl ingest --rebuild` brings it back")
    out.write(report)


store = typer.Typer(name="store", help="Look into the store, check it, keep it small, take out what it holds.", no_args_is_help=True)
for command in (info, verify, compact, vacuum, export, drop):
    store.command(command.__name__)(command)
