"""Which combination of dimension values carries a change."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Carrier", "Cells", "search"]

FloatArray = npt.NDArray[np.float64]
Key = tuple[str | None, ...]
_PRICE = 0.05  # what each further value or dimension must explain more
_GAIN = 0.1  # what a further value of a set must explain
_MEMBERS = 4


@dataclass(frozen=True, slots=True)
class Carrier:
    """A set of segments of the same dimensions: all that moved, if the rest had stayed.

    `share` of the change lies in them, their explanatory power; it can exceed 1 where the rest moved against it. `fit` is the share of all
    movement, of either direction, that is described by "each of these moved by a factor of its own, nothing else moved": 1 is perfect.
    """

    members: tuple[Mapping[str, str | None], ...]
    share: float
    fit: float

    @property
    def dimensions(self) -> tuple[str, ...]:
        """What the segments are of; empty for everything alike."""
        return tuple(self.members[0]) if self.members else ()

    @property
    def score(self) -> float:
        """Fit, less a price for each value and dimension: of two that explain the same the shorter one wins."""
        return self.fit - _PRICE * (len(self.members) + max(len(self.dimensions) - 1, 0))


@dataclass(frozen=True)
class Cells:
    """The finest segments, one row each: their keys, what each adds to the change, and its usual size."""

    dimensions: tuple[str, ...]
    keys: Sequence[Key]
    contribution: FloatArray
    size: FloatArray

    def codes(self) -> tuple[npt.NDArray[np.int64], list[list[str | None]]]:
        """Each cell's values as numbers, shape (cells, dimensions), and what the numbers stand for."""
        columns, labels = [], []
        for place in range(len(self.dimensions)):
            values = [key[place] for key in self.keys]
            known = sorted(set(values), key=lambda value: (value is not None, value or ""))
            number = {value: code for code, value in enumerate(known)}
            columns.append([number[value] for value in values])
            labels.append(known)
        return np.array(columns, dtype=np.int64).T.reshape(len(self.keys), len(self.dimensions)), labels

    def inside(self, members: Sequence[Mapping[str, str | None]]) -> npt.NDArray[np.bool_]:
        """Which cells lie in any of some segments."""
        places = {name: place for place, name in enumerate(self.dimensions)}
        return np.array(
            [any(all(key[places[name]] == value for name, value in member.items()) for member in members) for key in self.keys], dtype=bool
        )


def search(cells: Cells, depth: int = 2) -> tuple[Carrier, ...]:
    """The best set of each combination of at most `depth` dimensions, and "everything alike" (no members), best first.

    With d the contribution and w the size of a cell, a segment g describes

        sum over g of |d| - |d - w * D_g / W_g|

    of the movement sum |d|: as much as its cells moved in step. Sets grow greedily by values that moved in the direction of the change.
    """
    total, movement = math.fsum(cells.contribution), float(np.abs(cells.contribution).sum())
    if not movement or not total:
        return ()
    codes, labels = cells.codes()
    found = [Carrier((), 1.0, _described(cells, np.zeros(len(cells.keys), dtype=np.int64), 1)[0][0] / movement)]
    for count in range(1, depth + 1):
        for chosen in itertools.combinations(range(len(cells.dimensions)), count):
            groups, number = _groups(codes[:, list(chosen)])
            described, sums = _described(cells, number, len(groups))
            members = _grown(described / movement, sums, total)
            if members:
                names = tuple(
                    {cells.dimensions[place]: labels[place][int(groups[member, at])] for at, place in enumerate(chosen)}
                    for member in members
                )
                found.append(Carrier(names, float(sums[members].sum() / total), float(described[members].sum() / movement)))
    return tuple(sorted(found, key=lambda carrier: (-round(carrier.score, 9), len(carrier.dimensions), carrier.dimensions)))


def _groups(codes: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The distinct rows, and which of them each row is."""
    groups, number = np.unique(codes, axis=0, return_inverse=True)
    return groups, number.reshape(-1)


def _described(cells: Cells, number: npt.NDArray[np.int64], count: int) -> tuple[FloatArray, FloatArray]:
    """For each group how much movement it describes, and its contribution."""
    sums = np.bincount(number, cells.contribution, count)
    size = np.maximum(cells.size, max(1e-12 * float(cells.size.max(initial=0.0)), 1e-12))
    whole = np.bincount(number, size, count)
    in_step = size * (sums / whole)[number]
    left = np.bincount(number, np.abs(cells.contribution - in_step), count)
    return np.asarray(np.bincount(number, np.abs(cells.contribution), count) - left, dtype=np.float64), np.asarray(sums, dtype=np.float64)


def _grown(described: FloatArray, sums: FloatArray, total: float) -> list[int]:
    """The groups of the set, the one that describes most first."""
    towards = np.flatnonzero(sums * np.sign(total) > 0)
    order = sorted(towards.tolist(), key=lambda group: (-described[group], group))
    return [group for place, group in enumerate(order[:_MEMBERS]) if place == 0 or described[group] >= _GAIN]
