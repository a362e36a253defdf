"""DuckDB chooses the rows of a sample: lines of JSON by number, and whole Parquet files from one to another."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from metricsctl.core.errors import DataError, UsageError
from metricsctl.engine.batch import Batch, Record
from metricsctl.engine.duckdb.connection import connect, literal, quote
from metricsctl.engine.duckdb.parquet import read_parquet
from metricsctl.engine.duckdb.scratch import Scratch

if TYPE_CHECKING:
    import duckdb

__all__ = ["ChosenCounts", "ChosenRows", "RowChooser"]

_LARGE_OBJECT = 16 << 20  # the largest JSON object that DuckDB reads unless more is allowed
Parts = Sequence[str]


@dataclass(frozen=True, slots=True)
class ChosenRows:
    """Of a chunk: its rows, the records whose key is chosen, those that have no key, and how many cannot be read."""

    rows: int
    chosen: list[Record]
    without_key: list[Record]
    malformed: int


@dataclass(frozen=True, slots=True)
class ChosenCounts:
    """Of a file: its rows, those chosen, those without a key."""

    rows: int
    kept: int
    without_key: int


class RowChooser:
    """Chooses rows by a key: those whose hash, with `salt` before the key, lies below `bound`; no key is NULL or the empty text."""

    def __init__(self, folder: Path, salt: str, bound: int) -> None:
        self._connection: duckdb.DuckDBPyConnection = connect(None)
        self._scratch = Scratch(folder)
        self._salt, self._bound = literal(salt), bound

    def close(self) -> None:
        """Give the memory back."""
        self._connection.close()
        self._scratch.close()

    def _below(self, key: str) -> str:
        return f"md5_number_lower({self._salt} || {key})::UHUGEINT < {self._bound}::UHUGEINT"

    # -- lines

    def lines(self, batch: Batch, column: str) -> ChosenRows:
        """Choose among the JSON objects of a batch; a key may be nested (`user.id`)."""
        found = self._numbers(batch.data, column)
        if found is not None:
            count, numbers = found
            records = batch.numbered([number for number, _ in numbers], count)
            if records is not None:
                return _chosen(count, list(zip(records, (keyed for _, keyed in numbers), strict=True)), 0)
        records = list(batch.records())
        picked, malformed = self._picked([record for record in records if _is_object(record.text)], column)
        broken = malformed + sum(not _is_object(record.text) for record in records)
        return _chosen(len(records), picked, broken)

    def _picked(self, records: list[Record], column: str) -> tuple[list[tuple[Record, bool]], int]:
        """The records to be looked at, and how many DuckDB refuses, found by halving: it stops at the first."""
        if not records:
            return [], 0
        found = self._numbers(b"".join(record.text + b"\n" for record in records), column)
        if found is not None and found[0] == len(records):
            return [(records[number - 1], keyed) for number, keyed in found[1]], 0
        if len(records) == 1:
            return [], 1
        middle = len(records) // 2
        (first, broken), (second, more) = self._picked(records[:middle], column), self._picked(records[middle:], column)
        return first + second, broken + more

    def _numbers(self, data: bytes | bytearray, column: str) -> tuple[int, list[tuple[int, bool]]] | None:
        """How many objects there are, and the numbers (from 1) of those to be looked at and whether each has a key; None if one is bad."""
        import duckdb

        self._scratch.write(data)
        first, _, rest = column.partition(".")
        names = {column: "VARCHAR"} | ({first: "JSON"} if rest else {})
        columns = ", ".join(f"{literal(name)}: '{kind}'" for name, kind in names.items())
        key = quote(column) if not rest else f"coalesce({quote(column)}, {quote(first)} ->> {literal(_json_path(rest))})"
        size = max(_LARGE_OBJECT, len(data) + 16)
        scan = (
            f"read_json({literal(self._scratch.name)}, format = 'newline_delimited', columns = {{{columns}}}, maximum_object_size = {size})"
        )
        try:
            self._connection.execute(f"CREATE OR REPLACE TEMP TABLE keys AS SELECT nullif({key}, '') AS k FROM {scan}")
        except (duckdb.InvalidInputException, duckdb.ConversionException):
            return None
        count = self._connection.execute("SELECT count(*) FROM keys").fetchone()
        found = self._connection.execute(
            f"SELECT rowid + 1, k IS NOT NULL FROM keys WHERE k IS NULL OR {self._below('k')} ORDER BY 1"
        ).fetchall()
        return (int(count[0]) if count else 0), found

    # -- Parquet

    def parquet_columns(self, path: Path, name: str) -> dict[str, str]:
        """The columns of a file with their types; DataError if it is none."""
        import duckdb

        try:
            found = self._connection.execute(f"DESCRIBE SELECT * FROM {read_parquet([path])}").fetchall()
        except duckdb.Error as error:
            raise DataError(f"{name}: {str(error).splitlines()[0]}", hint="is it a Parquet file?") from error
        return {row[0]: row[1] for row in found}

    def parquet(
        self, path: Path, target: Path, name: str, column: str, hidden: Mapping[str, str], digits: Mapping[str, int]
    ) -> ChosenCounts:
        """Copy the chosen rows of a file to another; rows without a key are chosen by a hash of all they hold.

        `hidden` are the columns (nested: `user.email`) that are replaced by stand-ins, with their declared types; `digits` says how much of
        the hash a type takes.
        """
        import duckdb

        present = self.parquet_columns(path, name)
        key = _reach(column, present)
        if key is None:
            raise UsageError(f"{name} has no column '{column}'", hint=f"it has {', '.join(list(present)[:12])}")
        k = f"nullif(CAST({key} AS VARCHAR), '')"
        scan = read_parquet([path])
        hiding = {first: self._hidden(first, hidden, digits, present) for first in dict.fromkeys(_first(item, present) for item in hidden)}
        replaced = ", ".join(f"{text} AS {quote(first)}" for first, text in hiding.items() if first in present)
        select = f"SELECT * {f'REPLACE ({replaced})' if replaced else ''} FROM {scan} AS r WHERE "
        test = self._below(f"coalesce({k}, CAST(to_json(r) AS VARCHAR))")
        try:
            counts = self._connection.execute(f"SELECT count(*), count(*) FILTER (WHERE {k} IS NULL) FROM {scan}").fetchone()
            kept = self._connection.execute(
                f"COPY ({select}{test}) TO {literal(str(target))} (FORMAT parquet, COMPRESSION zstd)"
            ).fetchone()
        except duckdb.Error as error:
            raise DataError(f"{name}: {str(error).splitlines()[0]}", hint="is the file whole, and the disk not full?") from error
        assert counts is not None  # noqa: S101 - an aggregate gives one row
        return ChosenCounts(counts[0], int(kept[0]) if kept else 0, counts[1])

    def _hidden(self, first: str, hidden: Mapping[str, str], digits: Mapping[str, int], present: Mapping[str, str]) -> str:
        """The SQL of a column of which something is hidden: all of it, or fields in it."""
        if first in hidden:
            return self._stand_in(quote(first), hidden[first], digits)
        text = quote(first)
        for path, kind in hidden.items():
            if _first(path, present) == first and path != first:
                text = self._with_field(text, path.split(".")[1:], kind, digits)
        return text

    def _with_field(self, struct: str, parts: Parts, kind: str, digits: Mapping[str, int]) -> str:
        inner = f"{struct}.{quote(parts[0])}"
        changed = self._with_field(inner, parts[1:], kind, digits) if len(parts) > 1 else self._stand_in(inner, kind, digits)
        return f"struct_update({struct}, {quote(parts[0])} := {changed})"

    def _stand_in(self, value: str, kind: str, digits: Mapping[str, int]) -> str:
        if kind not in digits:
            return "NULL"
        text = f"substring(sha256({self._salt} || CAST({value} AS VARCHAR)), 1, {digits[kind]})"
        return text if kind == "string" else f"CAST('0x' || {text} AS BIGINT)"


def _chosen(rows: int, found: list[tuple[Record, bool]], malformed: int) -> ChosenRows:
    return ChosenRows(rows, [record for record, keyed in found if keyed], [record for record, keyed in found if not keyed], malformed)


def _is_object(text: bytes) -> bool:
    import json

    with contextlib.suppress(ValueError, RecursionError):
        return isinstance(json.loads(text.decode()), dict)
    return False


def _json_path(rest: str) -> str:
    return "$" + "".join(f'."{part}"' for part in rest.split("."))


def _first(path: str, present: Mapping[str, str]) -> str:
    """The column in which a path begins: one of that very name, else what stands before the first point."""
    return path if path in present else path.partition(".")[0]


def _reach(path: str, present: Mapping[str, str]) -> str | None:
    """The SQL of a column or of a field in one; None if there is none."""
    if path in present:
        return quote(path)
    first, _, rest = path.partition(".")
    if not rest or not present.get(first, "").startswith("STRUCT"):
        return None
    return ".".join([quote(first), *map(quote, rest.split("."))])
