"""The columns of a file of bare series: CSV, NDJSON or Parquet, told apart by what is in it."""

from __future__ import annotations

import csv
import io
import itertools
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from metricsctl.core.errors import DataError, UsageError

__all__ = ["read_columns"]

_PARQUET = b"PAR1"
_ROWS = 10_000  # rows that are taken apart at once: all of them would be kept twice


def read_columns(path: str | Path) -> dict[str, list[Any]]:
    """Every column of a file (`-` is stdin), by name.

    Raises
    ------
    UsageError
        The file cannot be opened.
    DataError
        It is empty, broken, or none of these.
    """
    try:
        data = sys.stdin.read().encode() if str(path) == "-" else Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", hint="give the path of a file, or - for stdin") from error
    if data[:4] == _PARQUET:
        from metricsctl.engine.duckdb.parquet import parquet_columns

        return parquet_columns(path)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not text", hint="CSV, NDJSON and Parquet can be read here; ingest other files first") from error
    if text.lstrip()[:1] == "{":
        return _of_objects(text, path)
    lines = csv.reader(io.StringIO(text, newline=""))
    try:
        return _of_rows(lines, path)
    except csv.Error as error:
        raise DataError(f"{path}: line {lines.line_num}: {error}", hint="is a quote missing?") from error


def _of_rows(lines: Iterator[list[str]], path: str | Path) -> dict[str, list[Any]]:
    rows = (line for line in lines if line)
    header = [name.strip() for name in next(rows, [])]
    if not header:
        raise DataError(f"{path} is empty", hint="a header and at least one row are needed")
    if len(set(header)) != len(header):
        raise DataError(f"{path} has a column name twice", hint="give each column a name of its own")
    columns: list[list[str]] = [[] for _ in header]
    while batch := list(itertools.islice(rows, _ROWS)):
        for number, row in enumerate(batch, start=len(columns[0]) + 2):
            if len(row) != len(header):
                hint = "is a quote or a comma missing?"
                raise DataError(f"{path}: row {number} has {len(row)} fields, the header {len(header)}", hint=hint)
        for column, cells in zip(columns, zip(*batch, strict=True), strict=True):
            column.extend(cells)
    return dict(zip(header, columns, strict=True))


def _of_objects(text: str, path: str | Path) -> dict[str, list[Any]]:
    """The keys of all objects; what one lacks is empty."""
    rows = list(_objects(text, path))
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def _objects(text: str, path: str | Path) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            try:
                row = json.loads(line)
            except ValueError as error:
                raise DataError(f"{path}: line {number} is no JSON: {error}", hint="one object a line is needed") from error
            if not isinstance(row, dict):
                raise DataError(f"{path}: line {number} is no object", hint="one object a line is needed")
            yield row
