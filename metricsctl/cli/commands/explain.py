"""`metricsctl explain`."""

from __future__ import annotations

from typing import Annotated

import typer

from metricsctl.cli import complete
from metricsctl.cli.io import Output
from metricsctl.cli.options import ProjectOption, StoreOption
from metricsctl.cli.verb import verb

__all__ = ["explain"]

MetricArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[METRIC]",
        help="The metric that moved. Default: the one with the worst anomaly.",
        show_default=False,
        autocompletion=complete.metrics,
    ),
]
AtOption = Annotated[
    str | None,
    typer.Option(
        "--at", metavar="T", help="When: 2026-11-20T14:00Z, or a date for its whole day. Default: the worst anomaly.", show_default=False
    ),
]
AnomalyOption = Annotated[
    str | None,
    typer.Option("--anomaly", metavar="ID", help="The anomaly with this id, as `detect --emit episodes` shows it.", show_default=False),
]


@verb("text", "json", "markdown")
def explain(
    out: Output,
    metric: MetricArgument = None,
    at: AtOption = None,
    anomaly: AnomalyOption = None,
    project: ProjectOption = None,
    store: StoreOption = None,
) -> None:
    """Say why a metric moved: data faults, inputs, segments, upstream nodes and changes, ranked with their evidence.

    Examples
    --------
    metricsctl explain
    metricsctl explain ctr --at 2026-11-20T14:00Z
    metricsctl explain --anomaly EP-3f2a1c --format markdown -o why.md

    See Also
    --------
    detect, changes, lineage, query
    """
    from metricsctl.cli.project import load_project, store_folder
    from metricsctl.explain.run import explain as run

    out.write(run(load_project(project), store_folder(project, store), metric, at=at, episode=anomaly))
