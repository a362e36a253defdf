"""How much exposures are looked at: the file `usage.csv` beside the definitions, with the columns `exposure,views_30d`."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from metricsctl.core.diagnostics import Span
from metricsctl.core.errors import DataError

__all__ = ["USAGE_FILE", "Usage", "parse_usage", "read_usage"]

USAGE_FILE = "usage.csv"
_HINT = "its columns are exposure,views_30d: a name and a number in each line"


@dataclass(frozen=True, slots=True)
class Usage:
    """The views of an exposure in 30 days, and where its name stands."""

    exposure: str
    views: float
    span: Span


def parse_usage(text: str, path: str = USAGE_FILE) -> list[Usage]:
    """The lines of a table of usage. DataError, with its line, for what is none."""
    rows, lines = csv.reader(io.StringIO(text, newline="")), text.split("\n")
    found, line = [], 1
    try:
        header = next(rows, [])
        name, views = header.index("exposure"), header.index("views_30d")
        line = rows.line_num + 1
        for row in rows:
            if row:
                start = max(lines[line - 1].find(row[name], len(",".join(row[:name]))), 0)
                span = Span(path, line, start + 1, line, start + len(row[name]) + 1)
                found.append(Usage(row[name], max(float(row[views]), 0.0), span))
            line = rows.line_num + 1
    except (IndexError, ValueError, csv.Error) as error:
        raise DataError(f"{path}:{line}: not a table of usage", hint=_HINT, span=Span(path, line, 1, line, 1)) from error
    return found


def read_usage(folder: Path) -> dict[str, float]:
    """Views in 30 days by the name of the exposure; empty if there is no such file. DataError for a file that cannot be read."""
    path = folder / USAGE_FILE
    if not path.is_file():
        return {}
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not a table of usage", hint=_HINT) from error
    return {item.exposure: item.views for item in parse_usage(text, str(path))}
