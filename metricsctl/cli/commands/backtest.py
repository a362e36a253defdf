"""`metricsctl backtest`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from metricsctl.cli.commands.detect import (
    BudgetOption,
    ByOption,
    InputOption,
    MetricsArgument,
    SinceOption,
    TimeColumnOption,
    UntilOption,
    ValueColumnOption,
)
from metricsctl.cli.io import Output
from metricsctl.cli.options import ProjectOption, StoreOption, words
from metricsctl.cli.verb import one_of, verb
from metricsctl.core.errors import UsageError

__all__ = ["backtest"]

LabelsOption = Annotated[
    Path | None,
    typer.Option(
        "--labels", metavar="FILE", help="A table with the columns metric,start,end. Default: the project's labels.csv.", show_default=False
    ),
]
DetectorsOption = Annotated[
    list[str] | None,
    typer.Option("--detector", metavar="NAME,...", help="Detectors to compare, or all. Default: auto.", show_default=False),
]


@verb("table", "json")
def backtest(
    out: Output,
    metrics: MetricsArgument = None,
    labels: LabelsOption = None,
    detector: DetectorsOption = None,
    by: ByOption = None,
    budget: BudgetOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    input_: InputOption = None,
    time_column: TimeColumnOption = None,
    value_column: ValueColumnOption = None,
    project: ProjectOption = None,
    store: StoreOption = None,
) -> None:
    """Score detectors on the past by its labels: incidents found, precision, recall, F1, delay, alarms a week.

    Examples
    --------
    metricsctl backtest
    metricsctl backtest revenue --detector auto,robust_z,jump --budget 1/week
    metricsctl backtest --input cpu.csv --labels outages.csv --detector all

    See Also
    --------
    label, detect, drill
    """
    from metricsctl.detect.backtest import backtest as of_metrics
    from metricsctl.detect.backtest import backtest_frame
    from metricsctl.detect.budget import Budget
    from metricsctl.detect.labels import LABELS_FILE, read_labels
    from metricsctl.detect.registry import names
    from metricsctl.detect.run import DetectOptions

    asked = words(detector) or ["auto"]
    detectors = list(names()) if asked == ["all"] else [one_of("--detector", name, names()) for name in asked]
    options = DetectOptions(by=tuple(words(by)), since=since, until=until, budget=None if budget is None else Budget.parse(budget))
    if labels is not None and not labels.is_file():
        raise UsageError(f"no such file: {labels}", hint="a table with the columns metric,start,end")
    if input_ is not None:
        if labels is None:
            raise UsageError("of a bare series no labels are known", hint="name their file with --labels")
        found = read_labels(labels)
        out.write(backtest_frame(input_, found, detectors, time=time_column, value=value_column, options=options, progress=out.progress))
        return
    from metricsctl.cli.project import load_project, store_folder

    asked_project = load_project(project)
    found = read_labels(labels or asked_project.folder / LABELS_FILE)
    out.write(of_metrics(asked_project, store_folder(project, store), found, words(metrics), detectors, options, out.progress))
