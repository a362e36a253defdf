"""`metricsctl sample`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from metricsctl.cli import complete
from metricsctl.cli.io import Output
from metricsctl.cli.options import ProjectOption
from metricsctl.cli.verb import verb

__all__ = ["sample"]

DATA_ERROR = 3

PathsArgument = Annotated[list[str], typer.Argument(metavar="PATH ...", help="Event files, folders, globs; - is stdin.")]
RateOption = Annotated[str, typer.Option("--rate", metavar="P%", help="Share of the keys that is kept.")]
ByOption = Annotated[str, typer.Option("--by", metavar="COLUMN", help="Column, or entity, whose keys are kept with all their events.")]
FolderOption = Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="New folder for the sample.")]
SeedOption = Annotated[
    str, typer.Option("--seed", metavar="TEXT", help="Seed of the choice and of the hashes; secret where these must withstand guessing.")
]
SourceOption = Annotated[
    str | None,
    typer.Option("--source", metavar="S", help="Source that all files are of.", show_default=False, autocompletion=complete.sources),
]


@verb("table", "json", own_output=True)
def sample(
    out: Output,
    paths: PathsArgument,
    by: ByOption,
    folder: FolderOption,
    rate: RateOption = "1%",
    seed: SeedOption = "0",
    source: SourceOption = None,
    project: ProjectOption = None,
) -> int:
    """Draw a sample of event files: all events of some users (or orders ...), personal data hashed.

    Examples
    --------
    metricsctl sample events/ --rate 1% --by user_id -o sample/
    metricsctl sample payment_log.ndjson.gz --rate 0.1% --by user -o fixtures/ --seed "$SAMPLE_SECRET"
    zcat logs/*.gz | metricsctl sample - --source ad_log --by user_id -o sample/

    See Also
    --------
    ingest, impact, test
    """
    import sys

    from metricsctl.cli.project import load_project
    from metricsctl.ingest.sampling import SampleOptions
    from metricsctl.ingest.sampling import sample as run
    from metricsctl.ingest.sampling.choose import parse_rate

    options = SampleOptions(by=by, rate=parse_rate(rate), seed=seed, source=source)
    report = run(load_project(project), paths, folder, options, stdin=sys.stdin.buffer, progress=out.progress)
    out.write(report)
    counts = report.stats
    out.note(f"{counts['kept']:,} of {counts['rows']:,} rows kept, in {report.folder}")
    return DATA_ERROR if report.incomplete else 0
