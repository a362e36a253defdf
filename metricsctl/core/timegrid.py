"""Windows of time: the one place that knows grains, zones and calendars.

Times are int64 microseconds since 1970 in UTC. Grains up to an hour are fixed steps aligned to UTC; 2 h to 12 h count elapsed time
from local midnight (the last window of a day is shorter or longer when the clocks change); days, ISO weeks and months are local.
"""

from __future__ import annotations

import datetime as dt
import functools
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from metricsctl.core.durations import US, Duration

__all__ = ["GRAIN_HELP", "WHOLE", "Grain", "TimeGrid", "local_to_utc", "period_start", "shift", "to_iso", "zone_of"]

HOUR = US["h"]
GRAIN_HELP = "a step that divides an hour (1s .. 1h), 2h 3h 4h 6h 8h 12h, 1d, 1w, 1mo"
_WHOLE, _EVER = "all", 1 << 62
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)


@functools.cache
def zone_of(name: str) -> zoneinfo.ZoneInfo:
    """The IANA zone called `name`; ValueError if there is none."""
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        message = f"'{name}' is not an IANA time zone"
        raise ValueError(message) from error


def _utc(moment: dt.datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _local(us: int, zone: zoneinfo.ZoneInfo) -> dt.datetime:
    return (_EPOCH + dt.timedelta(microseconds=us)).astimezone(zone)


def local_to_utc(naive: dt.datetime, zone: str) -> int:
    """The instant of a wall-clock time: the later one where the clock shows it twice, after the gap where it never does."""
    tz = zone_of(zone)
    first, second = naive.replace(tzinfo=tz, fold=0), naive.replace(tzinfo=tz, fold=1)
    return max(_utc(first), _utc(second))


def to_iso(us: int, zone: str = "UTC") -> str:
    """An instant as ISO 8601 in `zone`, with `Z` for UTC and no more digits than it needs.

    >>> to_iso(0), to_iso(0, "Europe/Berlin")
    ('1970-01-01T00:00:00Z', '1970-01-01T01:00:00+01:00')
    """
    return _local(us, zone_of(zone)).isoformat().replace("+00:00", "Z")


def _day_start(day: dt.date, zone: zoneinfo.ZoneInfo) -> int:
    return _utc(dt.datetime(day.year, day.month, day.day, tzinfo=zone))


def shift(us: int, by: Duration, zone: str, *, sign: int = 1) -> int:
    """`us` moved by a duration: calendar units keep the wall clock in `zone`, the others are elapsed time."""
    if not by.is_calendar:
        return us + sign * by.microseconds
    local = _local(us, zone_of(zone)).replace(tzinfo=None)
    if by.unit == "mo":
        months = local.year * 12 + local.month - 1 + sign * by.amount
        year, month = divmod(months, 12)
        last = (dt.date(year + (month == 11), (month + 1) % 12 + 1, 1) - dt.timedelta(days=1)).day
        moved = local.replace(year=year, month=month + 1, day=min(local.day, last))
    else:
        moved = local + sign * dt.timedelta(days=by.amount * (7 if by.unit == "w" else 1))
    return _utc(moved.replace(tzinfo=zone_of(zone)))


def period_start(us: int, period: str, zone: str, week_start: int = 0) -> int:
    """The beginning of the calendar's `day`, `week`, `month`, `quarter` or `year` that holds the instant `us`; 0 is Monday.

    >>> to_iso(period_start(HOUR * 24 * 200, "quarter", "UTC"))
    '1970-07-01T00:00:00Z'
    """
    day = _local(us, zone_of(zone)).date()
    if period == "week":
        day -= dt.timedelta(days=(day.weekday() - week_start) % 7)
    elif period != "day":
        months = {"month": 1, "quarter": 3, "year": 12}[period]
        day = day.replace(month=(day.month - 1) // months * months + 1, day=1)
    return _day_start(day, zone_of(zone))


@dataclass(frozen=True, slots=True)
class Grain:
    """The length of a metric's windows; `Grain.parse` admits only lengths whose windows tile the calendar.

    Weeks begin on the weekday `week_start`, of which 0 is Monday.
    """

    amount: int
    unit: str
    week_start: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `5m`, `1h`, `day` ...; ValueError says what is allowed.

        >>> str(Grain.parse("60m")), str(Grain.parse("month"))
        ('1h', '1mo')
        """
        duration = Duration.parse(text)
        amount, unit = duration.amount, duration.unit
        if not duration.is_calendar and duration.microseconds % HOUR == 0:
            amount, unit = duration.microseconds // HOUR, "h"
        elif unit == "s" and amount % 60 == 0:
            amount, unit = amount // 60, "m"
        if (amount, unit) in {(24, "h"), (7, "d")}:
            amount, unit = 1, {"h": "d", "d": "w"}[unit]
        fits = (
            amount == 1
            if unit in {"d", "w", "mo"}
            else (amount in {1, 2, 3, 4, 6, 8, 12} if unit == "h" else amount > 0 and HOUR % (amount * US[unit]) == 0)
        )
        if not fits:
            message = f"'{text}' is not a grain ({GRAIN_HELP})"
            raise ValueError(message)
        return cls(amount, unit)

    @property
    def is_fixed(self) -> bool:
        """Whether its windows are fixed steps aligned to UTC, the same in every zone."""
        return self.unit in {"ms", "s", "m"} or (self.unit, self.amount) == ("h", 1)

    @property
    def microseconds(self) -> int:
        """Nominal length of a window (a month 30 days); orders grains."""
        return _EVER if self.unit == _WHOLE else Duration(self.amount, self.unit).microseconds

    def __str__(self) -> str:
        return self.unit if self.unit == _WHOLE else f"{self.amount}{self.unit}"


WHOLE = Grain(1, _WHOLE)
"""One window that holds all time since 1970, as a total needs it; no metric can be stored by it, and an offset in it means nothing."""


@dataclass(frozen=True, slots=True)
class TimeGrid:
    """The windows of a grain in a zone."""

    grain: Grain
    zone: str = "UTC"

    def floor(self, us: int) -> int:
        """Start of the window that holds the instant `us`.

        >>> TimeGrid(Grain.parse("1d"), "Europe/Berlin").floor(0) == -HOUR
        True
        """
        grain = self.grain
        if grain.is_fixed:
            return us - us % grain.microseconds
        if grain == WHOLE:
            return 0
        zone = zone_of(self.zone)
        day = _local(us, zone).date()
        if grain.unit == "h":
            midnight = _day_start(day, zone)
            step = grain.microseconds
            return midnight + min((us - midnight) // step, 24 // grain.amount - 1) * step
        if grain.unit == "w":
            day -= dt.timedelta(days=(day.weekday() - grain.week_start) % 7)
        elif grain.unit == "mo":
            day = day.replace(day=1)
        return _day_start(day, zone)

    def next(self, start: int) -> int:
        """Start of the window after the one that starts at `start`, which is the end of that one."""
        grain = self.grain
        if grain.is_fixed or grain == WHOLE:
            return start + grain.microseconds
        zone = zone_of(self.zone)
        day = _local(start, zone).date()
        if grain.unit == "h":
            following = _day_start(day + dt.timedelta(days=1), zone)
            last = (start - _day_start(day, zone)) // grain.microseconds >= 24 // grain.amount - 1
            return following if last else start + grain.microseconds
        if grain.unit == "mo":
            return _day_start((day.replace(day=28) + dt.timedelta(days=4)).replace(day=1), zone)
        return _day_start(day + dt.timedelta(days=7 if grain.unit == "w" else 1), zone)

    def starts(self, first: int, last: int) -> Iterator[int]:
        """Starts of all windows that hold an instant of [first, last], in order."""
        start = self.floor(first)
        while start <= last:
            yield start
            start = self.next(start)

    def holds(self, finer: TimeGrid, first: int, last: int) -> bool:
        """Whether every window boundary within [first, last] is one of `finer` too, so that its windows add up to ours."""
        if self.grain == WHOLE:
            return True
        if finer.grain.is_fixed and self.grain.is_fixed:
            return self.grain.microseconds % finer.grain.microseconds == 0
        return all(finer.floor(start) == start for start in self.starts(first, last))
