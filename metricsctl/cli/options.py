"""Arguments and options that several verbs share, as annotated types."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "OUTPUT_PANEL",
    "ColorOption",
    "ExitZeroOption",
    "OutputOption",
    "ProjectOption",
    "QuietOption",
    "StoreOption",
    "VerboseOption",
    "words",
]

ProjectOption = Annotated[
    Path | None,
    typer.Option(
        "--project",
        "-p",
        metavar="PATH",
        help="File or folder with the definitions. Default: the nearest metricsctl.toml, else metrics/, else here.",
        show_default=False,
    ),
]
StoreOption = Annotated[
    Path | None,
    typer.Option("--store", metavar="DIR", help="Store folder. Default: .metricsctl/store in the project.", show_default=False),
]

OUTPUT_PANEL = "Output"
OutputOption = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", metavar="FILE", help="Write the result to FILE; - is stdout.", show_default=False, rich_help_panel=OUTPUT_PANEL
    ),
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Only the result and errors.", rich_help_panel=OUTPUT_PANEL)]
VerboseOption = Annotated[bool, typer.Option("--verbose", "-v", help="Say more on stderr.", rich_help_panel=OUTPUT_PANEL)]
ColorOption = Annotated[
    str | None,
    typer.Option("--color", metavar="auto|always|never", help="When to colour.", show_default=False, rich_help_panel=OUTPUT_PANEL),
]
ExitZeroOption = Annotated[bool, typer.Option("--exit-zero", help="Exit 0 where findings would make it 1.", rich_help_panel=OUTPUT_PANEL)]


def words(values: list[str] | None) -> list[str]:
    """The words of options that are repeated or hold a comma-separated list.

    >>> words(["M1,M4", "M501"])
    ['M1', 'M4', 'M501']
    """
    return [word.strip() for value in values or [] for word in value.split(",") if word.strip()]
