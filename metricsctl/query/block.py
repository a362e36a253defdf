"""The values of one computation by key and time, before they become a frame."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Block", "Point", "from_points"]

Key = tuple[str | None, ...]
Point = tuple[Key, int]


@dataclass(frozen=True)
class Block:
    """Columns of the same length, one row a point; `value` is NaN where there is none, `status` as in `frame.Status`.

    `keys` has an object array (text, or None) for each dimension, `time` the starts of the windows in microseconds, UTC.
    """

    keys: tuple[npt.NDArray[np.object_], ...]
    time: npt.NDArray[np.int64]
    value: npt.NDArray[np.float64]
    count: npt.NDArray[np.int64]
    status: npt.NDArray[np.uint8]

    @functools.cached_property
    def points(self) -> list[Point]:
        """The points as pairs of key and time: for what cannot be done by column, since to make them takes longer than to read them."""
        keys: list[Key] = list(zip(*(column.tolist() for column in self.keys), strict=True)) if self.keys else [()] * len(self.time)
        return list(zip(keys, self.time.tolist(), strict=True))

    @functools.cached_property
    def index(self) -> dict[tuple[Key, int | None], int]:
        """Where each point stands."""
        return {point: number for number, point in enumerate(self.points)}


def from_points(points: Sequence[Point], value: npt.ArrayLike, count: npt.ArrayLike, status: npt.ArrayLike) -> Block:
    """A block from sequences."""
    width = len(points[0][0]) if points else 0
    keys = tuple(np.empty(len(points), dtype=object) for _ in range(width))
    for number, column in enumerate(keys):
        column[:] = [key[number] for key, _ in points]
    return Block(
        keys,
        np.array([time for _, time in points], dtype=np.int64),
        np.asarray(value, dtype=np.float64),
        np.asarray(count, dtype=np.int64),
        np.asarray(status, dtype=np.uint8),
    )
