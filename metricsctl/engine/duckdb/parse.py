"""A chunk of a file to a table of typed rows, each with its event time, or with the reason why it is rejected.

The quickest way lets DuckDB read JSON numbers as numbers, which fails at the first value of another type. Then all is read as text, and
cast column by column; only where that fails too is the chunk looked at line by line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from metricsctl.core.errors import DataError
from metricsctl.engine.batch import Batch, LoadedBatch, Record, Reject, masked
from metricsctl.engine.duckdb.connection import literal, quote
from metricsctl.engine.duckdb.parquet import read_parquet
from metricsctl.engine.duckdb.scratch import Scratch
from metricsctl.plan.types import InputColumn, SourcePlan

if TYPE_CHECKING:
    import duckdb

__all__ = ["batch_table", "load_batch", "sql_type"]

_TYPES = {
    "string": "VARCHAR",
    "boolean": "BOOLEAN",
    "integer": "INTEGER",
    "bigint": "BIGINT",
    "double": "DOUBLE",
    "date": "DATE",
    "timestamp": "TIMESTAMPTZ",
}
_READ_AS_DOUBLE = {"double", "integer", "bigint"}
# types of Parquet columns that need no way through text
_AS_IT_IS = {
    "double": ("TINYINT", "SMALLINT", "INTEGER"),
    "integer": ("TINYINT", "SMALLINT"),
    "bigint": ("TINYINT", "SMALLINT", "INTEGER"),
    "timestamp": ("TIMESTAMP WITH TIME ZONE",),
}
_SLICE = 4 * 122_880  # rows of a Parquet file that are read at once; the unit is DuckDB's own
_Line = tuple[Record, bytes]
_EARLIEST_EPOCH = 100_000_000  # fewer digits (20260101) are a date in disguise, not seconds since 1970


def sql_type(declared: str) -> str:
    """DuckDB's type for a declared one."""
    return _TYPES.get(declared) or declared.upper()


def batch_table(source: str) -> str:
    """The temporary table that holds the batch of a source, quoted."""
    return quote(f"batch of {source}")


