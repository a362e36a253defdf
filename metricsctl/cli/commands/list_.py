"""`metricsctl list`."""

from __future__ import annotations

from typing import Annotated

import typer

from metricsctl.cli.io import Output
from metricsctl.cli.options import ProjectOption
from metricsctl.cli.verb import verb

__all__ = ["list_"]

KindArgument = Annotated[
    str | None,
    typer.Argument(metavar="[KIND]", help="metrics, sources, models, dimensions or exposures; default: all.", show_default=False),
]


@verb("table", "json")
def list_(out: Output, kind: KindArgument = None, project: ProjectOption = None) -> None:
    """List what a project defines.

    Examples
    --------
    metricsctl list
    metricsctl list metrics
    metricsctl list sources --format json | jq '.data.entries[].name'

    See Also
    --------
    describe, lineage
    """
    from metricsctl.cli.project import load_project
    from metricsctl.definition.catalogue import catalogue, kind_of

    wanted = kind_of(kind)
    out.write(catalogue(load_project(project), wanted))
