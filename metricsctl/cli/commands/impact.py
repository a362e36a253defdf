"""`metricsctl impact`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from metricsctl.cli import complete
from metricsctl.cli.io import Output
from metricsctl.cli.options import ProjectOption
from metricsctl.cli.verb import verb
from metricsctl.core.errors import UsageError

__all__ = ["impact"]

DATA_ERROR = 3
BaseOption = Annotated[
    str | None,
    typer.Option("--base", metavar="REF|DIR", help="Compare with the merge base of a git ref, or with a folder.", show_default=False),
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
WhyOption = Annotated[str | None, typer.Option("--why", metavar="M", help="Show every path to this metric.", show_default=False)]
FailOnOption = Annotated[
    str | None,
    typer.Option(
        "--fail-on",
        metavar="low|medium|high|critical|breaking|score:N",
        help="Exit 1 at or over this, or if a gate fires.",
        show_default=False,
    ),
]


@verb("tree", "table", "markdown", "json")
def impact(
    out: Output,
    *,
    base: BaseOption = None,
    change: ChangeOption = None,
    metric: MetricOption = None,
    source: SourceOption = None,
    why: WhyOption = None,
    fail_on: FailOnOption = None,
    project: ProjectOption = None,
) -> int:
    """Show which numbers a change moves, and prove the others untouched.

    Examples
    --------
    metricsctl impact --base main
    metricsctl impact --base origin/main --fail-on high --format markdown -o impact.md
    metricsctl impact --change deploy.json --why revenue

    See Also
    --------
    lineage, changes, lint
    """
    from metricsctl.cli.project import is_excluded, load_project, locate
    from metricsctl.impact.ask import ask
    from metricsctl.lint.engine import check

    threshold = _threshold(fail_on)
    location = locate(project)
    root, globs = location.config.folder or Path.cwd(), location.config.get("exclude")
    report = ask(
        load_project(project),
        location.paths,
        check=check,
        keep=lambda file: not is_excluded(file, root, globs),
        base=base,
        change=change,
        metric=metric,
        source=source,
        why=why,
    )
    out.write(report)
    if out.format in {"json", "markdown"}:  # the others begin with it
        out.note(f"{report.verdict}; score {report.score:.0f} ({report.level})")
    if report.findings:
        return DATA_ERROR
    failure = None if threshold is None else report.failure(threshold)
    if failure is not None:
        out.note(f"exit 1: {failure}")
    return int(failure is not None)


def _threshold(fail_on: str | None) -> str | None:
    """`--fail-on` as it may be; UsageError else."""
    from metricsctl.impact.score import LEVELS

    if fail_on is None or fail_on in {*LEVELS, "breaking"} or re.fullmatch(r"score:\d+(\.\d+)?", fail_on):
        return fail_on
    raise UsageError(f"--fail-on cannot be '{fail_on}'", hint="one of low, medium, high, critical, breaking, score:N")
