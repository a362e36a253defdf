"""`metricsctl lineage`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from metricsctl.cli import complete
from metricsctl.cli.io import Output
from metricsctl.cli.options import ProjectOption, words
from metricsctl.cli.verb import verb
from metricsctl.core.errors import UsageError

if TYPE_CHECKING:
    from metricsctl.definition.project import Project
    from metricsctl.lineage.kept import Definitions
    from metricsctl.lineage.report import Direction

__all__ = ["lineage"]

NodesArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[NODE ...]",
        help="Names, table.column, globs, tag:T, owner:O, tier:N, service:S, repo:R, file:F; +N and N+2 look around. Default: all.",
        show_default=False,
        autocompletion=complete.nodes,
    ),
]
UpstreamOption = Annotated[bool, typer.Option("--upstream", help="Only what the nodes are made of.")]
DownstreamOption = Annotated[bool, typer.Option("--downstream", help="Only what is made of the nodes.")]
BothOption = Annotated[bool, typer.Option("--both", help="Both sides (the default).")]
DepthOption = Annotated[int | None, typer.Option("--depth", metavar="N", help="At most N steps away.", show_default=False)]
ColumnsOption = Annotated[bool, typer.Option("--columns", help="Show columns and shared dimensions.")]
ColumnOption = Annotated[
    str | None,
    typer.Option("--column", metavar="C", help="Follow this column; of the tables among the nodes, else of any.", show_default=False),
]
PathOption = Annotated[
    tuple[str, str] | None, typer.Option("--path", metavar="FROM TO", help="Only the ways from one node to another.", show_default=False)
]
WholeOption = Annotated[bool, typer.Option("--whole", help="Show the whole graph; the ways of the nodes stand out in pictures.")]


@verb("tree", "table", "json", "dot", "svg", "mermaid")
def lineage(
    out: Output,
    nodes: NodesArgument = None,
    upstream: UpstreamOption = False,
    downstream: DownstreamOption = False,
    both: BothOption = False,
    depth: DepthOption = None,
    columns: ColumnsOption = False,
    column: ColumnOption = None,
    path: PathOption = None,
    whole: WholeOption = False,
    project: ProjectOption = None,
) -> None:
    """Show what a number is made of, and what is made of it.

    Examples
    --------
    metricsctl lineage revenue
    metricsctl lineage payment_log --column status --downstream
    metricsctl lineage service:payments --downstream --format svg -o lineage.svg

    See Also
    --------
    describe, lint, query
    """
    from metricsctl.cli.project import cache_folder, locate
    from metricsctl.lineage.kept import answer
    from metricsctl.lineage.question import Question

    direction = _direction(upstream, downstream, both)
    if path and nodes:
        raise UsageError("--path names its nodes itself", hint="metricsctl lineage --path payment_log exec-weekly")
    question = Question(tuple(words(nodes)), direction, depth, columns, column, path, whole)
    report = answer(question, _definitions(project), cache_folder(locate(project)))
    out.write(report)
    out.note(f"{len(report.nodes)} nodes, {len(report.edges)} edges; {report.coverage}")


def _definitions(project: Path | None) -> Definitions:
    """How the definitions that `-p` names are read."""
    from metricsctl.cli.project import is_excluded, load_project, locate, read_definitions, recall_answers
    from metricsctl.lineage.kept import Definitions

    location = locate(project)
    root, globs = location.config.folder or Path.cwd(), location.config.get("exclude")

    def skim() -> Project:
        recall_answers(location)
        return read_definitions(location.paths, location.config, parse_sql=False)

    def in_order(definitions: Project) -> Project:
        from metricsctl.lint.engine import check

        return check(definitions)

    return Definitions(location.paths, lambda file: not is_excluded(file, root, globs), lambda: load_project(project), skim, in_order)


def _direction(upstream: bool, downstream: bool, both: bool) -> Direction:
    if upstream + downstream + both > 1:
        raise UsageError("--upstream, --downstream and --both exclude each other", hint="--both is the default")
    return "upstream" if upstream else "downstream" if downstream else "both"