def load_batch(
    connection: duckdb.DuckDBPyConnection, batch: Batch, source: SourcePlan, *, now: int, scratch: Scratch
) -> Iterator[LoadedBatch]:
    """Read a batch into the source's batch table, a Parquet file in slices: what is yielded stands there until the next is asked for.

    `now` (microseconds) bounds the future. DataError if it cannot be read at all.
    """
    import duckdb

    connection.execute(f"SET TimeZone = {literal(source.zone)}")
    loader = _Loader(connection, batch, source, now, scratch)
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

    @property
    def name(self) -> str:
        return self.batch.parts[0].file

    def load(self) -> LoadedBatch:
        import duckdb

        data = self.batch.data
        self.scratch.write(data)
        for scan, types in self.scans(data):
            try:
                rows, accepted, max_time = self.fill(scan, types)
            except (duckdb.InvalidInputException, duckdb.ConversionException):
                continue
            bad = self.bad_rows(rows - accepted)
            records = self.batch.numbered([row for row, _ in bad], rows)
            if records is not None:
                rejects = tuple(self.reject(reason, record) for (_, reason), record in zip(bad, records, strict=True))
                return LoadedBatch(rows, accepted, rejects, max_time)
        return self.load_slowly()

    def scans(self, data: bytes | bytearray) -> Iterator[tuple[str, dict[str, str]]]:
        """Ways to read the chunk, the quickest first, with the types that they give to columns other than text."""
        if self.batch.header is not None:
            yield self.csv_scan(len(data)), {}
            return
        numbers = {column.name: "DOUBLE" for column in self.source.columns if column.type in _READ_AS_DOUBLE}
        if numbers:
            yield self.json_scan(data, numbers), numbers
        yield self.json_scan(data), {}

    def load_slowly(self) -> LoadedBatch:
        """Sort the broken records out one by one, then read the others as JSON lines."""
        import duckdb

        records, broken = self.csv_records() if self.batch.header is not None else self.json_records()
        try:
            rows, accepted, max_time = self.fill(self.lines_scan(records))
        except (duckdb.InvalidInputException, duckdb.ConversionException):
            records, refused = self.taken(records)
            broken += refused
            rows, accepted, max_time = self.fill(self.lines_scan(records))
        found = [*broken, *(self.reject(reason, records[row - 1][0]) for row, reason in self.bad_rows(rows - accepted))]
        return LoadedBatch(rows + len(broken), accepted, tuple(sorted(found, key=lambda reject: (reject.file, reject.line))), max_time)

    def load_parquet(self, path: Path) -> Iterator[LoadedBatch]:
        import duckdb

        scan = read_parquet([path])
        try:
            present = {row[0]: row[1] for row in self.connection.execute(f"DESCRIBE SELECT * FROM {scan}").fetchall()}
        except duckdb.Error as error:
            raise DataError(f"{self.name}: {str(error).splitlines()[0]}", hint="is it a Parquet file?") from error
        self.need(list(present))
        types = {
            column.name: present[column.name]
            for column in self.source.columns
            if present[column.name] in _AS_IT_IS.get(column.type, ()) or present[column.name] == sql_type(column.type)
        }
        shown = [
            quote(column.name) if column.name in types else f"CAST({quote(column.name)} AS VARCHAR) AS {quote(column.name)}"
            for column in self.source.columns
        ]
        numbered = scan[:-1] + ", file_row_number = true)"
        total = self.parquet_rows(scan)
        for start in range(0, max(total, 1), _SLICE):
            part = f"WHERE file_row_number >= {start} AND file_row_number < {start + _SLICE}"
            shown_part = (
                f"(SELECT {', '.join(shown)} FROM {numbered} {part})" if total > _SLICE else f"(SELECT {', '.join(shown)} FROM {scan})"
            )
            rows, accepted, max_time = self.fill(shown_part, types)
            rejects = [
                self.reject(reason, Record(self.name, start + row, self.parquet_row(shown_part, row)))
                for row, reason in self.bad_rows(rows - accepted)
            ]
            yield LoadedBatch(rows, accepted, tuple(rejects), max_time)

    def parquet_rows(self, scan: str) -> int:
        found = self.connection.execute(f"SELECT count(*) FROM {scan}").fetchone()
        return int(found[0]) if found else 0

    # -- scans: each gives every needed column, as text where nothing else is said

    def json_scan(self, data: bytes | bytearray, types: Mapping[str, str] = MappingProxyType({})) -> str:
        columns = ", ".join(f"{literal(column.name)}: '{types.get(column.name, 'VARCHAR')}'" for column in self.source.columns)
        return (
            f"read_json({literal(self.scratch.name)}, format = 'newline_delimited', columns = {{{columns}}}, "
            f"maximum_object_size = {_longest_line(data) + 16})"
        )

    def csv_scan(self, size: int) -> str:
        header = self.batch.header or ()
        self.need(header)
        columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in header)
        return (
            f"read_csv({literal(self.scratch.name)}, header = false, auto_detect = false, delim = {literal(self.batch.delimiter)}, "
            f"quote = '\"', escape = '\"', columns = {{{columns}}}, max_line_size = {max(size, 2_097_152)})"
        )

    def need(self, present: Sequence[str]) -> None:
        """Every column that a metric reads must be there."""
        missing = [column.name for column in self.source.columns if column.name not in present]
        if missing:
            time = self.source.time_column
            what = f"time column '{time}'" if time in missing else f"column '{missing[0]}'"
            raise DataError(
                f"{self.name}:1: no {what}, which source '{self.source.name}' needs",
                hint=f"it has {', '.join(list(present)[:12])}; name its source with --source, or correct the definition",
            )

    # -- rows to a typed table

    def fill(self, scan: str, types: Mapping[str, str] = MappingProxyType({})) -> tuple[int, int, int | None]:
        """Make the batch table, in the order of the scan; gives rows, accepted rows, and the latest accepted event time."""
        table = batch_table(self.source.name)
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS {typed_rows(scan, self.source, self.now, types)}")
        counts = self.connection.execute(
            f'SELECT count(*), count(*) FILTER (WHERE "__reason" IS NULL), max("__t") FILTER (WHERE "__reason" IS NULL) FROM {table}'
        ).fetchone()
        assert counts is not None  # noqa: S101 - an aggregate gives one row
        return counts[0], counts[1], counts[2]

    def bad_rows(self, expected: int) -> list[tuple[int, str]]:
        """Number (from 1) and reason of each rejected row of the batch table."""
        if not expected:
            return []
        table = batch_table(self.source.name)
        return self.connection.execute(f'SELECT rowid + 1, "__reason" FROM {table} WHERE "__reason" IS NOT NULL ORDER BY 1').fetchall()

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
        import json

        try:
            json.loads(text)
        except (ValueError, RecursionError):
            return False
        return True

    def csv_records(self) -> tuple[list[_Line], list[Reject]]:
        """CSV records as JSON lines, and the rejects: DuckDB does not say which records it cannot read."""
        import json

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


