"""`metricsctl explain`."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from metricsctl.cli import complete
from metricsctl.cli.io import Output
from metricsctl.cli.options import ProjectOption, StoreOption
from metricsctl.cli.verb import one_of, verb

__all__ = ["explain"]

MetricArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[METRIC]",
        help="The metric that moved. Default: the one with the worst open anomaly.",
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
PlotOption = Annotated[bool, typer.Option("--plot", help="Begin the text with the curve of the metric and what was expected.")]
PlotFileOption = Annotated[
    Path | None,
    typer.Option("--plot-file", metavar="F.svg", help="Draw the lineage with what moved coloured: .svg, .png or .dot.", show_default=False),
]


@verb("text", "json", "markdown")
def explain(
    out: Output,
    metric: MetricArgument = None,
    at: AtOption = None,
    anomaly: AnomalyOption = None,
    plot: PlotOption = False,
    plot_file: PlotFileOption = None,
    project: ProjectOption = None,
    store: StoreOption = None,
) -> None:
    """Say why a metric moved: data faults, inputs, segments, upstream nodes and changes, ranked with their evidence.

    Examples
    --------
    metricsctl explain
    metricsctl explain ctr --at 2026-11-20T14:00Z --plot --plot-file why.svg
    metricsctl explain --anomaly EP-3f2a1c --format markdown -o why.md

    See Also
    --------
    detect, changes, lineage, query
    """
    from metricsctl.cli.project import cache_folder, load_project, locate, store_folder
    from metricsctl.explain.run import explain as run

    kind = None if plot_file is None else one_of("the ending of --plot-file", plot_file.suffix.removeprefix("."), ("svg", "png", "dot"))
    found = run(load_project(project), store_folder(project, store), metric, at=at, episode=anomaly, folder=cache_folder(locate(project)))
    if kind is not None and plot_file is not None:
        from metricsctl.render.explain_picture import picture

        out.file(plot_file, picture(found, kind))
    out.write(dataclasses.replace(found, plotted=plot))
