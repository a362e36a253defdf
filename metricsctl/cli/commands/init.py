"""`metricsctl init`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from metricsctl.cli.io import Output
from metricsctl.cli.verb import verb

__all__ = ["init"]

FolderArgument = Annotated[Path, typer.Argument(metavar="[DIR]", help="Where; it is made if it is not there.")]


@verb("table", "json")
def init(out: Output, folder: FolderArgument = Path()) -> None:
    """Write a first project: definitions, configuration, sample events.

    Examples
    --------
    metricsctl init
    metricsctl init shop
    metricsctl init shop --format json

    See Also
    --------
    lint, lineage, ingest, query
    """
    from metricsctl.definition.scaffold import write

    out.write(write(folder))
