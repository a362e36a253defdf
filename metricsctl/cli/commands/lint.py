"""`metricsctl lint`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from metricsctl.cli.io import Output
from metricsctl.cli.options import ProjectOption, words
from metricsctl.cli.verb import verb

__all__ = ["lint"]

PathsArgument = Annotated[
    list[Path] | None, typer.Argument(metavar="[PATH]...", help="Files and folders; default: the project.", show_default=False)
]
SelectOption = Annotated[
    list[str] | None, typer.Option("--select", metavar="M1,M4", help="Run only rules that begin so.", show_default=False)
]
IgnoreOption = Annotated[
    list[str] | None, typer.Option("--ignore", metavar="M106", help="Leave out rules that begin so.", show_default=False)
]
FailOnOption = Annotated[
    str | None,
    typer.Option(
        "--fail-on", metavar="error|warning|info", help="The least severity that exits with 1; default: error.", show_default=False
    ),
]
DepthOption = Annotated[
    int | None,
    typer.Option("--max-depth", metavar="N", min=1, help="How deep metrics may stand on each other; default: 10.", show_default=False),
]


@verb("text", "concise", "json", "jsonl", "github")
def lint(
    out: Output,
    *,
    paths: PathsArgument = None,
    select: SelectOption = None,
    ignore: IgnoreOption = None,
    fail_on: FailOnOption = None,
    max_depth: DepthOption = None,
    project: ProjectOption = None,
) -> int:
    """Check metric definitions.

    Examples
    --------
    metricsctl lint
    metricsctl lint metrics/ --select M1,M4 --fail-on warning
    metricsctl lint --format github

    See Also
    --------
    rule, describe, lineage
    """
    from metricsctl.cli.config import FAIL_ON
    from metricsctl.cli.project import locate, read_definitions
    from metricsctl.cli.verb import one_of
    from metricsctl.core.diagnostics import Severity
    from metricsctl.core.errors import UsageError
    from metricsctl.lint.engine import run
    from metricsctl.lint.facts import Settings

    if paths and project is not None:
        raise UsageError("both PATH and --project are given", hint="name the definitions once")
    location = locate(project)
    config = location.config
    threshold = Severity(one_of("--fail-on", fail_on or config.get("lint.fail_on"), FAIL_ON))
    report = run(
        read_definitions(paths or location.paths, config),
        select=words(select) or config.get("lint.select"),
        ignore=words(ignore) or config.get("lint.ignore"),
        settings=Settings(max_depth=max_depth or config.get("lint.max_depth")),
    )
    out.write(report)
    out.note(report.summary())
    return int(report.fails(threshold))
