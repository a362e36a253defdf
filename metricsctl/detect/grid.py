"""Windows in time as places on a wall clock, so that a time of day stands in the same place all year."""

from __future__ import annotations

import zoneinfo
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from metricsctl.core.durations import US
from metricsctl.core.timegrid import Grain, zone_of
from metricsctl.detect.base import FloatArray
from metricsctl.detect.detectors.seasonal_robust_z import Season

__all__ = ["Grid", "seasons_of", "wall_clock"]

Times = npt.NDArray[np.int64]
_HALF_HOUR = US["h"] // 2


@dataclass(frozen=True, slots=True)
class Grid:
    """The windows of some series and their places on a line without gaps, on which detectors work.

    An hour that the clock leaves out is an empty place. Of two windows at one place (the clock is put back) only the first is `single`.
    """

    times: Times
    place: Times
    single: npt.NDArray[np.bool_]
    size: int
    length: int  # nominal length of a window, microseconds; 0 where there is no cadence
    start: int  # of the first place, microseconds since 1970 on the wall clock

    @classmethod
    def of(cls, times: Times, place: Times, length: int, start: int | None = None) -> Grid:
        """The grid of windows in the order of time; without a `start` the wall clock is UTC."""
        own = place - place[0] if len(place) else place
        single = np.ones(len(own), dtype=bool)
        single[1:] = np.diff(own) > 0
        if start is None:
            start = int(times[0]) if len(times) else 0
        return cls(times, own, single, int(own[-1]) + 1 if len(own) else 0, length, start)

    def spread(self, values: FloatArray) -> FloatArray:
        """Values by window (series, windows) as values by place, NaN where there is no window."""
        found = np.full((len(values), self.size), np.nan)
        found[:, self.place[self.single]] = values[:, self.single]
        return found

    def gather(self, values: FloatArray) -> FloatArray:
        """Values by place as values by window, NaN for the second of two at one place."""
        return np.where(self.single, values[:, self.place], np.nan)


def _offsets(times: Times, zone: zoneinfo.ZoneInfo) -> Times:
    """Microseconds that the local clock is ahead of UTC."""
    import datetime as dt

    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    found, inverse = np.unique(times // _HALF_HOUR, return_inverse=True)
    ahead = [
        ((epoch + dt.timedelta(microseconds=int(half) * _HALF_HOUR)).astimezone(zone).utcoffset() or dt.timedelta())
        // dt.timedelta(microseconds=1)
        for half in found
    ]
    return np.array(ahead, dtype=np.int64)[inverse]


def wall_clock(times: Times, grain: Grain, zone: str) -> Times:
    """The number of each window on the local clock; `times` are all windows of a period.

    Neighbours differ by 1, except where the clock is changed and windows are an hour or shorter.
    """
    local = times + _offsets(times, zone_of(zone))
    if grain.unit == "mo":
        return (local.view("datetime64[us]").astype("datetime64[M]")).astype(np.int64)
    if grain.unit == "w":
        return (local // US["d"] + 3) // 7
    if grain.unit == "d":
        return local // US["d"]
    if grain.is_fixed:
        return local // grain.microseconds
    day = local // US["d"]  # two hours and more count from midnight, and a day always has as many of them
    first = np.searchsorted(day, day)
    number = np.arange(len(day)) - first
    number[day == day[:1]] += local[:1] % US["d"] // grain.microseconds
    return day * (24 // grain.amount) + number


def seasons_of(length: int, *, weekly_only: bool) -> tuple[Season, ...]:
    """The seasons of windows of a length in microseconds: the week, and unless `weekly_only` the day while weeks are not known.

    None where the length is 0: a point is then set against the last ones.

    >>> [season.period for season in seasons_of(3_600_000_000, weekly_only=False)]
    [168, 24]
    """
    if not length:
        return (Season(1, 64, 20),)
    day = US["d"] / length
    if day > 1:
        whole = abs(day - round(day)) < 0.01 * day
        if not whole:
            return (Season(1, 64, 20),)
        week = Season(round(7 * day))
        return (week,) if weekly_only else (week, Season(round(day), 14, 3))
    if abs(day - 1) < 0.01:
        return (Season(7, 8, 3),)
    return (Season(1, 26, 8),)
