"""Parquet of a query: what `QueryReport.to_parquet` says."""

from __future__ import annotations

from typing import Any

from metricsctl.render.style import Style

__all__ = ["render"]


def render(report: Any, style: Style) -> bytes:  # noqa: ARG001 - a renderer's signature
    """The bytes of the file."""
    written: bytes = report.to_parquet()
    return written
