"""Tables for people, drawn by Rich; what stands in them is said by `metricsctl.render.views`."""

from __future__ import annotations

import importlib
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from metricsctl.core.report import Report
from metricsctl.render.style import Style
from metricsctl.render.views import Block, Table

if TYPE_CHECKING:
    import rich.table

__all__ = ["draw", "render"]


def render(report: Report, style: Style) -> str:
    """A report by its view."""
    module: Any = importlib.import_module(f"metricsctl.render.views.{report.name.replace('-', '_')}")
    return draw(module.view(report, style), style)


def draw(blocks: Sequence[Block], style: Style) -> str:
    """Tables and texts, an empty line between two."""
    from rich.console import Console

    buffer = io.TextIOWrapper(io.BytesIO(), encoding="ascii" if style.ascii else "utf-8", errors="replace")
    console = Console(
        file=buffer,
        width=style.width,
        force_terminal=style.color,
        color_system="standard" if style.color else None,
        no_color=not style.color,
        highlight=False,
        emoji=False,
        markup=False,
        legacy_windows=False,
        _environ={},
    )
    for number, block in enumerate(blocks):
        if number:
            console.print()
        if isinstance(block, str):
            console.print(block, soft_wrap=True)
        else:
            _print_table(console, block)
    buffer.flush()
    raw = buffer.detach()
    assert isinstance(raw, io.BytesIO)  # noqa: S101 - made above
    text = raw.getvalue().decode("utf-8")
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def _print_table(console: Any, table: Table) -> None:
    from rich.text import Text

    if table.title:
        console.print(Text(table.title, style="bold"))
    console.print(_drawn(table))
    if table.footer:
        console.print(Text(table.footer, style="dim"))


def _drawn(table: Table) -> rich.table.Table:
    import rich.box
    import rich.table
    from rich.text import Text

    drawn = rich.table.Table(box=rich.box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="dim")
    for column in table.columns:
        drawn.add_column(column.name, justify=column.justify, style=column.style, no_wrap=column.no_wrap, overflow="fold")
    for row in table.rows:
        drawn.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    return drawn
