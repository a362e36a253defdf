"""Where records end: at line ends, but in CSV and TSV not inside a quoted field."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Protocol

__all__ = ["Cutter", "JsonCutter", "QuotedCutter", "Record", "RecordScanner"]


class Cutter(Protocol):
    """Finds the ends of records in bytes that begin with a record."""

    def last_end(self, data: bytearray, limit: int, *, exact: bool) -> int:
        """The end of the last record that ends within `limit` bytes, 0 if none does; `exact`: no better one may be left."""

    def rest_end(self, data: bytearray) -> int:
        """The end of the record of which `data` are the rest, 0 if it is not among them."""

    def is_whole(self, line: bytes) -> bool:
        """Whether a last line without line end is a record all the same."""

    def is_blank(self, rest: bytes) -> bool:
        """Whether the rest of a record adds nothing to it."""


class JsonCutter:
    """One JSON object a line; a line end cannot stand inside one."""

    def last_end(self, data: bytearray, limit: int, *, exact: bool) -> int:  # noqa: ARG002 - always exact
        """The byte after the last line end."""
        return data.rfind(b"\n", 0, limit) + 1

    def rest_end(self, data: bytearray) -> int:
        """The byte after the first line end."""
        return data.find(b"\n") + 1

    def is_whole(self, line: bytes) -> bool:
        """A whole line is an object; half of one never is."""
        try:
            return isinstance(json.loads(line), dict)
        except (ValueError, RecursionError):
            return False

    def is_blank(self, rest: bytes) -> bool:
        """White space adds nothing."""
        return not rest.strip()


@dataclass(frozen=True, slots=True)
class Record:
    """A record found: where it ends, how many fields it has, whether a line end closes it."""

    end: int
    fields: int
    closed: bool


class RecordScanner:
    r"""Reads records field by field, as RFC 4180 says; a quote that does not begin a field is text.

    >>> RecordScanner(b",").record_at(b'1,"a\nb"\n2,c', 0)
    Record(end=8, fields=2, closed=True)
    """

    def __init__(self, delimiter: bytes) -> None:
        plain = b"[^" + delimiter + b"\n]*"
        quoted = b'"(?>[^"]*(?:""[^"]*)*)"'
        self._delimiter = delimiter
        self._field = re.compile(b"(?:" + quoted + plain + b'|(?!")' + plain + b")(" + delimiter + rb"|\n|\Z)")

    def record_at(self, data: bytes | bytearray, start: int) -> Record | None:
        """The record that begins at `start`, None if a quote in it is never closed."""
        fields, end = 0, start
        while field := self._field.match(data, end):
            fields, end = fields + 1, field.end()
            if field[1] != self._delimiter:
                return Record(end, fields, closed=field[1] == b"\n")
        return None


class QuotedCutter:
    """CSV or TSV with `columns` columns."""

    def __init__(self, delimiter: bytes, columns: int) -> None:
        self._scanner = RecordScanner(delimiter)
        self._columns = columns

    def last_end(self, data: bytearray, limit: int, *, exact: bool) -> int:
        """By the parity of quotes, which is quick; by reading fields where a stray quote (`5" pipe`) leaves no end or `exact` asks."""
        end = _last_even_end(data, limit)
        if end and not exact:
            return end
        while (record := self._scanner.record_at(data, end)) and record.closed and record.end <= limit:
            end = record.end
        return end

    def rest_end(self, data: bytearray) -> int:
        """The byte after the first line end with an even number of quotes before it."""
        quotes = start = 0
        while (newline := data.find(b"\n", start)) >= 0:
            quotes += data.count(b'"', start, newline)
            start = newline + 1
            if quotes % 2 == 0:
                return start
        return 0

    def is_whole(self, line: bytes) -> bool:
        """A whole record has as many fields as the header and no open quote."""
        record = self._scanner.record_at(line, 0)
        return record is not None and record.fields == self._columns

    def is_blank(self, rest: bytes) -> bool:
        """Only line ends add nothing: blanks belong to the last field."""
        return not rest.strip(b"\r\n")


def _last_even_end(data: bytearray, limit: int) -> int:
    quotes, before = data.count(b'"', 0, limit), limit
    while (newline := data.rfind(b"\n", 0, before)) >= 0:
        quotes -= data.count(b'"', newline, before)
        if quotes % 2 == 0:
            return newline + 1
        before = newline
    return 0
