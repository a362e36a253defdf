"""CSV of a query: `metric,time,<dimensions>,value,status`; times are ISO 8601 in the metric's zone, an absent value is empty."""

from __future__ import annotations

import csv
import io
from typing import Any

from metricsctl.core.timegrid import to_iso
from metricsctl.render.numbers import exact
from metricsctl.render.style import Style

__all__ = ["render"]


def render(report: Any, style: Style) -> str:  # noqa: ARG001 - a renderer's signature
    """The points of all frames under one header."""
    by = list(dict.fromkeys(name for frame in report.frames for name in frame.dimensions))
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["metric", "time", *by, "value", "status"])
    for frame in report.frames:
        for time, key, value, status in frame.rows():
            writer.writerow([frame.metric, to_iso(time, frame.zone), *key, exact(value), status])
    return buffer.getvalue()
