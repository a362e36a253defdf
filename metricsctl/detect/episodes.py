"""From points to episodes: one for each stretch, with its start, its peak and its end."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from metricsctl.core.durations import US
from metricsctl.detect.base import FloatArray

__all__ = ["ELEVATED", "Stretch", "fingerprint", "quiet_windows", "stretches"]

ELEVATED = 1.0  # standard deviations beyond which a window beside an anomaly belongs to it
_STRONG = 4.0  # standard deviations from which on a window raises an alert by itself
_DRIFT, _STRONG_DRIFT = 0.75, 2.0  # standard deviations that a window must add to be part of the way to a weak or a strong alert
_LOOK_BACK = 16
_WORSE = 1.0  # decades: ten times less probable


@dataclass(frozen=True, slots=True)
class Stretch:
    """An episode as places in a series: where it began, where it was first noticed, its peak, its last window, and its side (1 above).

    `again` are the places at which it is told of once more, since it got worse.
    """

    onset: int
    alert: int
    peak: int
    end: int
    side: int
    again: tuple[int, ...] = ()

    @property
    def alerts(self) -> list[int]:
        """Where an alert is raised."""
        return [self.alert, *self.again]


def quiet_windows(length: int) -> int:
    """How many ordinary windows end an episode, for windows of a length in microseconds: half a day, at least twelve and at most 120.

    Of a day or longer it is three.

    >>> [quiet_windows(US["d"] // a_day) for a_day in (1, 24, 288, 1440)]
    [3, 12, 120, 120]
    """
    return 3 if length >= US["d"] else min(max(US["d"] // 2 // length if length else 0, 12), 120)


def stretches(
    anomaly: npt.NDArray[np.bool_], side: npt.NDArray[np.int8], score: FloatArray, deviation: FloatArray, quiet: int
) -> Iterator[Stretch]:
    """The episodes of one series, in the order of their alerts.

    Anomalies no more than `quiet` apart are one, unless more than a quarter of that (and three) was quiet and the next is odder than all of
    them: that is another incident. One on the other side begins an episode of its own if it is ten times less probable than all before it:
    what swings back is no news. One on the same side that is, and comes at least `quiet` after the last alert, is an alert again.
    """
    previous = -1
    for group in _groups(anomaly, side, score, quiet):
        sign = int(side[group[0]])
        first = max(min(previous + 1, group[0]), group[0] - _LOOK_BACK + 1)
        towards = np.nan_to_num(sign * deviation[first : group[-1] + 1], nan=0.0, posinf=1e9, neginf=-1e9)
        onset = _onset(towards, group[0] - first)
        end = _end(towards, onset)
        previous = first + end
        peak = onset + int(np.argmax(towards[onset : end + 1]))
        yield Stretch(first + onset, group[0], first + peak, previous, sign, tuple(_again(group, score, quiet)))


def _groups(anomaly: npt.NDArray[np.bool_], side: npt.NDArray[np.int8], score: FloatArray, quiet: int) -> list[list[int]]:
    groups: list[list[int]] = []
    largest, last = -np.inf, -np.inf
    for place in np.flatnonzero(anomaly).tolist():
        gap = place - last
        near = gap <= max(quiet // 4, 3) or (gap <= quiet and score[place] <= largest)
        joins = near and (side[groups[-1][0]] == side[place] or score[place] < largest + _WORSE)
        if joins:
            groups[-1].append(place)
        else:
            groups.append([place])
        largest, last = max(score[place], largest if joins else -np.inf), place
    return groups


def _again(group: list[int], score: FloatArray, quiet: int) -> Iterator[int]:
    """Where an episode got worse long enough after it was last told of."""
    last, largest = group[0], score[group[0]]
    for place in group[1:]:
        if score[place] >= largest + _WORSE and place - last >= quiet:
            yield place
            last = place
        largest = max(largest, score[place])


def _onset(towards: FloatArray, alert: int) -> int:
    """The window from which on the evidence up to the alert is largest."""
    drift = _STRONG_DRIFT if towards[alert] >= _STRONG else _DRIFT
    evidence = np.cumsum((towards[: alert + 1] - drift)[::-1])
    return alert - int(np.argmax(evidence))


def _end(towards: FloatArray, onset: int) -> int:
    """The last anomaly that is by itself out of the ordinary: a sum of deviations stays high a while longer."""
    end = len(towards) - 1
    while end > onset and towards[end] <= ELEVATED:
        end -= 1
    return end


def fingerprint(metric: str, key: Mapping[str, str | None], onset: int, side: int) -> str:
    """A name for an episode that is the same whenever it is found again.

    >>> fingerprint("revenue", {"country": "DE"}, 0, -1)
    'EP-be6486'
    """
    text = repr((metric, sorted(key.items()), onset, side))
    return "EP-" + hashlib.blake2b(text.encode(), digest_size=3).hexdigest()
