"""`metricsctl impact`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from metricsctl.cli import complete
from metricsctl.cli.help import purpose_and_epilog
from metricsctl.cli.io import Output
from metricsctl.cli.options import ProjectOption, StoreOption
from metricsctl.cli.verb import verb
from metricsctl.core.errors import UsageError

if TYPE_CHECKING:
    from metricsctl.definition.project import Project
    from metricsctl.impact.report import ImpactReport

__all__ = ["impact"]

DATA_ERROR = 3
BaseOption = Annotated[
    str | None,
    typer.Option("--base", metavar="REF|DIR", help="Compare with the merge base of a git ref, or with a folder.", show_default=False),
]
HeadOption = Annotated[
    str | None,
    typer.Option(
        "--head", metavar="REF|:index", help="What is compared: a commit, or what is staged. Default: the working tree.", show_default=False
    ),
]
ChangeOption = Annotated[
    Path | None, typer.Option("--change", metavar="FILE", help="What the change events in a file may move.", show_default=False)
]
MetricOption = Annotated[
    str | None,
    typer.Option("--metric", metavar="M", help="What moves if this metric does.", show_default=False, autocompletion=complete.metrics),
]
SourceOption = Annotated[
    str | None,
    typer.Option(
        "--source", metavar="S", help="What moves if this source or model does.", show_default=False, autocompletion=complete.sources
    ),
]
SampleOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--sample", metavar="PATH", help="Run both versions on these events, and say by how much they differ.", show_default=False
    ),
]
WriteTestOption = Annotated[
    bool, typer.Option("--write-test", help="Write the fewest rows on which they differ into the definitions, as tests.")
]
ObserveOption = Annotated[bool, typer.Option("--observe", help="Show which metrics of the store really moved after the change events.")]
WhyOption = Annotated[
    str | None, typer.Option("--why", metavar="M", help="Show every path to this metric, dashboard, SLO ...", show_default=False)
]
WhyNotOption = Annotated[
    str | None,
    typer.Option("--why-not", metavar="M", help="Show why this one does not move.", show_default=False, autocompletion=complete.metrics),
]
CoverageOption = Annotated[
    str | None,
    typer.Option("--min-coverage", metavar="P%", help="Exit 1 if fewer of the models' columns are traced exactly.", show_default=False),
]
FailOnOption = Annotated[
    str | None,
    typer.Option(
        "--fail-on",
        metavar="low|medium|high|critical|breaking|score:N",
        help="Exit 1 at or over this, or if a gate fires.",
        show_default=False,
    ),
]
HistoryOption = Annotated[
    str, typer.Option("--history", metavar="24mo", help="How far back: months (mo), weeks (w), days (d) or years (y).")
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only show what would be written.")]


@verb("tree", "table", "markdown", "json", "github", "sarif", "junit", name="impact")
def ask(
    out: Output,
    *,
    context: typer.Context,
    base: BaseOption = None,
    head: HeadOption = None,
    change: ChangeOption = None,
    metric: MetricOption = None,
    source: SourceOption = None,
    sample: SampleOption = None,
    write_test: WriteTestOption = False,
    observe: ObserveOption = False,
    why: WhyOption = None,
    why_not: WhyNotOption = None,
    min_coverage: CoverageOption = None,
    fail_on: FailOnOption = None,
    project: ProjectOption = None,
    store: StoreOption = None,
) -> int:
    """Show which numbers a change moves, and prove the others untouched.

    Examples
    --------
    metricsctl impact --base origin/main --fail-on high --format markdown -o impact.md
    metricsctl impact --base main --sample events/ --write-test
    metricsctl impact --change deploy.json --observe

    See Also
    --------
    lineage, changes, lint
    """
    if context.invoked_subcommand is not None:
        return 0
    from metricsctl.cli.project import cache_folder, is_excluded, load_project, locate, store_folder
    from metricsctl.impact.ask import ask as run
    from metricsctl.impact.run import Options
    from metricsctl.lint.engine import check

    threshold, least = _threshold(fail_on), _share(min_coverage)
    location = locate(project)
    root, globs = location.config.folder or Path.cwd(), location.config.get("exclude")
    if write_test and head is not None:
        raise UsageError("--write-test writes into the working tree, which --head leaves out", hint="leave one of them out")
    report = run(
        lambda: load_project(project),
        location.paths,
        check=check,
        keep=lambda file: not is_excluded(file, root, globs),
        base=base,
        head=head,
        change=change,
        metric=metric,
        source=source,
        cache=cache_folder(location),
        sample=[str(path) for path in sample or ()] if sample or write_test else None,
        observe=store_folder(project, store) if observe else None,
        progress=out.progress,
        options=Options(why, why_not, k=location.config.get("impact.k"), min_coverage=least, fail_on=threshold),
    )
    out.write(report)
    if out.format in {"json", "markdown", "github", "sarif", "junit"}:  # the others begin with it
        out.note(f"{report.verdict}; score {report.score:.0f} ({report.level})")
    if write_test:
        _write_tests(out, report, load_project(project))
    if report.malformed:
        return DATA_ERROR
    uncovered = any(gate.name == "coverage" for gate in report.gates)
    failure = report.failure(threshold) if threshold is not None else "too little is traced exactly" if uncovered else None
    if failure is not None:
        out.note(f"exit 1: {failure}")
    return int(failure is not None)


def _write_tests(out: Output, report: ImpactReport, project: Project) -> None:
    """Write the witnesses into the definitions, and say where."""
    from metricsctl.cli.io import replace_file
    from metricsctl.impact.ask import as_tests
    from metricsctl.testing.write import with_tests

    tests = as_tests(report, project)
    written = with_tests(project, tests)
    for path, text in written.items():
        replace_file(path, text.encode())
        out.note(f"tests written into {path}")
    if not written:
        out.note("the tests are there already" if tests else "no test is written: no rows were found on which old and new differ")


def _threshold(fail_on: str | None) -> str | None:
    """`--fail-on` as it may be; UsageError else."""
    from metricsctl.impact.score import LEVELS

    if fail_on is None or fail_on in {*LEVELS, "breaking"} or re.fullmatch(r"score:\d+(\.\d+)?", fail_on):
        return fail_on
    raise UsageError(f"--fail-on cannot be '{fail_on}'", hint="one of low, medium, high, critical, breaking, score:N")


def _share(text: str | None) -> float | None:
    """`--min-coverage` as a share; UsageError else."""
    if text is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", text.strip())
    if found is None or float(found[1]) > 100:
        raise UsageError(f"--min-coverage cannot be '{text}'", hint="a share of the columns, such as 90%")
    return float(found[1]) / 100


@verb("table", "json", name="impact-calibrate")
def calibrate(out: Output, history: HistoryOption = "24mo", dry_run: DryRunOption = False, project: ProjectOption = None) -> int:
    """Fit the scale of the score to what past commits moved, so that one in twenty is high.

    Examples
    --------
    metricsctl impact calibrate
    metricsctl impact calibrate --history 12mo --dry-run
    metricsctl impact calibrate --format json | jq .data.k

    See Also
    --------
    lineage, lint
    """
    from metricsctl.cli.config import write_setting
    from metricsctl.cli.project import is_excluded, locate
    from metricsctl.impact.calibrate import calibrate as run
    from metricsctl.lint.engine import check

    location = locate(project)
    root, globs = location.config.folder or Path.cwd(), location.config.get("exclude")
    report = run(location.paths, history, check=check, keep=lambda file: not is_excluded(file, root, globs))
    out.write(report)
    if report.k is not None and not dry_run:
        file = write_setting(location.config, location.folder, "impact.k", round(report.k, 1))
        out.note(f"k = {report.k:.1f} is in {file}")
    return 0


_PURPOSE, _EPILOG = purpose_and_epilog(ask.__doc__ or "")
impact = typer.Typer(name="impact", help=_PURPOSE, epilog=_EPILOG, callback=ask, invoke_without_command=True)
impact.command("calibrate")(calibrate)
