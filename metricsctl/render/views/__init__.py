"""How each report looks as tables: one module a report, named like it.

To give a report a table, write `metricsctl/render/views/<report name>.py` (a `-` in the name becomes `_`) with

    def view(report: MyReport, style: Style) -> list[Block]:
        return [Table("Things", (Column("name", style="bold"), Column("count", justify="right")), rows=[("a", 1), ("b", None)])]

A block is a `Table` or a text that is printed as it is. Cells may be anything with a `str()`; None is shown as an empty cell. The drawing
(`metricsctl.render.table`) is done by Rich: columns are aligned, long cells are folded into the width there is, colours go away in a pipe.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Block", "Column", "Table"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its heading, on which side its cells stand, their colour ("bold", "cyan", "dim" ...), whether they stay on one line."""

    name: str
    justify: Literal["left", "right", "center"] = "left"
    style: str = ""
    no_wrap: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table: a title (may be empty), columns, rows of cells, a line below."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Any]]
    footer: str = ""


Block = Table | str
