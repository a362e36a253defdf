"""`metricsctl query`."""

from __future__ import annotations

from typing import Annotated

import typer

from metricsctl.cli import complete
from metricsctl.cli.io import Output
from metricsctl.cli.options import ProjectOption, StoreOption, words
from metricsctl.cli.verb import verb

__all__ = ["query"]

MetricsArgument = Annotated[list[str], typer.Argument(metavar="METRIC ...", help="Metrics to compute.", autocompletion=complete.metrics)]
ByOption = Annotated[list[str] | None, typer.Option("--by", metavar="D,...", help="Split by these dimensions.", show_default=False)]
GrainOption = Annotated[
    str | None, typer.Option("--grain", metavar="G", help="Length of a window: 1h, 1d, 1w, 1mo ... Default: as stored.", show_default=False)
]
SinceOption = Annotated[
    str | None,
    typer.Option("--since", metavar="T", help="From T on: 2026-11-20, or 7d back from the watermark.", show_default=False),
]
UntilOption = Annotated[str | None, typer.Option("--until", metavar="T", help="Up to T, exclusive.", show_default=False)]
WhereOption = Annotated[str | None, typer.Option("--where", metavar="EXPR", help="Condition over dimensions, as SQL.", show_default=False)]


@verb("table", "json", "jsonl", "csv", "parquet")
def query(
    out: Output,
    metrics: MetricsArgument,
    by: ByOption = None,
    grain: GrainOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    where: WhereOption = None,
    project: ProjectOption = None,
    store: StoreOption = None,
) -> None:
    """Compute metrics at any grain, split and period that the store allows.

    Examples
    --------
    metricsctl query revenue ctr --grain 1d --since 7d
    metricsctl query revenue --by country --where "country IN ('DE', 'FR')"
    metricsctl query ctr --grain 1h --format csv -o ctr.csv

    See Also
    --------
    ingest, describe, store
    """
    from metricsctl.cli.project import load_project, store_folder
    from metricsctl.core.errors import UsageError
    from metricsctl.core.timegrid import Grain
    from metricsctl.query.run import QueryOptions
    from metricsctl.query.run import query as run

    try:
        length = None if grain is None else Grain.parse(grain)
    except ValueError as error:
        raise UsageError(f"--grain: {error}", hint="for example 1h, 1d, 1w, 1mo") from error
    options = QueryOptions(by=tuple(words(by)), grain=length, since=since, until=until, where=where)
    names = words(metrics)
    out.write(run(load_project(project), store_folder(project, store), names, options))