def typed_rows(scan: str, source: SourcePlan, now: int, types: Mapping[str, str]) -> str:
    """SQL of a scan's rows with typed columns, the event time `__t` in microseconds, and `__reason` where a row is rejected.

    `types` are those of the scan's columns that are not text.
    """
    columns = source.columns
    raw = {column.name: quote("__raw " + column.name) for column in columns}
    instants = {column.name: quote("__instant " + column.name) for column in columns if column.type == "timestamp"}
    renamed = ", ".join(f"{quote(name)} AS {text}" for name, text in raw.items())
    # a cast in a level of its own is made once, however often its result is used
    casts = "".join(
        f", {raw[name] if name in types else f'TRY_CAST({raw[name]} AS TIMESTAMPTZ)'} AS {instant}" for name, instant in instants.items()
    )
    typed = ", ".join(
        f"{_typed(raw[column.name], column, types.get(column.name), instants.get(column.name, ''))} AS {quote(column.name)}"
        for column in columns
    )
    shown = ", ".join(quote(column.name) for column in columns)
    return (
        f'SELECT {shown}, "__t", {_reason(source, now, raw, types)} AS "__reason" '
        f'FROM (SELECT *, epoch_us({quote(source.time_column)}) AS "__t" '
        f"FROM (SELECT *, {typed} FROM (SELECT *{casts} FROM (SELECT {renamed} FROM {scan}))))"
    )


def _reason(source: SourcePlan, now: int, raw: Mapping[str, str], types: Mapping[str, str]) -> str:
    """Why a row is rejected, NULL where it is not: that is asked first, since it holds for most."""
    early, late = source.min_time, now + source.max_ahead.microseconds
    wrong = {}
    for column in source.columns:
        if column.name == source.time_column or column.type == "string" or types.get(column.name) == sql_type(column.type):
            continue
        # NaN is a number that is no value
        value = _double(raw[column.name], types.get(column.name)) if column.type == "double" else quote(column.name)
        wrong[column.name] = f"{raw[column.name]} IS NOT NULL AND {value} IS NULL"
    fine = " AND ".join([f'"__t" BETWEEN {early} AND {late}', *(f"NOT ({test})" for test in wrong.values())])
    reasons = [
        f"WHEN {raw[source.time_column]} IS NULL THEN 'missing_time'",
        "WHEN \"__t\" IS NULL THEN 'bad_time'",
        f"WHEN \"__t\" > {late} THEN 'future_time'",
        f"WHEN \"__t\" < {early} THEN 'past_time'",
        *(f"WHEN {test} THEN {literal('bad_value: ' + name)}" for name, test in wrong.items()),
    ]
    return f"CASE WHEN {fine} THEN NULL {' '.join(reasons)} END"


def _typed(raw: str, column: InputColumn, found: str | None, instant: str) -> str:
    declared = column.type
    if declared == "timestamp":
        return _timestamp(raw, instant, found)
    if declared == "string":
        return raw
    if declared == "double":
        number = _double(raw, found)
        return f"CASE WHEN isnan({number}) THEN NULL ELSE {number} END"  # pandas and NumPy write NULL so
    if declared not in {"integer", "bigint"} or found == sql_type(declared):
        return raw if found else f"TRY_CAST({raw} AS {sql_type(declared)})"
    number, whole = _double(raw, found), f"TRY_CAST({raw} AS {sql_type(declared)})"
    if found is None:
        return f"CASE WHEN trunc({number}) = {number} THEN CASE {raw} WHEN 'true' THEN 1 WHEN 'false' THEN 0 ELSE {whole} END END"
    if declared == "bigint" and found == "DOUBLE":  # read again as text: doubles have no more than 53 bits
        whole = f"CASE WHEN abs({raw}) < {1 << 53} THEN {whole} ELSE error('a large number') END"
    return f"CASE WHEN trunc({number}) = {number} THEN {whole} END"


def _double(raw: str, found: str | None) -> str:
    """A number; JSON's true and false are 1 and 0, as SQL casts them and DuckDB reads them."""
    if found is not None:
        return f"CAST({raw} AS DOUBLE)"
    return f"CASE {raw} WHEN 'true' THEN 1 WHEN 'false' THEN 0 ELSE TRY_CAST({raw} AS DOUBLE) END"


def _timestamp(raw: str, instant: str, found: str | None) -> str:
    """ISO 8601 (without an offset: in the session's zone), or seconds, milli-, micro- or nanoseconds since 1970 told apart by size."""
    if found is not None:
        return f"CASE WHEN isfinite({instant}) THEN {instant} END"
    number, whole = f"TRY_CAST({raw} AS DOUBLE)", f"TRY_CAST({raw} AS BIGINT)"
    return (
        f"CASE WHEN isfinite({instant}) THEN {instant} "
        f"WHEN abs({number}) < {_EARLIEST_EPOCH} THEN NULL "
        f"WHEN abs({number}) < 1e11 THEN make_timestamptz((round({number} * 1000000))::BIGINT) "
        f"WHEN abs({number}) < 1e14 THEN make_timestamptz((round({number} * 1000))::BIGINT) "
        f"WHEN abs({number}) < 1e17 THEN make_timestamptz({whole}) "
        f"WHEN abs({number}) < 9e18 THEN make_timestamptz({whole} // 1000) END"
    )
