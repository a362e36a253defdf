"""`metricsctl detect`."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from metricsctl.cli import complete
from metricsctl.cli.io import Output
from metricsctl.cli.options import ProjectOption, StoreOption, words
from metricsctl.cli.verb import one_of, verb
from metricsctl.core.errors import UsageError

if TYPE_CHECKING:
    from metricsctl.core.timegrid import Grain
    from metricsctl.detect.report import AnomalyReport
    from metricsctl.detect.run import DetectOptions

__all__ = ["detect"]

MetricsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="[METRIC ...]", help="Metrics to look at; default: all.", show_default=False, autocompletion=complete.metrics),
]
ByOption = Annotated[
    list[str] | None,
    typer.Option("--by", metavar="D,...", help="Split by these together. Default: by each dimension alone.", show_default=False),
]
GrainOption = Annotated[
    str | None, typer.Option("--grain", metavar="G", help="Length of a window: 1h, 1d ... Default: as stored.", show_default=False)
]
DetectorOption = Annotated[str, typer.Option("--detector", metavar="NAME", help="auto, or the name of a detector.")]
BudgetOption = Annotated[
    str | None,
    typer.Option(
        "--budget",
        metavar="N/PERIOD",
        help="False alarms that a metric may give over all its series: 1/week, 2/30d ... Default: its `watch:`, else 1/year.",
        show_default=False,
    ),
]
SinceOption = Annotated[
    str | None,
    typer.Option(
        "--since", metavar="T", help="Only what was not over before T: 2026-11-20, or 7d back from the watermark.", show_default=False
    ),
]
UntilOption = Annotated[str | None, typer.Option("--until", metavar="T", help="Up to T, exclusive.", show_default=False)]
EmitOption = Annotated[str, typer.Option("--emit", metavar="WHAT", help="anomalies, episodes or scores.")]
FailOnOption = Annotated[
    str | None, typer.Option("--fail-on", metavar="anomaly|bad", help="Exit 1 if there is an anomaly, or a bad one.", show_default=False)
]
InputOption = Annotated[
    str | None,
    typer.Option(
        "--input", metavar="FILE", help="A bare series (CSV, NDJSON, Parquet) instead of metrics; - is stdin.", show_default=False
    ),
]
TimeColumnOption = Annotated[
    str | None, typer.Option("--time-column", metavar="T", help="With --input: the column of the time.", show_default=False)
]
ValueColumnOption = Annotated[
    str | None, typer.Option("--value-column", metavar="V", help="With --input: the column of the value.", show_default=False)
]
PlotOption = Annotated[
    bool, typer.Option("--plot", help="Draw the series with anomalies above the table: values, what was expected, episodes, alerts.")
]
PlotFileOption = Annotated[
    Path | None,
    typer.Option("--plot-file", metavar="F", help="Draw them into a picture: .svg, or .png (by Graphviz).", show_default=False),
]


@verb("table", "json", "jsonl", "csv", "markdown")
def detect(
    out: Output,
    metrics: MetricsArgument = None,
    by: ByOption = None,
    grain: GrainOption = None,
    detector: DetectorOption = "auto",
    budget: BudgetOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    emit: EmitOption = "anomalies",
    fail_on: FailOnOption = None,
    input_: InputOption = None,
    time_column: TimeColumnOption = None,
    value_column: ValueColumnOption = None,
    plot: PlotOption = False,
    plot_file: PlotFileOption = None,
    project: ProjectOption = None,
    store: StoreOption = None,
) -> int:
    """Find anomalies in metrics and their segments, or in a bare series.

    Examples
    --------
    metricsctl detect --since 7d
    metricsctl detect revenue orders --by country --fail-on bad --plot --plot-file revenue.svg
    metricsctl detect --input cpu.csv --emit scores --format csv -o scores.csv

    See Also
    --------
    query, ingest, describe
    """
    from metricsctl.detect.budget import Budget
    from metricsctl.detect.registry import names
    from metricsctl.detect.report import EMITS, FAIL_ON
    from metricsctl.detect.run import DetectOptions

    options = DetectOptions(
        by=tuple(words(by)),
        detector=one_of("--detector", detector, names()),
        grain=_grain(grain),
        since=since,
        until=until,
        budget=None if budget is None else Budget.parse(budget),
        emit=EMITS[EMITS.index(one_of("--emit", emit, EMITS))],
    )
    if fail_on is not None:
        one_of("--fail-on", fail_on, FAIL_ON)
    if plot and out.format != "table":
        raise UsageError("--plot goes with --format table", hint="leave one of the two away, or draw into a file with --plot-file")
    kind = None if plot_file is None else one_of("the ending of --plot-file", plot_file.suffix.removeprefix("."), ("svg", "png"))
    if input_ is None:
        if time_column or value_column:
            raise UsageError("--time-column and --value-column describe a bare series", hint="name its file with --input")
        report = _of_metrics(out, words(metrics), options, project, store)
    else:
        report = _of_input(out, input_, words(metrics), options, (time_column, value_column))
    if kind is not None and plot_file is not None:
        from metricsctl.render.detect_picture import picture

        out.file(plot_file, picture(report, kind))
    out.write(dataclasses.replace(report, plotted=plot))
    return int(fail_on is not None and report.fails(fail_on))


def _grain(text: str | None) -> Grain | None:
    from metricsctl.core.timegrid import Grain

    try:
        return None if text is None else Grain.parse(text)
    except ValueError as error:
        raise UsageError(f"--grain: {error}", hint="for example 1h, 1d, 1w, 1mo") from error


def _of_metrics(out: Output, metrics: list[str], options: DetectOptions, project: Path | None, store: Path | None) -> AnomalyReport:
    from metricsctl.cli.project import cache_folder, load_project, locate, store_folder
    from metricsctl.detect.kept import keeping
    from metricsctl.detect.run import DetectOptions
    from metricsctl.detect.run import detect as run

    asked, folder = (load_project(project), store_folder(project, store)), cache_folder(locate(project))
    whole = not metrics and dataclasses.replace(options, emit="anomalies") == DetectOptions()  # `explain` begins with the worst of them
    return keeping(*asked, folder if whole else None, lambda: run(*asked, metrics, options, out.progress, folder))


def _of_input(out: Output, path: str, metrics: list[str], options: DetectOptions, columns: tuple[str | None, str | None]) -> AnomalyReport:
    from metricsctl.cli.project import user_cache
    from metricsctl.detect.run import detect_frame

    if metrics:
        raise UsageError(f"'{metrics[0]}': metrics are named for a project, not for a bare series", hint="--value-column names its column")
    if options.grain is not None:
        raise UsageError("--grain cannot be used with --input", hint="the windows are the rows of the file")
    time, value = columns
    return detect_frame(path, time=time, value=value, options=options, progress=out.progress, folder=user_cache())
