"""`metricsctl store`."""

from __future__ import annotations

import typer

from metricsctl.cli.io import Output
from metricsctl.cli.options import ProjectOption, StoreOption
from metricsctl.cli.verb import verb

__all__ = ["store"]

DATA_ERROR = 3


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


store = typer.Typer(name="store", help="Look into the store, and check it.", no_args_is_help=True)
store.command("info")(info)
store.command("verify")(verify)
