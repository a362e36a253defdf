"""Periods as people write them."""

from __future__ import annotations

import datetime as dt

from metricsctl.core.durations import Duration
from metricsctl.core.errors import UsageError
from metricsctl.core.timegrid import local_to_utc, shift
from metricsctl.query.fetch import Period

__all__ = ["parse_period"]


def parse_period(since: int | str | None, until: int | str | None, zone: str, reference: int | None) -> Period:
    """The period between two times; relative ones (`7d`) count back from `reference`. UsageError if one cannot be read.

    >>> parse_period("1970-01-02", None, "UTC", None)
    Period(since=86400000000, until=None)
    """
    period = Period(_moment(since, zone, reference), _moment(until, zone, reference))
    if period.since is not None and period.until is not None and period.since >= period.until:
        raise UsageError("the period is empty: --since is not before --until", hint="exchange them?")
    return period


def _moment(text: int | str | None, zone: str, reference: int | None) -> int | None:
    if text is None or isinstance(text, int):
        return text
    try:
        back = Duration.parse(text)
    except ValueError:
        return _absolute(text, zone)
    return None if reference is None else shift(reference, back, zone, sign=-1)


def _absolute(text: str, zone: str) -> int:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"'{text}' is not a time", hint="write 2026-11-20, 2026-11-20T14:00Z, or 7d (back from the watermark)") from error
    if moment.tzinfo is None:
        return local_to_utc(moment, zone)
    return (moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1)
