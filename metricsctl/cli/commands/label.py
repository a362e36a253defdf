"""`metricsctl label`."""

from __future__ import annotations

from typing import Annotated

import typer

from metricsctl.cli.io import Output
from metricsctl.cli.options import ProjectOption, StoreOption
from metricsctl.cli.verb import one_of, verb
from metricsctl.core.errors import UsageError

__all__ = ["label"]

WhatArgument = Annotated[
    str | None,
    typer.Argument(metavar="[EPISODE|METRIC]", help="The id of an episode, or a metric. Default: list all labels.", show_default=False),
]
AsOption = Annotated[str | None, typer.Option("--as", metavar="WHAT", help="incident, noise or expected.", show_default=False)]
NoteOption = Annotated[str | None, typer.Option("--note", metavar="TEXT", help="What it was, in a few words.", show_default=False)]
SinceOption = Annotated[
    str | None, typer.Option("--since", metavar="T", help="Of a metric: when it began, 2026-11-20T14:00.", show_default=False)
]
UntilOption = Annotated[str | None, typer.Option("--until", metavar="T", help="Of a metric: when it was over.", show_default=False)]
SegmentOption = Annotated[
    str | None, typer.Option("--segment", metavar="D=V", help="Of a metric: in which segment, country=DE&platform=web.", show_default=False)
]
RemoveOption = Annotated[bool, typer.Option("--remove", help="Take the label of this episode away again.")]


@verb("table", "json")
def label(
    out: Output,
    what: WhatArgument = None,
    as_: AsOption = None,
    note: NoteOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    segment: SegmentOption = None,
    remove: RemoveOption = False,
    project: ProjectOption = None,
    store: StoreOption = None,
) -> None:
    """Say in labels.csv what an episode was: it is not alarmed on again, nor learned from, and backtest counts by it.

    Examples
    --------
    metricsctl label EP-4f19a2 --as incident --note "payments were down"
    metricsctl label revenue --since 2026-11-20T14:00 --until 2026-11-20T18:00 --segment country=DE --as expected
    metricsctl label

    See Also
    --------
    detect, backtest, explain
    """
    from metricsctl.cli.project import cache_folder, load_project, locate, store_folder
    from metricsctl.detect.label import Stretch, add_label, labels_of, remove_label
    from metricsctl.detect.labels import MEANINGS, segment_of

    asked = load_project(project)
    if what is None:
        if as_ or remove:
            raise UsageError("nothing is named to be labelled", hint="name an episode: `metricsctl detect --emit episodes` lists them")
        out.write(labels_of(asked))
        return
    if remove:
        out.write(remove_label(asked, what))
        return
    if as_ is None:
        raise UsageError(f"it is not said what '{what}' was", hint=f"--as {', '.join(MEANINGS)}")
    meaning = MEANINGS[MEANINGS.index(one_of("--as", as_, MEANINGS))]
    stretch = None
    if since is not None or until is not None or segment is not None:
        if since is None or until is None:
            raise UsageError("a stretch has a beginning and an end", hint="give both --since and --until")
        stretch = Stretch(what, since, until, segment_of(segment or ""))
    out.write(add_label(asked, store_folder(project, store), stretch or what, meaning, note, cache_folder(locate(project))))
