"""CSV: what a report's `csv_rows` says, else that of a query, `metric,time,<dimensions>,value,status`.

Times are ISO 8601 in the metric's zone; an absent value is empty.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from metricsctl.core.timegrid import to_iso
from metricsctl.render.numbers import exact
from metricsctl.render.style import Style

__all__ = ["render"]


def render(report: Any, style: Style) -> str:  # noqa: ARG001 - a renderer's signature
    """All rows under one header."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    rows = report.csv_rows() if hasattr(report, "csv_rows") else _query_rows(report)
    for row in rows:
        writer.writerow([exact(cell) if isinstance(cell, float) else cell for cell in row])
    return buffer.getvalue()


def _query_rows(report: Any) -> Iterator[list[Any]]:
    by = list(dict.fromkeys(name for frame in report.frames for name in frame.dimensions))
    yield ["metric", "time", *by, "value", "status"]
    for frame in report.frames:
        for time, key, value, status in frame.rows():
            yield [frame.metric, to_iso(time, frame.zone), *key, value, status]
