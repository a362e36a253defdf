"""Tables for people, drawn by Rich; what stands in them is said by `metricsctl.render.views`."""

from __future__ import annotations

import importlib
import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from metricsctl.core.report import Report
from metricsctl.render.style import Style
from metricsctl.render.views import Block, Table
from metricsctl.render.widths import fitted

if TYPE_CHECKING:
    import rich.table

__all__ = ["draw", "render"]

_WIDE_GAP, _NARROW_GAP = 3, 2  # spaces between two columns: as a rule, and where cells are wrapped


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
    console.print(_drawn(table, console.width))
    if table.footer:
        console.print(Text(table.footer, style="dim"))


def _drawn(table: Table, width: int) -> rich.table.Table:
    import rich.box
    import rich.table
    from rich.cells import cell_len
    from rich.text import Text

    cells = [[Text("" if cell is None else str(cell)) for cell in row] for row in table.rows]
    texts = [(column.name, *(row[number].plain for row in cells)) for number, column in enumerate(table.columns)]
    gaps = len(texts) - 1
    narrow = sum(max(cell_len(line) for text in column for line in text.split("\n")) for column in texts) + _WIDE_GAP * gaps > width
    sizes = [[*_lines(column, no_wrap=head.no_wrap)] for column, head in zip(texts, table.columns, strict=True)]
    widths = fitted(sizes, width - (_NARROW_GAP if narrow else _WIDE_GAP) * gaps)

    padding = (0, 1, 0, 0) if narrow else (0, 1)
    drawn = rich.table.Table(box=rich.box.SIMPLE_HEAD, padding=padding, pad_edge=False, show_edge=False, header_style="dim")
    for number, column in enumerate(table.columns):
        fixed = None if widths is None else widths[number]
        drawn.add_column(column.name, justify=column.justify, style=column.style, no_wrap=column.no_wrap, overflow="fold", width=fixed)
    for row in cells:
        drawn.add_row(*row)
    return drawn


def _lines(texts: Sequence[str], *, no_wrap: bool) -> Iterator[list[int]]:
    """How wide the words of each line are; a line that is not wrapped is one word."""
    from rich.cells import cell_len

    for line in (line for text in texts for line in text.split("\n")):
        yield [cell_len(word) for word in ([line] if no_wrap else line.split())]
