"""The values of one computation by key and time, before they become a frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Block", "Point", "from_points"]

Key = tuple[str | None, ...]
Point = tuple[Key, int]


@dataclass(frozen=True)
class Block:
    """Columns of the same length, one row a point; `value` is NaN where there is none, `status` as in `frame.Status`."""

    points: tuple[Point, ...]
    value: npt.NDArray[np.float64]
    count: npt.NDArray[np.int64]
    status: npt.NDArray[np.uint8]

    def index(self) -> dict[Point, int]:
        """Where each point stands."""
        return {point: number for number, point in enumerate(self.points)}


def from_points(points: Sequence[Point], value: npt.ArrayLike, count: npt.ArrayLike, status: npt.ArrayLike) -> Block:
    """A block from sequences."""
    return Block(
        tuple(points),
        np.asarray(value, dtype=np.float64),
        np.asarray(count, dtype=np.int64),
        np.asarray(status, dtype=np.uint8),
    )
