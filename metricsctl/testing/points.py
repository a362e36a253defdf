"""Expected points out of a file: CSV with a head line, or JSON lines, with `time`, `value` and a column for each dimension."""

from __future__ import annotations

import csv
import datetime as dt
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from metricsctl.core.diagnostics import Span
from metricsctl.core.errors import DataError, UsageError
from metricsctl.definition.points import ExpectedPoint

__all__ = ["read_points"]


def read_points(path: Path) -> tuple[ExpectedPoint, ...]:
    """The points in a file; UsageError if there is none, DataError for a line that is no point. An empty value is an absent one."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise UsageError(f"{path}: {reason}", hint="`expect` names a file relative to the YAML file") from error
    return tuple(_point(row, path, line) for line, row in _rows(text, path))


def _rows(text: str, path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    if path.suffix in {".ndjson", ".jsonl", ".json"}:
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                try:
                    row = json.loads(line)
                except ValueError as error:
                    raise DataError(f"{path}:{number}: not JSON: {error}", hint="write one object a line") from error
                if not isinstance(row, dict):
                    raise DataError(f"{path}:{number}: expected an object", hint='{"time": ..., "value": ...}')
                yield number, row
        return
    reader = csv.DictReader(text.splitlines())
    for row in reader:
        yield reader.line_num, row


def _point(row: Mapping[str, Any], path: Path, line: int) -> ExpectedPoint:
    try:
        time = dt.datetime.fromisoformat(str(row["time"]))
        value = None if row["value"] in {None, ""} else float(row["value"])
    except (KeyError, ValueError, TypeError) as error:
        hint = "a point has `time` (ISO 8601) and `value` (a number, or nothing where it is absent)"
        raise DataError(f"{path}:{line}: no point: {error}", hint=hint) from error
    dimensions = {name: None if item in {None, ""} else str(item) for name, item in row.items() if name not in {"time", "value"}}
    span = Span(path.as_posix(), line, 1, line, 1)
    return ExpectedPoint(time if time.tzinfo else time.replace(tzinfo=dt.UTC), value, dimensions, span)
