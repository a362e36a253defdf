"""The table of `metricsctl describe`."""

from __future__ import annotations

import json
from typing import Any

from metricsctl.render.style import Style
from metricsctl.render.views import Block, Column, Table

__all__ = ["view"]


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return "\n".join(_cell(item) for item in value) if any(isinstance(item, dict) for item in value) else ", ".join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_cell(item)}" for key, item in value.items())
    return json.dumps(value) if isinstance(value, bool) else str(value).rstrip()


def view(report: Any, style: Style) -> list[Block]:  # noqa: ARG001 - a view's signature
    """One row a key; what is not written but holds is marked as a default."""
    rows = [(key, _cell(value)) for key, value in report.definition.items() if key != "name"]
    rows += [(key, f"{_cell(value)} (default)") for key, value in report.defaults.items()]
    if not {"dimensions", "by"} & report.definition.keys() and report.dimensions:
        rows.append(("dimensions", f"{', '.join(report.dimensions)} (inherited)"))
    rows += [("inputs", ", ".join(report.inputs)), ("used by", ", ".join(report.used_by)), ("where", str(report.span))]
    kind, _, name = report.id.partition(":")
    return [Table(f"{kind} {name}", (Column("key", style="cyan", no_wrap=True), Column("value")), [row for row in rows if row[1]])]
