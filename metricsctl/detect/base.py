"""What a detector is: scores of points by their past alone."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

__all__ = ["Band", "BandDetector", "Detector", "FloatArray", "State", "Status", "part_of", "prefixed", "rowwise"]

FloatArray = npt.NDArray[np.float64]
State = dict[str, npt.NDArray[Any]]
"""What something that works bit by bit has learned, by name: numbers, and arrays whose first axis is the series."""


class Status(enum.IntEnum):
    """What can be said of a point. Only NORMAL means that it was judged and found in order.

    WARMING_UP: too little history. MISSING: there is no value. OPEN: events may still come. EXCLUDED: left out for a reason of its own,
    such as a time that stands twice.
    """

    NORMAL = 0
    ANOMALY = 1
    WARMING_UP = 2
    MISSING = 3
    OPEN = 4
    EXCLUDED = 5

    @property
    def word(self) -> str:
        """Its name in reports."""
        return self.name.lower()


@runtime_checkable
class Detector(Protocol):
    """Scores the points of equally spaced series; larger is odder.

    `invariant` names the changes of a series that leave its scores as they are: "scale" (times a positive number), "shift" (plus a number).
    `horizons` are the numbers of windows over which deviations are also added up before they are calibrated.
    """

    invariant: ClassVar[frozenset[str]]
    horizons: ClassVar[tuple[int, ...]]

    def score(self, values: FloatArray) -> FloatArray:
        """The score of every point by nothing after it; NaN while warming up and where there is no value. Shape (n,) or (series, n)."""


@dataclass(frozen=True, slots=True)
class Band:
    """What was expected of each point, and one standard deviation of it; NaN while warming up. Shape (series, n)."""

    expected: FloatArray
    scale: FloatArray

    def score(self, values: FloatArray) -> FloatArray:
        """Distance from what was expected, in standard deviations; a flat past that moves at last gives infinity."""
        apart = np.abs(values - self.expected)
        with np.errstate(divide="ignore", invalid="ignore"):
            found = apart / self.scale
        return np.where(np.isfinite(values) & (apart == 0) & ~np.isnan(self.scale), 0.0, np.where(np.isfinite(values), found, np.nan))


@runtime_checkable
class BandDetector(Detector, Protocol):
    """A detector whose score is a distance from an expected value."""

    def band(self, values: FloatArray) -> Band:
        """What was expected of every point by its past alone. Shape (series, n) in and out; values that are not finite count as absent."""


def rowwise(values: FloatArray, work: Callable[[FloatArray], FloatArray]) -> FloatArray:
    """Apply work on (series, n) to values of either shape; what is not finite becomes NaN before."""
    table = np.atleast_2d(np.asarray(values, dtype=np.float64))
    if not table.size:
        return np.full(np.shape(values), np.nan)
    result = work(np.where(np.isfinite(table), table, np.nan))
    return result.reshape(np.shape(values))


def prefixed(prefix: str, state: State) -> State:
    """The state of a part, by the names that it has in the whole."""
    return {prefix + name: value for name, value in state.items()}


def part_of(state: Mapping[str, npt.NDArray[Any]], prefix: str) -> State:
    """What `prefixed` was made of."""
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
