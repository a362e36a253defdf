"""A chunk of a file to a table of typed rows, each with its event time, or with the reason why it is rejected.

The quick way lets DuckDB read the whole chunk. Only where it cannot, or where rows are rejected, is the chunk looked at line by line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from metricsctl.core.errors import DataError
from metricsctl.engine.batch import Batch, LoadedBatch, Record, Reject, masked
from metricsctl.engine.duckdb.connection import literal, quote
from metricsctl.engine.duckdb.parquet import read_parquet
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
_Line = tuple[Record, bytes]
_EARLIEST_EPOCH = 100_000_000  # fewer digits (20260101) are a date in disguise, not seconds since 1970


def sql_type(declared: str) -> str:
    """DuckDB's type for a declared one."""
    return _TYPES.get(declared) or declared.upper()


def batch_table(source: str) -> str:
    """The temporary table that holds the batch of a source, quoted."""
    return quote(f"batch of {source}")


def load_batch(connection: duckdb.DuckDBPyConnection, batch: Batch, source: SourcePlan, *, now: int, spool: Path) -> LoadedBatch:
    """Read a batch into the source's batch table; `now` (microseconds) bounds the future. DataError if it cannot be read at all."""
    import duckdb

    connection.execute(f"SET TimeZone = {literal(source.zone)}")
    loader = _Loader(connection, batch, source, now, spool / "batch.tmp")
    try:
        return loader.load()
    except duckdb.IOException as error:
        raise DataError(f"{loader.name}: {str(error).splitlines()[0]}") from error


