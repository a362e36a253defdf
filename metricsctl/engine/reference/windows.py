"""Windows of time from first principles: the wall clock of a zone, asked instant by instant.

Times are microseconds since 1970 in UTC.
"""

from __future__ import annotations

import datetime as dt
import functools
import zoneinfo
from collections.abc import Callable

from metricsctl.core.durations import Duration
from metricsctl.core.timegrid import Grain

__all__ = ["calendar_start", "from_wall_clock", "shifted_back", "shifted_on", "wall_clock", "window_end", "window_start"]

_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - wall clocks here are naive, UTC's among them
_US = dt.timedelta(microseconds=1)
_DAY = dt.timedelta(days=1)
_STEPS = {"ms": 1_000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000}


def _utc_clock(us: int) -> dt.datetime:
    return _EPOCH + us * _US


def _offset(us: int, zone: str) -> dt.timedelta:
    """How far the clocks of a zone are ahead of UTC at an instant."""
    moment = _utc_clock(us).replace(tzinfo=dt.UTC).astimezone(zoneinfo.ZoneInfo(zone))
    return moment.utcoffset() or dt.timedelta()


def wall_clock(us: int, zone: str) -> dt.datetime:
    """What the clocks of a zone show at an instant, naive."""
    return _utc_clock(us) + _offset(us, zone)


def from_wall_clock(clock: dt.datetime, zone: str, *, later: bool = True) -> int:
    """The instant at which the clocks of a zone show `clock`.

    Where they show it twice, the later one or the earlier; where they never do, as many hours after the jump as it is ahead of it.
    """
    guess = (clock - _EPOCH) // _US
    day = _DAY // _US
    before, after = _offset(guess - day, zone), _offset(guess + day, zone)
    fitting = [guess - offset // _US for offset in (before, after) if wall_clock(guess - offset // _US, zone) == clock]
    if not fitting:
        return guess - before // _US
    return max(fitting) if later else min(fitting)


@functools.cache
def _day_start(day: dt.date, zone: str) -> int:
    """The first instant of a local day, searched by halving."""
    nominal = (dt.datetime.combine(day, dt.time()) - _EPOCH) // _US
    low, high = nominal - 2 * _DAY // _US, nominal + 2 * _DAY // _US
    while high - low > 1:
        middle = (low + high) // 2
        if wall_clock(middle, zone).date() < day:
            low = middle
        else:
            high = middle
    return high


def _first_day(day: dt.date, grain: Grain) -> dt.date:
    if grain.unit == "w":
        while day.weekday() != grain.week_start:
            day -= _DAY
        return day
    return day.replace(day=1) if grain.unit == "mo" else day


def _following_day(day: dt.date, grain: Grain) -> dt.date:
    """The first day of the calendar unit after the one that begins on `day`."""
    following = day + _DAY
    while _first_day(following, grain) == day:
        following += _DAY
    return following


def _day_windows(day: dt.date, hours: int, zone: str) -> list[int]:
    """Starts of the windows of several hours in a local day: that many elapsed hours apart, as many as a common day has."""
    first, end = _day_start(day, zone), _day_start(day + _DAY, zone)
    starts = [first + number * hours * _STEPS["h"] for number in range(24 // hours)]
    return [start for start in starts if start < end]


def window_start(us: int, grain: Grain, zone: str) -> int:
    """Start of the window that an instant lies in."""
    if grain.unit in {"ms", "s", "m"} or (grain.unit == "h" and grain.amount == 1):
        step = grain.amount * _STEPS[grain.unit]
        return us // step * step
    day = wall_clock(us, zone).date()
    if grain.unit == "h":
        return max(start for start in _day_windows(day, grain.amount, zone) if start <= us)
    return _day_start(_first_day(day, grain), zone)


def window_end(start: int, grain: Grain, zone: str) -> int:
    """End of the window that starts at `start`, which is the start of the next one."""
    if grain.unit in {"ms", "s", "m"} or (grain.unit == "h" and grain.amount == 1):
        return start + grain.amount * _STEPS[grain.unit]
    day = wall_clock(start, zone).date()
    if grain.unit == "h":
        later = [other for other in _day_windows(day, grain.amount, zone) if other > start]
        return min(later) if later else _day_start(day + _DAY, zone)
    return _day_start(_following_day(day, grain), zone)


def calendar_start(us: int, period: str, zone: str, week_start: int = 0) -> int:
    """The beginning of the day, week, month, quarter or year that an instant lies in, found by going back day by day."""
    day = today = wall_clock(us, zone).date()
    monday = week_start * _DAY
    same: Callable[[dt.date], bool] = {
        "day": lambda other: other == today,
        "week": lambda other: (other - monday).isocalendar()[:2] == (today - monday).isocalendar()[:2],
        "month": lambda other: (other.year, other.month) == (today.year, today.month),
        "quarter": lambda other: (other.year, (other.month - 1) // 3) == (today.year, (today.month - 1) // 3),
        "year": lambda other: other.year == today.year,
    }[period]
    while same(day - _DAY):
        day -= _DAY
    return _day_start(day, zone)


def shifted_back(us: int, by: Duration, zone: str) -> int:
    """The instant a duration earlier: days, weeks and months by the calendar, all else elapsed."""
    return _shifted(us, by, zone, -1)


def shifted_on(us: int, by: Duration, zone: str) -> int:
    """The instant a duration later."""
    return _shifted(us, by, zone, 1)


def _shifted(us: int, by: Duration, zone: str, sign: int) -> int:
    if by.unit in _STEPS:
        return us + sign * by.amount * _STEPS[by.unit]
    clock = wall_clock(us, zone)
    if by.unit == "mo":
        return from_wall_clock(_months_on(clock, sign * by.amount), zone, later=False)
    days = by.amount * (7 if by.unit == "w" else 1)
    return from_wall_clock(clock + sign * days * _DAY, zone, later=False)


def _months_on(clock: dt.datetime, months: int) -> dt.datetime:
    """The same day of another month, or that month's last."""
    number = clock.year * 12 + clock.month - 1 + months
    for day in range(clock.day, 0, -1):
        try:
            return clock.replace(year=number // 12, month=number % 12 + 1, day=day)
        except ValueError:
            continue
    raise AssertionError("every month has a first day")
