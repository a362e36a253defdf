"""Sample events as rows: which file is of which source, what columns they have, and the rows themselves."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from metricsctl.core.errors import DataError
from metricsctl.definition.schema import Source
from metricsctl.engine.duckdb.parquet import parquet_lines
from metricsctl.ingest.assign import assign
from metricsctl.ingest.readers import Chunk, FileReader, InputFile, discover
from metricsctl.ingest.readers.head import DELIMITERS

__all__ = ["MOST", "Row", "files_of", "read_source", "row_line"]

MOST = 20_000
"""Rows of a source that a witness is looked for in."""
_CHUNK = 1 << 20
Row = Mapping[str, Any]


def files_of(paths: Sequence[str], sources: Mapping[str, Source]) -> dict[str, list[InputFile]]:
    """The files that `paths` mean, by their source; one of a mixed stream is of several. UsageError for one that fits none."""
    found: dict[str, list[InputFile]] = {}
    for file, source in assign(discover(paths), sources, None):
        found.setdefault(source, []).append(file)
    return found


def read_source(source: str, files: Sequence[InputFile], columns: Mapping[str, str], spool: Path) -> list[Row]:
    """The first rows of a source, each with those columns that it has. `columns`: what each is read by, in words.

    DataError if no row has one of them.
    """
    wanted = tuple(columns)
    missing, known = set(wanted), dict[str, None]()
    rows: list[Row] = []
    for file in files:
        for chunk in FileReader(file, (), chunk_bytes=_CHUNK, spool_dir=spool).chunks():
            if len(rows) < MOST:
                for row in _rows(chunk):
                    missing -= row.keys()
                    known |= dict.fromkeys(row)
                    rows.append({name: row[name] for name in wanted if name in row})
                    if len(rows) >= MOST:
                        break
            if missing:  # in what is not looked at row by row a name in quotes is taken for a key
                missing = {name for name in missing if json.dumps(name).encode() not in chunk.data}
            elif len(rows) >= MOST:
                break
    if missing and rows:
        name = min(missing, key=wanted.index)
        hint = f"it has {', '.join(list(known)[:12])}; take a sample that has it, or leave --sample out"
        raise DataError(f"the sample has no column '{name}' of source '{source}', which {columns[name]} read", hint=hint)
    return rows


def _rows(chunk: Chunk) -> Iterator[dict[str, Any]]:
    """The records of a chunk; what does not parse is passed over, as the engine rejects it."""
    if chunk.path is not None:
        lines: Iterable[str | bytes] = parquet_lines(chunk.path, MOST)
    elif chunk.header is not None:
        text = chunk.data.decode("utf-8", "replace")
        for fields in csv.reader(io.StringIO(text, newline=""), delimiter=DELIMITERS[chunk.format]):
            if len(fields) == len(chunk.header):
                yield {name: field if field != "" else None for name, field in zip(chunk.header, fields, strict=True)}
        return
    else:
        lines = bytes(chunk.data).split(b"\n")
    for line in lines:
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict):
            yield row


def row_line(row: Row) -> bytes:
    """A row as a JSON line."""
    return json.dumps(row, ensure_ascii=False, default=str).encode("utf-8", "surrogatepass") + b"\n"
