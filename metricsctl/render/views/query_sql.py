"""The text of `metricsctl query --show-sql`: statements that can be run as they stand, formulas as comments."""

from __future__ import annotations

from typing import Any

from metricsctl.render.style import Style
from metricsctl.render.views import Block

__all__ = ["view"]


def view(report: Any, style: Style) -> list[Block]:  # noqa: ARG001 - a view's signature
    """A block for each statement, then one for the formulas."""
    blocks: list[Block] = [f"-- {', '.join(item.metrics)}\n{item.sql};" for item in report.statements]
    lines = []
    for item in report.formulas:
        lines.append(f"-- {item.metric} = {item.expression}")
        lines += [f"--   {name}: {text}" for name, text in item.inputs.items() if name != text]
    return [*blocks, *(["\n".join(lines)] if lines else [])] or ["-- no values: nothing is read"]
