"""A chunk of a file to a table of typed rows, each with its event time, or with the reason why it is rejected.

The quickest way lets DuckDB read JSON numbers as numbers, which fails at the first value of another type. Then all is read as text, and
cast column by column; only where that fails too is the chunk looked at line by line.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from metricsctl.core.errors import DataError
from metricsctl.engine.batch import Batch, LoadedBatch, Record, Reject, masked
from metricsctl.engine.duckdb.aggregate import batch_table
from metricsctl.engine.duckdb.connection import literal, quote
from metricsctl.engine.duckdb.late import Late
from metricsctl.engine.duckdb.nested import json_columns, json_fields, struct_field
from metricsctl.engine.duckdb.parquet import read_parquet
from metricsctl.engine.duckdb.scratch import Scratch
from metricsctl.engine.duckdb.typed import AS_IT_IS, OTHERS, READ_AS_DOUBLE, UNMATCHED, matching, sql_type, typed_rows
from metricsctl.plan.types import SourcePlan

if TYPE_CHECKING:
    import duckdb

__all__ = ["load_batch"]

_SLICE = 4 * 122_880  # rows of a Parquet file that are read at once; the unit is DuckDB's own
_Line = tuple[Record, bytes]
_FEW = 2_000  # rows that are looked at one by one
_OF_NO_SOURCE = {"malformed", "not_utf8"}


@dataclass(frozen=True, slots=True)
class _Filled:
    """What a batch table holds: rows, those of them that are accepted, of another source, or of none; the latest accepted time."""

    rows: int
    accepted: int
    max_time: int | None
    others: int
    unmatched: int

    @property
    def rejected(self) -> int:
        return self.rows - self.accepted - self.others - self.unmatched


def load_batch(
    connection: duckdb.DuckDBPyConnection, batch: Batch, source: SourcePlan, *, now: int, scratch: Scratch, late: Late | None = None
) -> Iterator[LoadedBatch]:
    """Read a batch into the source's batch table, a Parquet file in slices: what is yielded stands there until the next is asked for.

    `now` (microseconds) bounds the future, `late` rejects what comes too late. Duplicates are not looked for yet. DataError if it cannot
    be read at all.
    """
    import duckdb

    connection.execute(f"SET TimeZone = {literal(source.zone)}")
    loader = _Loader(connection, batch, source, now, scratch, late)
    try:
        if batch.path is None:
            yield loader.load()
        else:
            yield from loader.load_parquet(batch.path)
    except duckdb.IOException as error:
        raise DataError(f"{loader.name}: {str(error).splitlines()[0]}") from error


@dataclass(slots=True)
class _Loader:
    connection: duckdb.DuckDBPyConnection
    batch: Batch
    source: SourcePlan
    now: int
    scratch: Scratch
    late: Late | None

    @property
    def name(self) -> str:
        return self.batch.parts[0].file

    def load(self) -> LoadedBatch:
        import duckdb

        data = self.batch.data
        self.scratch.write(data)
        for scan, types in self.scans(data):
            try:
                filled = self.fill(scan, types)
            except (duckdb.InvalidInputException, duckdb.ConversionException):
                continue
            if self.may_be_words(data, types, filled):
                continue
            filled = self.in_time(filled)
            bad = self.bad_rows(filled)
            records = self.batch.numbered([row for row, _ in bad], filled.rows)
            if records is not None:
                return self.loaded(filled, [self.reject(reason, record) for (_, reason), record in zip(bad, records, strict=True)])
        return self.load_slowly()

    def may_be_words(self, data: bytes | bytearray, types: Mapping[str, str], filled: _Filled) -> bool:
        """Whether a column that was read as numbers may hold true or false, which DuckDB's reader takes for 1 and 0.

        Only the text of rows that have a 1 or a 0 is searched; where those are many, all of it.
        """
        if not types or not (b"true" in data or b"false" in data):
            return False
        table, tests = batch_table(self.source.name), {name: f"{quote(name)} IN (0, 1)" for name in types}
        either, ones = " OR ".join(tests.values()), ", ".join(f"bool_or({test})" for test in tests.values())
        number, *found = self.connection.execute(f"SELECT count(*) FILTER (WHERE {either}), {ones} FROM {table}").fetchone() or (0,)
        texts: list[bytes | bytearray] = [data]
        if number <= _FEW:
            rows = self.connection.execute(f"SELECT rowid + 1 FROM {table} WHERE {either} ORDER BY 1").fetchall()
            records = self.batch.numbered([row for (row,) in rows], filled.rows)
            texts = texts if records is None else [record.text for record in records]
        names = [json.dumps(name)[1:].encode() for name, has_ones in zip(types, found, strict=True) if has_ones]
        patterns = [re.compile(re.escape(name) + rb"\s*:\s*[tf]") for name in names]
        return any(pattern.search(text) for pattern in patterns for text in texts)

    def loaded(self, filled: _Filled, rejects: Sequence[Reject]) -> LoadedBatch:
        """What is said of a batch; what is of no source is counted by the first only that reads it."""
        if self.late is not None:
            self.late.note(filled.max_time)
        first = self.batch.first
        kept = tuple(reject for reject in rejects if first or reject.reason not in _OF_NO_SOURCE)
        rows = filled.accepted + len(kept)
        return LoadedBatch(rows, filled.accepted, kept, filled.max_time, unmatched=filled.unmatched if first else 0)

    def scans(self, data: bytes | bytearray) -> Iterator[tuple[str, dict[str, str]]]:
        """Ways to read the chunk, the quickest first, with the types that they give to columns other than text."""
        if self.batch.header is not None:
            yield self.whole(self.csv_scan(len(data)), self.batch.header), {}
            return
        told_apart = {name for name, _ in self.source.match}  # by their text
        numbers = {
            column.name: "DOUBLE"
            for column in self.source.columns
            if column.type in READ_AS_DOUBLE and column.name not in told_apart and "." not in column.name
        }
        if numbers:
            yield self.json_scan(data, numbers), numbers
        yield self.json_scan(data), {}

    def load_slowly(self) -> LoadedBatch:
        """Sort the broken records out one by one, then read the others as JSON lines."""
        import duckdb

        records, broken = self.csv_records() if self.batch.header is not None else self.json_records()
        try:
            filled = self.fill(self.lines_scan(records))
        except (duckdb.InvalidInputException, duckdb.ConversionException):
            records, refused = self.taken(records)
            broken += refused
            filled = self.fill(self.lines_scan(records))
        filled = self.in_time(filled)
        found = [*broken, *(self.reject(reason, records[row - 1][0]) for row, reason in self.bad_rows(filled))]
        return self.loaded(filled, sorted(found, key=lambda reject: (reject.file, reject.line)))

    def load_parquet(self, path: Path) -> Iterator[LoadedBatch]:
        import duckdb

        scan = read_parquet([path])
        try:
            present = {row[0]: row[1] for row in self.connection.execute(f"DESCRIBE SELECT * FROM {scan}").fetchall()}
        except duckdb.Error as error:
            raise DataError(f"{self.name}: {str(error).splitlines()[0]}", hint="is it a Parquet file?") from error
        total = self.parquet_rows(scan)
        numbered = self.flat(scan[:-1] + ", file_row_number = true)", present)
        scan = self.flat(scan, present)
        present = {row[0]: row[1] for row in self.connection.execute(f"DESCRIBE SELECT * FROM {scan}").fetchall()}
        numbered = self.whole(numbered, list(present))
        scan = self.whole(scan, list(present))
        types = {
            column.name: present[column.name]
            for column in self.source.columns
            if column.name in present
            and (present[column.name] in AS_IT_IS.get(column.type, ()) or present[column.name] == sql_type(column.type))
        }
        shown = [quote(name) if name in types else f"CAST({quote(name)} AS VARCHAR) AS {quote(name)}" for name in self.source.fields]
        for start in range(0, max(total, 1), _SLICE):
            part = f"WHERE file_row_number >= {start} AND file_row_number < {start + _SLICE}"
            shown_part = (
                f"(SELECT {', '.join(shown)} FROM {numbered} {part})" if total > _SLICE else f"(SELECT {', '.join(shown)} FROM {scan})"
            )
            filled = self.in_time(self.fill(shown_part, types))
            rejects = [
                self.reject(reason, Record(self.name, start + row, self.parquet_row(shown_part, row)))
                for row, reason in self.bad_rows(filled)
            ]
            yield self.loaded(filled, rejects)

    def flat(self, scan: str, present: Collection[str]) -> str:
        """A scan with the nested fields that its structs have as columns."""
        import duckdb

        found = []
        for name in self.source.fields:
            field = struct_field(name, present)
            with contextlib.suppress(duckdb.BinderException):
                if field is not None and self.connection.execute(f"DESCRIBE SELECT {field} FROM {scan}"):
                    found.append(f"{field} AS {quote(name)}")
        return f"(SELECT *, {', '.join(found)} FROM {scan})" if found else scan

    def parquet_rows(self, scan: str) -> int:
        found = self.connection.execute(f"SELECT count(*) FROM {scan}").fetchone()
        return int(found[0]) if found else 0

    # -- scans: each gives every needed column, as text where nothing else is said

    def json_scan(self, data: bytes | bytearray, types: Mapping[str, str] = MappingProxyType({})) -> str:
        fields = self.source.fields
        columns = ", ".join(f"{literal(name)}: '{types.get(name, 'VARCHAR')}'" for name in json_columns(fields))
        scan = (
            f"read_json({literal(self.scratch.name)}, format = 'newline_delimited', columns = {{{columns}}}, "
            f"maximum_object_size = {_longest_line(data) + 16})"
        )
        return f"(SELECT {json_fields(fields)} FROM {scan})" if any("." in name for name in fields) else scan

    def csv_scan(self, size: int) -> str:
        columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in self.batch.header or ())
        return (
            f"read_csv({literal(self.scratch.name)}, header = false, auto_detect = false, delim = {literal(self.batch.delimiter)}, "
            f"quote = '\"', escape = '\"', columns = {{{columns}}}, max_line_size = {max(size, 2_097_152)})"
        )

    def whole(self, scan: str, present: Sequence[str]) -> str:
        """A scan with NULL for the fields that it lacks; DataError if it lacks a column that a metric reads and has rows of the source."""
        absent = [name for name in self.source.fields if name not in present]
        if not absent:
            return scan
        scan = f"(SELECT *, {', '.join(f'CAST(NULL AS VARCHAR) AS {quote(name)}' for name in absent)} FROM {scan})"
        missing = [column.name for column in self.source.columns if column.name in absent]
        if missing and self.is_ours(scan):
            time = self.source.time_column
            what = f"time column '{time}'" if time in missing else f"column '{missing[0]}'"
            raise DataError(
                f"{self.name}:1: no {what}, which source '{self.source.name}' needs",
                hint=f"it has {', '.join(list(present)[:12])}; name its source with --source, or correct the definition",
            )
        return scan

    def is_ours(self, scan: str) -> bool:
        """Whether a scan has rows of the source."""
        if not self.source.match:
            return True
        import duckdb

        mine = matching(self.source.match, {name: quote(name) for name in self.source.fields})
        try:
            return bool(self.connection.execute(f"SELECT 1 FROM {scan} WHERE {mine} LIMIT 1").fetchall())
        except (duckdb.InvalidInputException, duckdb.ConversionException):  # some row is broken: what there is cannot be told
            return True

    # -- rows to a typed table

    def fill(self, scan: str, types: Mapping[str, str] = MappingProxyType({})) -> _Filled:
        """Make the batch table, in the order of the scan."""
        table = batch_table(self.source.name)
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS {typed_rows(scan, self.source, self.now, types)}")
        return self.counted()

    def in_time(self, filled: _Filled) -> _Filled:
        """The batch table without the rows that come too late."""
        if self.late is None or not filled.accepted:
            return filled
        self.late.mark(self.connection, batch_table(self.source.name))
        return self.counted()

    def counted(self) -> _Filled:
        """What the batch table holds."""
        table = batch_table(self.source.name)
        beside = ", ".join(f"""count(*) FILTER (WHERE "__reason" = {literal(mark)})""" for mark in (OTHERS, UNMATCHED))
        counts = self.connection.execute(
            'SELECT count(*), count(*) FILTER (WHERE "__reason" IS NULL), max("__t") FILTER (WHERE "__reason" IS NULL), '
            f"{beside if self.source.match else '0, 0'} FROM {table}"
        ).fetchone()
        assert counts is not None  # noqa: S101 - an aggregate gives one row
        return _Filled(*counts)

    def bad_rows(self, filled: _Filled) -> list[tuple[int, str]]:
        """Number (from 1) and reason of each rejected row of the batch table."""
        if not filled.rejected:
            return []
        table = batch_table(self.source.name)
        return self.connection.execute(
            f"""SELECT rowid + 1, "__reason" FROM {table} WHERE "__reason" NOT IN ({literal(OTHERS)}, {literal(UNMATCHED)}) ORDER BY 1"""
        ).fetchall()

    def reject(self, reason: str, record: Record) -> Reject:
        shown = record.text.decode("utf-8", "replace")
        return Reject(reason, record.file, record.line, masked(shown, self.batch.header, self.batch.delimiter, self.source.secret))

    def parquet_row(self, scan: str, row: int) -> bytes:
        found = self.connection.execute(f"SELECT to_json(r) FROM (SELECT r FROM {scan} r LIMIT 1 OFFSET {row - 1})").fetchone()
        return str(found[0]).encode() if found else b""

    # -- the slow way

    def json_records(self) -> tuple[list[_Line], list[Reject]]:
        """Records that DuckDB takes for JSON objects, and the rejects: it is the one that will read them."""
        records, rejects = [], []
        for record in self.batch.records():
            try:
                record.text.decode()
                records.append(record)
            except UnicodeDecodeError:
                rejects.append(self.reject("not_utf8", record))
        objects = self.connection.execute(
            "SELECT CASE WHEN json_valid(line) THEN json_type(line) = 'OBJECT' ELSE false END FROM (SELECT unnest($1::VARCHAR[]) AS line)",
            [[record.text.decode() for record in records]],
        ).fetchall()
        good = []
        for record, (is_object,) in zip(records, objects, strict=True):
            if is_object and self.can_read(record.text):
                good.append((record, record.text))
            else:
                rejects.append(self.reject("malformed", record))
        return good, rejects

    def taken(self, records: list[_Line]) -> tuple[list[_Line], list[Reject]]:
        """The records that DuckDB's reader takes, and the rejects, found by halving: it stops at the first that it refuses."""
        import duckdb

        try:
            self.fill(self.lines_scan(records))
        except (duckdb.InvalidInputException, duckdb.ConversionException):
            if len(records) == 1:
                return [], [self.reject("malformed", records[0][0])]
            middle = len(records) // 2
            parts = [self.taken(records[:middle]), self.taken(records[middle:])]
            return [line for good, _ in parts for line in good], [reject for _, bad in parts for reject in bad]
        return records, []

    def lines_scan(self, records: Sequence[_Line]) -> str:
        """The scan of some records, written anew as JSON lines."""
        data = b"".join(line + b"\n" for _, line in records)
        self.scratch.write(data)
        return self.json_scan(data)

    def can_read(self, text: bytes) -> bool:
        """Whether Python reads it too: what DuckDB's check lets pass (a comma at the end) its reader may refuse."""
        try:
            json.loads(text)
        except (ValueError, RecursionError):
            return False
        return True

    def csv_records(self) -> tuple[list[_Line], list[Reject]]:
        """CSV records as JSON lines, and the rejects: DuckDB does not say which records it cannot read."""
        header = self.batch.header or ()
        good, rejects = [], []
        for record in self.batch.records():
            if len(record.fields) != len(header):
                rejects.append(self.reject("malformed", record))
                continue
            values = {name: value or None for name, value in zip(header, record.fields, strict=True)}
            try:
                good.append((record, json.dumps(values, ensure_ascii=False).encode()))
            except UnicodeEncodeError:
                rejects.append(self.reject("not_utf8", record))
        return good, rejects


def _longest_line(data: bytes | bytearray) -> int:
    """A bound on the length of the lines: one MiB unless one is longer."""
    bound, start = 1 << 20, 0
    while len(data) - start > bound:
        end = data.rfind(b"\n", start, start + bound)
        if end < 0:
            end = data.find(b"\n", start)
            end = len(data) if end < 0 else end
            bound = max(bound, end - start)
        start = end + 1
    return bound
