"""`metricsctl test`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from metricsctl.cli.io import Output
from metricsctl.cli.options import ProjectOption, words
from metricsctl.cli.verb import verb

__all__ = ["test"]

PathsArgument = Annotated[
    list[Path] | None, typer.Argument(metavar="[PATH]...", help="Files and folders; default: the project.", show_default=False)
]
NameOption = Annotated[
    list[str] | None,
    typer.Option("--name", "-k", metavar="TEXT,...", help="Only tests whose names hold one of these.", show_default=False),
]


@verb("text", "json", "junit")
def test(out: Output, *, paths: PathsArgument = None, name: NameOption = None, project: ProjectOption = None) -> int:
    """Run the tests of metrics: events in, expected points out.

    Examples
    --------
    metricsctl test
    metricsctl test metrics/ -k refunds
    metricsctl test --format junit -o report.xml

    See Also
    --------
    lint, ingest, query
    """
    from metricsctl.cli.project import locate, read_definitions
    from metricsctl.core.errors import UsageError
    from metricsctl.lint.engine import check
    from metricsctl.testing.run import run_tests

    if paths and project is not None:
        raise UsageError("both PATH and --project are given", hint="name the definitions once")
    location = locate(project)
    definitions = check(read_definitions(paths or location.paths, location.config))
    report = run_tests(definitions, words(name), progress=out.progress)
    out.write(report)
    out.note(report.summary() if report.results else "there are no tests; write some under `tests:`")
    return int(not report.passed)
