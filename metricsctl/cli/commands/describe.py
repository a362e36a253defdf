"""`metricsctl describe`."""

from __future__ import annotations

from typing import Annotated

import typer

from metricsctl.cli import complete
from metricsctl.cli.io import Output
from metricsctl.cli.options import ProjectOption
from metricsctl.cli.verb import verb

__all__ = ["describe"]

NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="A metric, source, model, dimension or exposure; or kind:name.", autocompletion=complete.nodes)
]


@verb("table", "json")
def describe(out: Output, name: NameArgument, project: ProjectOption = None) -> None:
    """Show everything that is known of a metric, source, model, dimension or exposure.

    Examples
    --------
    metricsctl describe revenue
    metricsctl describe source:payment_log
    metricsctl describe ctr --format json

    See Also
    --------
    list, lineage, query
    """
    from metricsctl.cli.project import load_project
    from metricsctl.definition.catalogue import describe as described

    out.write(described(load_project(project), name))
