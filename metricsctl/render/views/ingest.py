"""The tables of `metricsctl ingest`."""

from __future__ import annotations

from typing import Any

from metricsctl.core.timegrid import to_iso
from metricsctl.render.style import Style
from metricsctl.render.views import Block, Column, Table

__all__ = ["view"]


def view(report: Any, style: Style) -> list[Block]:  # noqa: ARG001 - a view's signature
    """The sources, the files that were not read plainly, the rejects."""
    blocks: list[Block] = [_sources(report)]
    odd = [file for file in report.files if file.status in {"grown", "empty", "truncated"}]
    if odd:
        columns = (Column("file", style="bold"), Column("source"), Column("status", style="yellow"), Column("rejected", justify="right"))
        rows = [(file.path, file.source, file.status, f"{file.rejected:,}") for file in odd[:20]]
        blocks.append(Table("Files", columns, rows, f"and {len(odd) - 20:,} more" if len(odd) > 20 else ""))
    if report.rejects:
        heads = (
            Column("source"),
            Column("reason", style="yellow"),
            Column("rows", justify="right"),
            Column("first at"),
            Column("text", style="dim"),
        )
        rejected = [
            (item.source, item.reason, f"{item.count:,}", f"{item.first.file}:{item.first.line}", _short(item.first.text))
            for item in report.rejects
        ]
        blocks.append(Table("Rejects", heads, rejected))
    return blocks


def _sources(report: Any) -> Table:
    columns = (
        Column("source", style="bold"),
        Column("events", justify="right"),
        Column("accepted", justify="right"),
        Column("rejected", justify="right"),
        *((Column("duplicates", justify="right"),) if any(source.duplicates for source in report.sources) else ()),
        Column("latest event", no_wrap=True),
        Column("watermark", no_wrap=True),
    )
    rows = [
        (
            source.name,
            f"{source.rows:,}",
            f"{source.accepted:,}",
            f"{source.rejected:,}",
            *((f"{source.duplicates:,}",) if any(other.duplicates for other in report.sources) else ()),
            _time(source.max_time),
            "closed" if source.closed_until is not None and source.closed_until == source.max_time else _time(source.watermark),
        )
        for source in report.sources
    ]
    counts = report.stats
    kinds = [f"{counts[f'files_{status}']:,} {status}" for status in ("read", "grown", "unchanged", "empty", "truncated")]
    return Table("", columns, rows, "files: " + ", ".join(kind for kind in kinds if not kind.startswith("0 ")))


def _time(time: int | None) -> str | None:
    return None if time is None else to_iso(time).replace("T", " ")


def _short(text: str | None) -> str:
    if text is None:
        return "(withheld: it may hold personal data)"
    shown = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)  # a terminal would obey the others
    return shown if len(shown) <= 60 else shown[:59] + "…"
