"""What an engine is given to read, and what it says about it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    IntArray = npt.NDArray[np.int64]

__all__ = ["MASKED", "Batch", "LoadedBatch", "Part", "Record", "Reject", "masked"]

MASKED = "***"
_LINE_END = 10
_BLOCK = 1 << 18  # bytes


@dataclass(frozen=True, slots=True)
class Part:
    """Whole lines of one file; the first of them is line `first_line` (from 1)."""

    file: str
    first_line: int
    data: bytes | bytearray


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a text file: where it starts, its bytes, its fields if it is CSV."""

    file: str
    line: int
    text: bytes
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Batch:
    """Lines of one or several files of the same form, or one Parquet file at `path`. `header` are the column names of CSV and TSV.

    `first`: no other source reads these lines before, so that what is of no source is to be counted with them.
    """

    format: str
    header: tuple[str, ...] | None
    parts: tuple[Part, ...]
    path: Path | None = None
    first: bool = True

    @property
    def delimiter(self) -> str:
        """What separates the fields."""
        return "\t" if self.format == "tsv" else ","

    @property
    def data(self) -> bytes | bytearray:
        """All lines, each with its line end."""
        if len(self.parts) == 1 and self.parts[0].data.endswith(b"\n"):
            return self.parts[0].data
        return b"".join(part.data if part.data.endswith(b"\n") else part.data + b"\n" for part in self.parts)

    def numbered(self, numbers: Sequence[int], count: int) -> list[Record] | None:
        """The records with these numbers (from 1, ascending) if the batch has `count` of them; None if it has not.

        Where every line is a record only the lines asked for are looked at.
        """
        if not numbers:
            return []
        ends = [_line_ends(part.data) for part in self.parts]
        if sum(map(len, ends)) == count and (self.header is None or not any(b'"' in part.data for part in self.parts)):
            return list(self._lines(numbers, ends))
        records = list(self.records())
        return [records[number - 1] for number in numbers] if len(records) == count else None

    def _lines(self, numbers: Sequence[int], ends: list[IntArray]) -> Iterator[Record]:
        part, before = 0, 0
        for number in numbers:
            while number - before > len(ends[part]):
                before += len(ends[part])
                part += 1
            line = number - before - 1
            start = int(ends[part][line - 1]) + 1 if line else 0
            data = bytes(self.parts[part].data[start : int(ends[part][line])])
            yield Record(self.parts[part].file, self.parts[part].first_line + line, data.strip(b" \t\r") if self.header is None else data)

    def records(self) -> Iterator[Record]:
        """The records that are not blank, in order. Bytes that are not UTF-8 stand in `fields` as lone surrogates."""
        for part in self.parts:
            yield from self._json(part) if self.header is None else self._csv(part)

    def _json(self, part: Part) -> Iterator[Record]:
        for number, line in enumerate(bytes(part.data).split(b"\n"), part.first_line):
            text = line.strip(b" \t\r")
            if text:
                yield Record(part.file, number, text)

    def _csv(self, part: Part) -> Iterator[Record]:
        text = part.data.decode("utf-8", "surrogateescape")
        lines = text.split("\n")
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=self.delimiter)
        before = 0
        for fields in reader:
            if fields:
                yield Record(part.file, part.first_line + before, lines[before].encode("utf-8", "surrogateescape"), tuple(fields))
            before = reader.line_num


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that was not accepted: why, where, and its text.

    `reason` is malformed, not_utf8, too_long, missing_time, bad_time, future_time, past_time, late, or `bad_value: COLUMN`. Personal data
    in `text` is masked; it is None where that cannot be done surely.
    """

    reason: str
    file: str
    line: int
    text: str | None


def _line_ends(data: bytes | bytearray) -> IntArray:
    """Where the lines end; a last one without line end ends after the data."""
    import numpy as np

    whole = np.frombuffer(data, dtype=np.uint8)
    # block by block, since a mask is as large as what it is of
    found = [np.flatnonzero(whole[start : start + _BLOCK] == _LINE_END) + start for start in range(0, len(whole), _BLOCK)]
    ends = np.concatenate(found) if found else np.zeros(0, dtype=np.int64)
    return ends if data.endswith(b"\n") else np.append(ends, len(data))


@dataclass(frozen=True, slots=True)
class LoadedBatch:
    """What a batch held of a source: rows read and accepted, the rejects, the latest accepted event time (microseconds, UTC).

    `duplicates` of its rows had a key that was counted before; `unmatched` rows beside them are of no source of the stream.
    """

    rows: int
    accepted: int
    rejects: tuple[Reject, ...]
    max_time: int | None
    duplicates: int = 0
    unmatched: int = 0


def masked(text: str, header: tuple[str, ...] | None, delimiter: str, secret: frozenset[str]) -> str | None:
    """The text of a record with the values of the columns in `secret` made unreadable; None where it cannot be taken apart.

    >>> masked('{"user": "ann", "n": 1}', None, ",", frozenset({"user"}))
    '{"user": "***", "n": 1}'
    """
    if not secret:
        return text
    try:
        if header is None:
            record: Any = json.loads(text)
        else:
            fields = next(csv.reader([text], delimiter=delimiter), [])
            record = dict(zip(header, fields, strict=True))
    except (ValueError, csv.Error, RecursionError):
        return None
    if not isinstance(record, dict):
        return None
    return json.dumps({name: MASKED if name in secret else value for name, value in record.items()}, ensure_ascii=False)