@dataclass(slots=True)
class _Loader:
    connection: duckdb.DuckDBPyConnection
    batch: Batch
    source: SourcePlan
    now: int
    scratch: Path

    @property
    def name(self) -> str:
        return self.batch.parts[0].file

    def load(self) -> LoadedBatch:
        import duckdb

        if self.batch.path is not None:
            return self.load_parquet(self.batch.path)
        data = self.batch.data
        self.scratch.write_bytes(data)
        try:
            scan = self.csv_scan(len(data)) if self.batch.header is not None else self.json_scan(data)
            rows, accepted, max_time = self.fill(scan)
            records = list(self.batch.records()) if accepted < rows else []
        except (duckdb.InvalidInputException, duckdb.ConversionException):
            return self.load_slowly()
        if accepted < rows and len(records) != rows:
            return self.load_slowly()
        return LoadedBatch(rows, accepted, tuple(self.rejects(scan, records)), max_time)

    def load_slowly(self) -> LoadedBatch:
        """Sort the broken records out one by one, then read the others as JSON lines."""
        import duckdb

        records, broken = self.csv_records() if self.batch.header is not None else self.json_records()
        scan = self.lines_scan(records)
        try:
            rows, accepted, max_time = self.fill(scan)
        except (duckdb.InvalidInputException, duckdb.ConversionException):
            records, refused = self.taken(records)
            broken += refused
            scan = self.lines_scan(records)
            rows, accepted, max_time = self.fill(scan)
        found = [*broken, *self.rejects(scan, [record for record, _ in records])]
        return LoadedBatch(rows + len(broken), accepted, tuple(sorted(found, key=lambda reject: (reject.file, reject.line))), max_time)

    def load_parquet(self, path: Path) -> LoadedBatch:
        import duckdb

        scan = read_parquet([path])
        try:
            present = [row[0] for row in self.connection.execute(f"DESCRIBE SELECT * FROM {scan}").fetchall()]
        except duckdb.Error as error:
            raise DataError(f"{self.name}: {str(error).splitlines()[0]}", hint="is it a Parquet file?") from error
        self.need(present)
        wanted = [column.name for column in self.source.columns]
        scan = "(SELECT " + ", ".join(f"CAST({quote(name)} AS VARCHAR) AS {quote(name)}" for name in wanted) + f" FROM {scan})"
        rows, accepted, max_time = self.fill(scan)
        rejects = [
            self.reject(reason, Record(self.name, row, self.parquet_row(scan, row))) for row, reason in self.bad_rows(scan, rows - accepted)
        ]
        return LoadedBatch(rows, accepted, tuple(rejects), max_time)

    # -- scans: each gives every needed column as text

    def json_scan(self, data: bytes) -> str:
        longest = max(map(len, data.split(b"\n")), default=0)
        columns = ", ".join(f"{literal(column.name)}: 'VARCHAR'" for column in self.source.columns)
        return (
            f"read_json({literal(str(self.scratch))}, format = 'newline_delimited', columns = {{{columns}}}, "
            f"maximum_object_size = {max(longest + 16, 16_777_216)})"
        )

    def csv_scan(self, size: int) -> str:
        header = self.batch.header or ()
        self.need(header)
        columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in header)
        return (
            f"read_csv({literal(str(self.scratch))}, header = false, auto_detect = false, delim = {literal(self.batch.delimiter)}, "
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

    def fill(self, scan: str) -> tuple[int, int, int | None]:
        """Make the batch table; gives rows, accepted rows, and the latest accepted event time."""
        table = batch_table(self.source.name)
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS {typed_rows(scan, self.source, self.now)}")
        counts = self.connection.execute(
            f'SELECT count(*), count(*) FILTER (WHERE "__reason" IS NULL), max("__t") FILTER (WHERE "__reason" IS NULL) FROM {table}'
        ).fetchone()
        assert counts is not None  # noqa: S101 - an aggregate gives one row
        return counts[0], counts[1], counts[2]

    def bad_rows(self, scan: str, expected: int) -> list[tuple[int, str]]:
        """Number (from 1) and reason of each rejected row; read again, since numbering every row would slow down the good ones."""
        if not expected:
            return []
        numbered = typed_rows(f"(SELECT row_number() OVER () AS __row, * FROM {scan})", self.source, self.now, keep="__row, ")
        return self.connection.execute(f'SELECT __row, "__reason" FROM ({numbered}) WHERE "__reason" IS NOT NULL ORDER BY 1').fetchall()

    def rejects(self, scan: str, records: Sequence[Record]) -> Iterator[Reject]:
        for row, reason in self.bad_rows(scan, len(records)):
            yield self.reject(reason, records[row - 1])

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
        self.scratch.write_bytes(data)
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


def typed_rows(scan: str, source: SourcePlan, now: int, *, keep: str = "") -> str:
    """SQL of a scan's rows with typed columns, the event time `__t` in microseconds, and `__reason` where a row is rejected."""
    columns = source.columns
    names = [quote(column.name) for column in columns]
    raw = ", ".join(f"{name} AS {quote('__raw ' + column.name)}" for name, column in zip(names, columns, strict=True))
    typed = ", ".join(f"{_typed(quote('__raw ' + column.name), column)} AS {name}" for name, column in zip(names, columns, strict=True))
    time, raw_time = quote(source.time_column), quote("__raw " + source.time_column)
    late_bound, early_bound = now + source.max_ahead.microseconds, source.min_time
    reasons = [
        f"WHEN {raw_time} IS NULL THEN 'missing_time'",
        f"WHEN {time} IS NULL THEN 'bad_time'",
        f"WHEN epoch_us({time}) > {late_bound} THEN 'future_time'",
        f"WHEN epoch_us({time}) < {early_bound} THEN 'past_time'",
    ]
    for name, column in zip(names, columns, strict=True):
        if column.name != source.time_column and column.type != "string":
            raw_value = quote("__raw " + column.name)
            value = f"TRY_CAST({raw_value} AS DOUBLE)" if column.type == "double" else name  # NaN is a number that is no value
            reasons.append(f"WHEN {raw_value} IS NOT NULL AND {value} IS NULL THEN {literal('bad_value: ' + column.name)}")
    return (
        f'SELECT {keep}{", ".join(names)}, epoch_us({time}) AS "__t", CASE {" ".join(reasons)} END AS "__reason" '
        f"FROM (SELECT *, {typed} FROM (SELECT {keep}{raw} FROM {scan}))"
    )


def _typed(raw: str, column: InputColumn) -> str:
    declared = column.type
    if declared == "string":
        return raw
    if declared in {"integer", "bigint"}:
        return f"CASE WHEN trunc(TRY_CAST({raw} AS DOUBLE)) = TRY_CAST({raw} AS DOUBLE) THEN TRY_CAST({raw} AS {sql_type(declared)}) END"
    if declared == "timestamp":
        return _timestamp(raw)
    if declared == "double":
        return f"nullif(TRY_CAST({raw} AS DOUBLE), 'nan'::DOUBLE)"  # pandas and NumPy write NULL so
    return f"TRY_CAST({raw} AS {sql_type(declared)})"


def _timestamp(raw: str) -> str:
    """ISO 8601 (without an offset: in the session's zone), or seconds, milli-, micro- or nanoseconds since 1970 told apart by size."""
    number, whole = f"TRY_CAST({raw} AS DOUBLE)", f"TRY_CAST({raw} AS BIGINT)"
    epoch = (
        f"CASE WHEN abs({number}) < {_EARLIEST_EPOCH} THEN NULL "
        f"WHEN abs({number}) < 1e11 THEN make_timestamptz((round({number} * 1000000))::BIGINT) "
        f"WHEN abs({number}) < 1e14 THEN make_timestamptz((round({number} * 1000))::BIGINT) "
        f"WHEN abs({number}) < 1e17 THEN make_timestamptz({whole}) "
        f"WHEN abs({number}) < 9e18 THEN make_timestamptz({whole} // 1000) END"
    )
    instant = f"TRY_CAST({raw} AS TIMESTAMPTZ)"
    return f"coalesce(CASE WHEN isfinite({instant}) THEN {instant} END, {epoch})"
