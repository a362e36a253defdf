"""How much exposures are looked at: the file `usage.csv` beside the definitions, with the columns `exposure,views_30d`."""

from __future__ import annotations

import csv
from pathlib import Path

from metricsctl.core.errors import DataError

__all__ = ["USAGE_FILE", "read_usage"]

USAGE_FILE = "usage.csv"


def read_usage(folder: Path) -> dict[str, float]:
    """Views in 30 days by the name of the exposure; empty if there is no such file. DataError for a file that cannot be read."""
    path = folder / USAGE_FILE
    if not path.is_file():
        return {}
    found: dict[str, float] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            for row in csv.DictReader(lines):
                found[row["exposure"]] = max(float(row["views_30d"]), 0.0)
    except (KeyError, TypeError, ValueError, OSError, csv.Error) as error:
        message = f"{path}: not a table of usage"
        raise DataError(message, hint="its columns are exposure,views_30d, a name and a number in each line") from error
    return found
