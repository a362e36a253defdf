"""Series cut into blocks: what is learned before a block judges its points.

Blocks begin at fixed places, ever longer as the past grows, so that neither the length of a series nor the sizes in which it arrives
change a score. A detector keeps what it needs of the past on a `Tape`, and what it adds up in a `Memory` of arrays: both together are its
state.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from metricsctl.detect.base import FloatArray

__all__ = ["HUGE", "Memory", "Tape", "block_end", "blocks", "filled"]

Memory = dict[str, FloatArray]
"""What a detector has added up, by name; the first axis of each array is the series."""

_SHORTEST, _SHARE = 32, 5
_LONG, _LONGEST, _LONG_SHARE = 256, 1024, 128
HUGE = 1e120  # larger values would overflow when they are squared


def block_end(first: int) -> int:
    """Where the block that begins at `first` ends.

    >>> block_end(0), block_end(1000), block_end(1_000_000)
    (32, 1200, 1001024)
    """
    most = min(max(first // _LONG_SHARE, _LONG), _LONGEST)
    return first + min(max(first // _SHARE, _SHORTEST), most)


def blocks(first: int, end: int) -> Iterator[tuple[int, int]]:
    """The blocks from the one that begins at `first` up to `end`; the last one may be cut short."""
    while first < end:
        last = block_end(first)
        yield first, min(last, end)
        first = last


@dataclass(slots=True)
class Tape:
    """Values of the past and of the present block, shape (series, n); the first column is point number `offset`.

    `known` says which of them there are, and which only stand for missing ones.
    """

    values: FloatArray
    known: npt.NDArray[np.bool_]
    offset: int = 0

    def span(self, first: int, last: int) -> FloatArray:
        """The points from `first` to before `last`; NaN for those before the tape begins."""
        begin = first - self.offset
        if begin >= 0:
            return self.values[:, begin : last - self.offset]
        known = self.values[:, : max(last - self.offset, 0)]
        return np.concatenate([np.full((len(known), last - first - known.shape[1]), np.nan), known], axis=1)

    def observed(self, first: int, last: int) -> FloatArray:
        """The points from `first` to before `last`; NaN for missing ones, and those before the tape begins."""
        begin = max(first - self.offset, 0)
        found = np.where(self.known[:, begin : last - self.offset], self.values[:, begin : last - self.offset], np.nan)
        return np.concatenate([np.full((len(found), last - first - found.shape[1]), np.nan), found], axis=1)

    def past(self, first: int, window: int) -> FloatArray:
        """The last `window` points before `first`, or fewer where there are no more."""
        return self.values[:, max(first - window - self.offset, 0) : first - self.offset]


def filled(values: FloatArray, before: FloatArray | None = None) -> FloatArray:
    """Each value that is not finite replaced by the last one known (`before` the first column: shape (series,)); huge ones cut."""
    table = np.where(np.isfinite(values), np.clip(values, -HUGE, HUGE), np.nan)
    if before is not None:
        table = np.concatenate([before[:, None], table], axis=1)
    gaps = np.isnan(table)
    if gaps.any():
        place = np.maximum.accumulate(np.where(gaps, 0, np.arange(table.shape[1])), axis=1)
        table = np.take_along_axis(table, place, axis=1)
    return table if before is None else table[:, 1:]
