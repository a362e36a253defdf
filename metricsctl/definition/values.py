"""The forms that the keys of the language use: durations, grains, zones, times, types, shares, rates."""

from __future__ import annotations

import datetime as dt
import re

from metricsctl.core.durations import Duration
from metricsctl.core.rates import Rate
from metricsctl.core.timegrid import GRAIN_HELP, Grain, zone_of
from metricsctl.definition.forms import Flag, Free, ListOf, Parsed, Text

__all__ = ["COLUMN_TYPE", "DATE", "DURATION", "FLAG", "FREE", "GRAIN", "INSTANT", "RATE", "SHARE", "TEXT", "TEXTS", "ZONE"]


def _instant(text: str) -> dt.datetime:
    moment = dt.datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _zone(text: str) -> str:
    return str(zone_of(text))


def _share(text: str) -> float:
    number = text.removesuffix("%").strip()
    try:
        value = float(number) / (100 if text.endswith("%") else 1)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        message = f"'{text}' is not a share"
        raise ValueError(message)
    return value


_TYPES = ("string", "boolean", "integer", "bigint", "double", "date", "timestamp")
_DECIMAL = re.compile(r"decimal\(\s*(\d{1,2})\s*,\s*(\d{1,2})\s*\)\Z")


def _column_type(text: str) -> str:
    match = _DECIMAL.match(text)
    if match and int(match[2]) <= int(match[1]) <= 38 and int(match[1]) > 0:
        return f"decimal({int(match[1])},{int(match[2])})"
    if text in _TYPES:
        return text
    message = f"unknown type '{text}'"
    raise ValueError(message)


_LENGTH = r"\d{1,18}\s*(?:ms|s|m|h|d|w|mo)|second|minute|hour|day|week|month"
_DAY = r"\d{4}-\d{2}-\d{2}"

# the patterns let editors check the form; whether a day is in the calendar or a zone on the map is for the loader to say
DURATION = Parsed("a duration such as 15m, 1d, 168h", Duration.parse, _LENGTH)
GRAIN = Parsed(f"a grain ({GRAIN_HELP})", Grain.parse, _LENGTH)
ZONE = Parsed("an IANA time zone such as Europe/Berlin", _zone, r"[A-Za-z0-9_+/-]+")
DATE = Parsed("a date such as 2026-10-01", dt.date.fromisoformat, _DAY)
INSTANT = Parsed("a time such as 2026-10-01T00:00:00Z", _instant, _DAY + r"(?:[T ].+)?", text_of=dt.datetime.isoformat)
COLUMN_TYPE = Parsed(
    f"one of {', '.join(_TYPES)}, decimal(p,s)", _column_type, "|".join(_TYPES) + r"|decimal\(\s*\d{1,2}\s*,\s*\d{1,2}\s*\)"
)
RATE = Parsed("an amount in a period such as 1/week, 3/30d", Rate.parse, r"[0-9.eE+-]+\s*/.+")
SHARE = Parsed("a share such as 3% or 0.03", _share, r"[0-9.eE+-]+\s*%?", numbers=True)
TEXT, FLAG, FREE = Text(), Flag(), Free()
TEXTS = ListOf(TEXT)
