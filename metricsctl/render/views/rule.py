"""How `metricsctl rule` looks: a page for one rule, a table for all."""

from __future__ import annotations

from typing import Any

from metricsctl.render.style import Style, paint
from metricsctl.render.views import Block, Column, Table

__all__ = ["view"]


def view(report: Any, style: Style) -> list[Block]:
    """The page of the only rule, else one row a rule."""
    if len(report.rules) == 1:
        return [page(report.rules[0], style)]
    columns = (
        Column("code", style="bold", no_wrap=True),
        Column("name", no_wrap=True),
        Column("severity"),
        Column("fix"),
        Column("catches"),
    )
    rows = [(rule.code, rule.name, rule.severity, rule.fix if rule.fix != "none" else None, rule.summary) for rule in report.rules]
    return [Table("", columns, rows, "`metricsctl rule CODE` explains one")]


def page(rule: Any, style: Style) -> str:
    """A rule's page, its headings set off."""
    traits = [str(rule.severity), *([f"{rule.fix} fix"] if rule.fix != "none" else []), *(f"needs {item}" for item in rule.needs)]
    head = paint(f"{rule.code} {rule.name}", "bold", style) + f" ({', '.join(traits)})"
    lines = [paint(line.removeprefix("## "), "bold", style) if line.startswith("## ") else line for line in rule.page.splitlines()]
    return "\n".join([head, "", *lines])
