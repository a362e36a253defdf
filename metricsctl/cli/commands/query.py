"""`metricsctl query`."""

from __future__ import annotations

import dataclasses
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

OrderOption = Annotated[
    str | None,
    typer.Option("--order", metavar="X", help="Order points by value, time or a dimension; -value: the largest first.", show_default=False),
]
LimitOption = Annotated[int | None, typer.Option("--limit", metavar="N", min=1, help="Only N points of each metric.", show_default=False)]
AsOfOption = Annotated[
    str | None,
    typer.Option("--as-of", metavar="T", help="Series that live elsewhere as they were known at T: a time, or 7d ago.", show_default=False),
]
PlotOption = Annotated[bool, typer.Option("--plot", help="Draw each series above the table.")]
ShowSqlOption = Annotated[bool, typer.Option("--show-sql", help="Print the SQL that is run on the store instead of its result.")]


@verb("table", "json", "jsonl", "csv", "parquet")
def query(
    out: Output,
    metrics: MetricsArgument,
    by: ByOption = None,
    grain: GrainOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    where: WhereOption = None,
    order: OrderOption = None,
    limit: LimitOption = None,
    as_of: AsOfOption = None,
    plot: PlotOption = False,
    show_sql: ShowSqlOption = False,
    project: ProjectOption = None,
    store: StoreOption = None,
) -> None:
    """Compute metrics at any grain, split and period that the store allows.

    Examples
    --------
    metricsctl query revenue ctr --grain 1d --since 7d
    metricsctl query revenue --by country --where "country IN ('DE', 'FR')" --order -value --limit 10
    metricsctl query ctr --grain 1h --format csv -o ctr.csv

    See Also
    --------
    ingest, describe, store
    """
    from metricsctl.cli.project import load_project, store_folder
    from metricsctl.core.errors import UsageError
    from metricsctl.core.timegrid import Grain
    from metricsctl.query.run import QueryOptions, shown_sql
    from metricsctl.query.run import query as run

    if (plot and out.format != "table") or (show_sql and out.format not in {"table", "json"}):
        allowed = "--format table" if plot else "--format table or json"
        raise UsageError(f"--{'plot' if plot else 'show-sql'} goes with {allowed}", hint="leave one of the two away")
    try:
        length = None if grain is None else Grain.parse(grain)
    except ValueError as error:
        raise UsageError(f"--grain: {error}", hint="for example 1h, 1d, 1w, 1mo") from error
    options = QueryOptions(
        by=tuple(words(by)), grain=length, since=since, until=until, where=where, fill=True, order=order, limit=limit, as_of=as_of
    )
    definitions, folder, names = load_project(project), store_folder(project, store), words(metrics)
    if show_sql:
        out.write(shown_sql(definitions, folder, names, options))
    else:
        out.write(dataclasses.replace(run(definitions, folder, names, options), plotted=plot))
