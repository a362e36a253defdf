"""The tables of `metricsctl store info`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from metricsctl.render.numbers import size
from metricsctl.render.style import Style
from metricsctl.render.views import Block, Column, Table

__all__ = ["view"]


def view(report: Any, style: Style) -> list[Block]:  # noqa: ARG001 - a view's signature
    """Sources, then tables."""
    data = report.to_dict()
    sources = [
        (item["name"], f"{item['rows']:,}", f"{item['rejected']:,}", _time(item["max_time"]), _watermark(item)) for item in data["sources"]
    ]
    tables = [(item.name, item.version, item.files, size(item.bytes), f"{item.rows:,}") for item in report.tables]
    right: Literal["right"] = "right"
    return [
        f"{report.path}: {size(report.bytes)}, commit {report.seq}, generation {report.generation}, format {report.format}",
        Table(
            "Sources",
            (
                Column("source", style="bold"),
                Column("events", justify=right, no_wrap=True),
                Column("rejected", justify=right, no_wrap=True),
                Column("latest event", no_wrap=True),
                Column("watermark", no_wrap=True),
            ),
            sources,
        ),
        Table(
            "Tables",
            (
                Column("rollup", style="bold"),
                Column("version", justify=right),
                Column("files", justify=right),
                Column("size", justify=right),
                Column("states", justify=right),
            ),
            tables,
        ),
    ]


def _watermark(source: Mapping[str, Any]) -> str | None:
    closed = source["closed_until"] is not None and source["closed_until"] == source["max_time"]
    return "closed" if closed else _time(source["watermark"])


def _time(text: str | None) -> str | None:
    return None if text is None else text.replace("T", " ")
