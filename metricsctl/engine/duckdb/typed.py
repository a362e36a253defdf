"""Raw columns to typed ones, in SQL: each row with its event time, or with the reason why it is rejected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from metricsctl.engine.duckdb.connection import literal, quote
from metricsctl.plan.types import InputColumn, Match, SourcePlan

__all__ = ["AS_IT_IS", "DUPLICATE", "HASH", "OTHERS", "READ_AS_DOUBLE", "UNMATCHED", "key_hash", "matching", "sql_type", "typed_rows"]

# what stands in place of a reason where a row is neither accepted nor rejected: it is of another source of its stream, or of none
OTHERS, UNMATCHED, DUPLICATE = "(others)", "(unmatched)", "(duplicate)"
# DuckDB calls the second half of the digest, read as a little-endian number, `md5_number_lower`, and takes five times as long for it
HASH = "((md5_number(CAST({v} AS VARCHAR)) >> 64)::HUGEINT - 9223372036854775808)::BIGINT"

_TYPES = {
    "string": "VARCHAR",
    "boolean": "BOOLEAN",
    "integer": "INTEGER",
    "bigint": "BIGINT",
    "double": "DOUBLE",
    "date": "DATE",
    "timestamp": "TIMESTAMPTZ",
}
READ_AS_DOUBLE = {"double", "integer", "bigint"}
# types of Parquet columns that need no way through text
AS_IT_IS = {
    "double": ("TINYINT", "SMALLINT", "INTEGER"),
    "integer": ("TINYINT", "SMALLINT"),
    "bigint": ("TINYINT", "SMALLINT", "INTEGER"),
    "timestamp": ("TIMESTAMP WITH TIME ZONE",),
}
_EARLIEST_EPOCH = 100_000_000  # fewer digits (20260101) are a date in disguise, not seconds since 1970


def sql_type(declared: str) -> str:
    """DuckDB's type for a declared one."""
    return _TYPES.get(declared) or declared.upper()


def typed_rows(scan: str, source: SourcePlan, now: int, types: Mapping[str, str]) -> str:
    """SQL of a scan's rows with typed columns, the event time `__t` in microseconds, and `__reason` where a row is not accepted.

    With a key its hash is `__k`, NULL where a part of it is. `types` are those of the scan's columns that are not text.
    """
    columns = source.columns
    raw = {name: quote("__raw " + name) for name in source.fields}
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
    parts = [quote(name) for name in source.key]
    whole = " AND ".join(f"{part} IS NOT NULL" for part in parts)
    key = f', CASE WHEN {whole} THEN {key_hash(parts)} END AS "__k"' if parts else ""
    return (
        f'SELECT {shown}{key}, "__t", {_reason(source, now, raw, types)} AS "__reason" '
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
    if source.match:
        mine = matching(source.match, raw)
        anyone = " OR ".join(matching(match, raw) for match in source.others) or "false"
        reasons.insert(0, f"WHEN NOT ({mine}) THEN CASE WHEN {anyone} THEN {literal(OTHERS)} ELSE {literal(UNMATCHED)} END")
        fine = f"{mine} AND {fine}"
    return f"CASE WHEN {fine} THEN NULL {' '.join(reasons)} END"


def matching(match: Match, columns: Mapping[str, str]) -> str:
    """The condition that a row is of the source with this `match:`; `columns` are the raw ones, in SQL."""
    tests = []
    for name, values in match:
        tests.append(f"coalesce(CAST({columns[name]} AS VARCHAR) IN ({', '.join(map(literal, values))}), false)")
    return " AND ".join(tests)


def key_hash(parts: Sequence[str]) -> str:
    """The hash of the text of a SQL expression, or of the JSON list of the texts of several; NULL of one that is NULL."""
    texts = [f"CAST({part} AS VARCHAR)" for part in parts]
    return HASH.format(v=texts[0] if len(texts) == 1 else f"to_json([{', '.join(texts)}])")


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
    if declared == "bigint" and found == "DOUBLE":  # read again as text: doubles have no more than 53 bits
        whole = f"CASE WHEN abs({raw}) < {1 << 53} THEN {whole} ELSE error('a large number') END"
    return f"CASE WHEN trunc({number}) = {number} THEN {whole} END"


def _double(raw: str, found: str | None) -> str:
    """A number; the words true and false are none, whatever SQL casts them to."""
    return f"CAST({raw} AS DOUBLE)" if found is not None else f"TRY_CAST({raw} AS DOUBLE)"


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
