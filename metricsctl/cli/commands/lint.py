"""`metricsctl lint`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from metricsctl.cli import complete
from metricsctl.cli.io import Output
from metricsctl.cli.options import ProjectOption, words
from metricsctl.cli.verb import verb

if TYPE_CHECKING:
    from metricsctl.core.diagnostics import Severity
    from metricsctl.lint.session import Session

__all__ = ["lint"]

_RULES, _FIXES = "Which findings", "Mending"

PathsArgument = Annotated[
    list[Path] | None,
    typer.Argument(metavar="[PATH]...", help="Files and folders, or - for stdin; default: the project.", show_default=False),
]
SelectOption = Annotated[
    list[str] | None,
    typer.Option(
        "--select",
        metavar="M1,M4",
        help="Run only rules that begin so.",
        show_default=False,
        rich_help_panel=_RULES,
        autocompletion=complete.rules,
    ),
]
IgnoreOption = Annotated[
    list[str] | None,
    typer.Option(
        "--ignore",
        metavar="M106",
        help="Leave out rules that begin so.",
        show_default=False,
        rich_help_panel=_RULES,
        autocompletion=complete.rules,
    ),
]
FailOnOption = Annotated[
    str | None,
    typer.Option(
        "--fail-on",
        metavar="error|warning|info",
        help="The least severity that exits with 1; default: error.",
        show_default=False,
        rich_help_panel=_RULES,
    ),
]
DepthOption = Annotated[
    int | None,
    typer.Option(
        "--max-depth",
        metavar="N",
        min=1,
        help="How deep metrics may stand on each other; default: 10.",
        show_default=False,
        rich_help_panel=_RULES,
    ),
]
BaseOption = Annotated[
    str | None,
    typer.Option("--base", metavar="REF|DIR", help="Compare with this state (M208, M209).", show_default=False, rich_help_panel=_RULES),
]
SinceOption = Annotated[
    str | None,
    typer.Option(
        "--changed-since",
        metavar="REF",
        help="Only findings on lines changed since REF, and those that REF did not have.",
        show_default=False,
        rich_help_panel=_RULES,
    ),
]
KnownOption = Annotated[
    Path | None,
    typer.Option(
        "--known",
        metavar="FILE",
        help="Leave out the findings of a report that --format json wrote.",
        show_default=False,
        rich_help_panel=_RULES,
    ),
]
FixOption = Annotated[bool, typer.Option("--fix", help="Mend what can be mended safely.", rich_help_panel=_FIXES)]
UnsafeOption = Annotated[bool, typer.Option("--unsafe-fixes", help="Mend also what may change a meaning.", rich_help_panel=_FIXES)]
DiffOption = Annotated[bool, typer.Option("--diff", help="Show what --fix would change, and change nothing.", rich_help_panel=_FIXES)]
StdinOption = Annotated[
    Path | None,
    typer.Option("--stdin-filename", metavar="FILE", help="The file that stdin is a draft of, in its project.", show_default=False),
]
NoCacheOption = Annotated[bool, typer.Option("--no-cache", help="Work everything out anew.")]


@verb("text", "concise", "json", "jsonl", "github", "sarif", "junit", "markdown")
def lint(
    out: Output,
    *,
    paths: PathsArgument = None,
    select: SelectOption = None,
    ignore: IgnoreOption = None,
    fail_on: FailOnOption = None,
    max_depth: DepthOption = None,
    base: BaseOption = None,
    changed_since: SinceOption = None,
    known: KnownOption = None,
    fix: FixOption = False,
    unsafe_fixes: UnsafeOption = False,
    diff: DiffOption = False,
    stdin_filename: StdinOption = None,
    no_cache: NoCacheOption = False,
    project: ProjectOption = None,
) -> int:
    """Check metric definitions.

    Examples
    --------
    metricsctl lint metrics/ --select M1,M4 --fail-on warning
    metricsctl lint --fix
    metricsctl lint --changed-since main --base main --format github

    See Also
    --------
    rule, test, impact
    """
    from metricsctl.cli.config import FAIL_ON
    from metricsctl.cli.linting import Asked, session_of, without_collection
    from metricsctl.cli.verb import one_of
    from metricsctl.core.diagnostics import Severity

    asked = Asked(
        paths=tuple(paths or ()),
        project=project,
        select=tuple(words(select)),
        ignore=tuple(words(ignore)),
        max_depth=max_depth,
        base=base,
        changed_since=changed_since,
        known=known,
        stdin_filename=stdin_filename,
        cached=not no_cache,
    )
    session, config = session_of(asked)
    threshold = Severity(one_of("--fail-on", fail_on or config.get("lint.fail_on"), FAIL_ON))
    if fix or unsafe_fixes or diff:
        return _mend(out, session, unsafe=unsafe_fixes, diff=diff, threshold=threshold)
    with without_collection():
        report = session.run()
    out.write(report)
    out.note(report.summary())
    return int(report.fails(threshold))


def _mend(out: Output, session: Session, *, unsafe: bool, diff: bool, threshold: Severity) -> int:
    """`--fix`, `--unsafe-fixes` and `--diff`: the diff, or the mended draft, or the files written and the report of what is left."""
    from metricsctl.cli.io import replace_file
    from metricsctl.cli.linting import without_collection
    from metricsctl.core.errors import UsageError
    from metricsctl.lint.fixes import read_raw, unified_diff

    with without_collection():
        fixed = session.fix(unsafe=unsafe)
    times = "1 finding" if fixed.made == 1 else f"{fixed.made} findings"
    if diff:
        out.emit("".join(unified_diff(path, fixed.before[path], text, session.root) for path, text in sorted(fixed.after.items())))
        out.note(f"{times} would be mended" if fixed.made else "nothing to mend")
        return int(bool(fixed.after))
    for path, text in fixed.after.items():
        if path not in session.drafts:
            if read_raw(path) != fixed.before[path]:
                raise UsageError(f"{path} was changed by somebody else meanwhile", hint="run again")
            replace_file(path, text.encode())
    if session.drafts:
        out.emit("".join(fixed.after.get(path, text) for path, text in session.drafts.items()))
        out.diagnose(fixed.report.diagnostics)
    else:
        out.write(fixed.report)
    if fixed.made:
        out.note(f"{times} mended")
    out.note(fixed.report.summary())
    return int(fixed.report.fails(threshold))
