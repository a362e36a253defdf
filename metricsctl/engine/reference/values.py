"""Values: what a column may hold, how it is read from text, how it is written as text."""

from __future__ import annotations

import datetime as dt
import decimal
import json
import math
import re
from dataclasses import dataclass
from typing import Any

from metricsctl.core.errors import UsageError
from metricsctl.engine.reference.windows import from_wall_clock

__all__ = ["EXACT", "Instant", "Value", "raw_text", "read", "round_half_away", "to_text"]

EXACT = decimal.Context(prec=76, rounding=decimal.ROUND_HALF_UP)
_TRUE, _FALSE = {"true", "t", "1", "yes", "y"}, {"false", "f", "0", "no", "n"}
_RANGES = {"integer": 2**31, "bigint": 2**63}
_DATE = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})\Z")
_TIME = re.compile(
    r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[T ](\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,9}))?)?)?(?: ?(Z|UTC|[+-]\d{2}(?::?\d{2})?))?\Z"
)


@dataclass(frozen=True, slots=True, order=True)
class Instant:
    """A moment; microseconds since 1970 in UTC."""

    us: int


Value = str | bool | int | float | decimal.Decimal | dt.date | Instant | None


def raw_text(value: Any) -> str | None:
    """A value of an event, as `json.loads` gives it, as the text that a column is read from."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def read(text: str | None, declared: str, zone: str) -> Value:
    """A text as a value of a declared type, None where it does not fit; `zone` is that of times without an offset."""
    if text is None or declared == "string":
        return text
    if declared == "boolean":
        return True if text.lower() in _TRUE else False if text.lower() in _FALSE else None
    if declared == "timestamp":
        return _instant(text, zone)
    if declared == "date":
        return _date(text, zone)
    if declared.startswith("decimal"):
        precision, scale = (int(number) for number in re.findall(r"\d+", declared))
        return _decimal(text, precision, scale)
    number = _double(text)
    if declared == "double" or number is None:
        return number
    return _whole(text, number, _RANGES[declared])


def _double(text: str) -> float | None:
    try:
        return float(text.strip()) if text.isascii() else None
    except ValueError:
        return None


def _whole(text: str, number: float, bound: int) -> int | None:
    if not math.isfinite(number) or number != math.trunc(number):
        return None
    value = int(decimal.Decimal(text.strip()))
    return value if -bound <= value < bound else None


def _decimal(text: str, precision: int, scale: int) -> decimal.Decimal | None:
    number = _double(text)
    if number is None or not math.isfinite(number):
        return None
    value = decimal.Decimal(text.strip()).quantize(decimal.Decimal(1).scaleb(-scale), context=EXACT)
    return value if abs(value) < decimal.Decimal(10) ** (precision - scale) else None


def _date(text: str, zone: str) -> dt.date | None:
    match = _DATE.match(text.strip()) or (_TIME.match(text) if _instant(text, zone) is not None else None)
    if match is None:
        return None
    try:
        return dt.date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return None


def _instant(text: str, zone: str) -> Instant | None:
    match = _TIME.match(text)
    if match is None:
        return _epoch(text)
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    try:
        clock = dt.datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0))  # noqa: DTZ001
    except ValueError:
        return None
    clock += dt.timedelta(microseconds=int(((fraction or "") + "000000")[:6]))
    if offset is None:
        return Instant(from_wall_clock(clock, zone))
    return Instant(from_wall_clock(clock, "UTC") - _offset_us(offset))


def _offset_us(text: str) -> int:
    if text in {"Z", "UTC"}:
        return 0
    minutes = int(text[1:3]) * 60 + int(text[3:].lstrip(":") or 0)
    return (-1 if text[0] == "-" else 1) * minutes * 60_000_000


def _epoch(text: str) -> Instant | None:
    """Seconds, milli-, micro- or nanoseconds since 1970, told apart by their size."""
    number = _double(text)
    if number is None or not 1e8 <= abs(number) < 9e18:
        return None
    if abs(number) < 1e11:
        return Instant(int(round_half_away(number * 1e6)))
    if abs(number) < 1e14:
        return Instant(int(round_half_away(number * 1e3)))
    whole = int(round_half_away(decimal.Decimal(text.strip())))
    return Instant(whole if abs(number) < 1e17 else int(decimal.Decimal(whole) / 1000))


def round_half_away(value: float | decimal.Decimal) -> decimal.Decimal:
    """The nearest whole number; of two, the one farther from 0."""
    return EXACT.create_decimal(decimal.Decimal(value)).quantize(decimal.Decimal(1), context=EXACT)


def to_text(value: Value) -> str | None:
    """A value as `CAST(... AS VARCHAR)` writes it."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, Instant):
        raise UsageError("the reference engine does not write times as text", hint="how they look depends on the session's zone")
    return repr(value)
