"""`metricsctl drill`."""

from __future__ import annotations

from typing import Annotated

import typer

from metricsctl.cli.io import Output
from metricsctl.cli.options import ProjectOption, StoreOption, words
from metricsctl.cli.verb import verb

__all__ = ["drill"]

FaultsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--faults",
        metavar="F,...",
        help="lost-segment, unit, duplicates, late-source, null-column. Default: all.",
        show_default=False,
    ),
]
SinceOption = Annotated[
    str | None,
    typer.Option(
        "--since", metavar="T", help="Plant from T on: 2026-11-20, or 14d back. Default: in the last three weeks.", show_default=False
    ),
]


@verb("table", "json", "markdown")
def drill(
    out: Output, faults: FaultsOption = None, since: SinceOption = None, project: ProjectOption = None, store: StoreOption = None
) -> None:
    """Plant faults in the project's own history, and say what would have been caught, how soon, and what is blind.

    Examples
    --------
    metricsctl drill
    metricsctl drill --faults unit,late-source --since 14d
    metricsctl drill --format markdown -o drill.md

    See Also
    --------
    detect, explain, test
    """
    from metricsctl.cli.project import load_project, store_folder
    from metricsctl.drill.run import drill as run

    out.write(run(load_project(project), store_folder(project, store), words(faults), since=since, progress=out.progress))
