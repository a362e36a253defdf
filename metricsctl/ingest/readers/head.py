"""What stands before the first record: a byte order mark, the header of CSV and TSV."""

from __future__ import annotations

import csv
from codecs import BOM_UTF8
from collections import Counter
from dataclasses import dataclass

from metricsctl.core.diagnostics import Span
from metricsctl.core.errors import DataError
from metricsctl.ingest.readers.files import InputFile
from metricsctl.ingest.readers.records import RecordScanner
from metricsctl.ingest.readers.streams import ByteStream, open_stream, read_up_to

__all__ = ["DELIMITERS", "MAX_HEADER", "Head", "read_head"]

DELIMITERS = {"csv": ",", "tsv": "\t"}
MAX_HEADER = 1 << 20


@dataclass(frozen=True, slots=True)
class Head:
    """The column names (None for NDJSON), and how many bytes come before the first record."""

    names: tuple[str, ...] | None
    size: int


def read_head(file: InputFile) -> Head | None:
    """The head of a text file; None if it ends before its header does. Raises DataError (a header that is none), OSError."""
    with open_stream(file.path, packed=file.packed) as stream:
        if file.format == "ndjson":
            return Head(None, len(_bom(read_up_to(stream, len(BOM_UTF8)))))
        return _header(file, stream, DELIMITERS[file.format])


def _header(file: InputFile, stream: ByteStream, delimiter: str) -> Head | None:
    data = read_up_to(stream, MAX_HEADER)
    start = len(_bom(data))
    record = RecordScanner(delimiter.encode()).record_at(data, start)
    if record is not None and record.closed:
        return Head(_names(file, data[start : record.end], delimiter), record.end)
    if len(data) == MAX_HEADER:
        raise _error(file, "the header does not end within 1 MiB", "is a quote never closed?")
    return None


def _names(file: InputFile, line: bytes, delimiter: str) -> tuple[str, ...]:
    try:
        text = line.decode()
        rows = list(csv.reader([text], delimiter=delimiter))
    except UnicodeDecodeError:
        raise _error(file, "the header is not UTF-8", "convert the file to UTF-8") from None
    except csv.Error as error:
        raise _error(file, f"the header cannot be read: {error}", "lines end in LF or CR LF") from None
    names = tuple(rows[0]) if rows else ()
    if not names or "" in names:
        raise _error(file, "the header has a column without a name", "the first line must name every column")
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise _error(file, f"the header names '{twice[0]}' more than once", "give every column a name of its own")
    return names


def _bom(data: bytes) -> bytes:
    return BOM_UTF8 if data.startswith(BOM_UTF8) else b""


def _error(file: InputFile, what: str, hint: str) -> DataError:
    return DataError(f"{file.name}:1: {what}", hint=hint, span=Span.of_file(file.name))
