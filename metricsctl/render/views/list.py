"""The tables of `metricsctl list`."""

from __future__ import annotations

from typing import Any

from metricsctl.render.style import Style
from metricsctl.render.views import Block, Column, Table

__all__ = ["view"]

_PLURAL = {"series": "series", "calendar": "calendar"}
_COLUMNS = (
    Column("name", style="bold", no_wrap=True),
    Column("type", style="cyan"),
    Column("owner"),
    Column("description"),
    Column("where", style="dim", no_wrap=True),
)


def view(report: Any, style: Style) -> list[Block]:  # noqa: ARG001 - a view's signature
    """One table a kind."""
    kinds = list(dict.fromkeys(entry.kind for entry in report.entries))
    if not kinds:
        return [f"no {report.kind or 'definitions'}"]
    return [_table(kind, [entry for entry in report.entries if entry.kind == kind]) for kind in kinds]


def _table(kind: str, entries: list[Any]) -> Table:
    rows = [(item.name, item.type, item.owner, item.description, f"{item.span.path}:{item.span.line}") for item in entries]
    used = [number for number in range(len(_COLUMNS)) if any(row[number] is not None for row in rows)]
    return Table(_PLURAL.get(kind, f"{kind}s"), [_COLUMNS[number] for number in used], [[row[number] for number in used] for row in rows])
