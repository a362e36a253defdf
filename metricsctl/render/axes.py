"""Where the marks of an axis stand, and what is written at them."""

from __future__ import annotations

import datetime as dt
import math

from metricsctl.core.durations import US, Duration
from metricsctl.core.timegrid import local_to_utc, zone_of

__all__ = ["number_marks", "time_marks"]

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_STEPS = ("1s", "5s", "15s", "1m", "5m", "15m", "30m", "1h", "3h", "6h", "12h", "1d", "2d", "7d", "14d", "1mo", "2mo", "3mo", "6mo", "12mo")


def number_marks(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers between two values, at most `most` and one more: steps of 1, 2 or 5 times a power of ten.

    >>> number_marks(0, 97)
    [0.0, 20.0, 40.0, 60.0, 80.0]
    """
    if not high > low:
        return [low]
    raw = (high - low) / most
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [number * step + 0.0 for number in range(first, math.floor(high / step + 1e-9) + 1)]


def time_marks(first: int, last: int, zone: str, most: int = 8) -> list[tuple[int, str]]:
    """Round times of the local clock between two instants (microseconds), each with its label; at most about `most`.

    >>> time_marks(0, 6 * 86_400_000_000, "UTC")[:2]
    [(0, '1970-01-01'), (86400000000, '01-02')]
    """
    step = Duration.parse(next((text for text in _STEPS if (last - first) / Duration.parse(text).microseconds <= most), "12mo"))
    tz = zone_of(zone)
    local = (_EPOCH + dt.timedelta(microseconds=first)).astimezone(tz).replace(tzinfo=None)
    if step.unit == "mo":
        start = dt.datetime(local.year, (local.month - 1) // step.amount * step.amount + 1, 1)  # noqa: DTZ001 - a wall clock
    else:
        start = dt.datetime(local.year, local.month, local.day)  # noqa: DTZ001 - a wall clock
        if step.microseconds < US["d"]:
            inside = (local - start) // dt.timedelta(microseconds=step.microseconds)
            start += inside * dt.timedelta(microseconds=step.microseconds)
    found: list[tuple[int, str]] = []
    before = ""
    while (time := local_to_utc(start, zone)) <= last:
        if time >= first:
            text = start.strftime("%Y-%m-%d %H:%M:%S")
            found.append((time, _label(text, before, step)))
            before = text
        start = _next(start, step)
    return found


def _next(start: dt.datetime, step: Duration) -> dt.datetime:
    """The wall clock a step later."""
    if step.unit != "mo":
        return start + dt.timedelta(microseconds=step.microseconds)
    month = start.month - 1 + step.amount
    return start.replace(year=start.year + month // 12, month=month % 12 + 1)


def _label(text: str, before: str, step: Duration) -> str:
    """What is new: the year and the day once, then the day or the time alone."""
    if step.microseconds >= US["d"]:
        return text[5:10] if before[:4] == text[:4] else text[:10]
    clock = text[11:] if step.unit == "s" else text[11:16]
    return clock if before[:10] == text[:10] else text[:10] if clock[:5] == "00:00" else f"{text[:10]} {clock}"
