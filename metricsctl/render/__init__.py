"""Reports to text, one file a format.

A renderer is a module with `render(report, style) -> str` (or bytes); it stands in `FORMATS` by its name and is imported when it is asked
for. How a report looks as a table is said in `metricsctl/render/views/<report name>.py`, see `metricsctl.render.views`.
"""

from __future__ import annotations

import importlib
from typing import Any

from metricsctl.core.errors import UsageError
from metricsctl.core.names import nearest
from metricsctl.core.report import Report
from metricsctl.render.style import Style

__all__ = ["FORMATS", "Style", "render"]

FORMATS = {
    "concise": "metricsctl.render.concise",
    "csv": "metricsctl.render.csv",
    "dot": "metricsctl.render.dot",
    "github": "metricsctl.render.github",
    "json": "metricsctl.render.json",
    "jsonl": "metricsctl.render.jsonl",
    "junit": "metricsctl.render.junit",
    "markdown": "metricsctl.render.markdown",
    "mermaid": "metricsctl.render.mermaid",
    "parquet": "metricsctl.render.parquet",
    "sarif": "metricsctl.render.sarif",
    "svg": "metricsctl.render.svg",
    "table": "metricsctl.render.table",
    "text": "metricsctl.render.text",
    "tree": "metricsctl.render.tree",
}


def render(report: Report, name: str, style: Style | None = None) -> str | bytes:
    """A report in the format called `name`; UsageError if there is no such format."""
    if name not in FORMATS:
        raise UsageError(f"unknown format '{name}'", hint=nearest(name, FORMATS))
    module: Any = importlib.import_module(FORMATS[name])
    rendered: str | bytes = module.render(report, style or Style())
    return rendered
