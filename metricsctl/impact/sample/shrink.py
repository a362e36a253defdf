"""The fewest items that still show something.

Two bisections cut the ends off, then delta debugging (Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input", IEEE
Transactions on Software Engineering 28(2), 2002) takes away what is left in between, until no single item can go. Where all smaller parts
are few enough, they are tried: only then is it known to be the smallest.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["Shrunk", "shrink"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Shrunk(Generic[T]):
    """A part that still shows it, in the order of the whole. `minimal`: none can be left out; `smallest`: no fewer of the whole show it."""

    items: list[T]
    minimal: bool
    smallest: bool


def shrink(items: Sequence[T], shows: Callable[[Sequence[T]], bool], most: int) -> Shrunk[T]:
    """A small part of `items` that still `shows` it.

    `items` themselves must show it, and no items at all must not. After `most` questions the smallest part so far is given.

    >>> shrink(range(100), lambda part: {17, 60} <= set(part), 200)
    Shrunk(items=[17, 60], minimal=True, smallest=True)
    """
    whole = list(items)
    asked = _Asked[T](shows, most)
    try:
        left = asked.best = _prefix(whole, asked)
        left = asked.best = _prefix(left[::-1], lambda part: asked(part[::-1]))[::-1]
        left = _minimal(left, asked)
    except _EnoughError:
        return Shrunk(asked.best, minimal=len(asked.best) == 1, smallest=len(asked.best) == 1)
    if sum(math.comb(len(whole), size) for size in range(1, len(left))) > asked.left:
        return Shrunk(left, minimal=True, smallest=False)
    fewer = (list(part) for size in range(1, len(left)) for part in itertools.combinations(whole, size))
    return Shrunk(next(filter(asked, fewer), left), minimal=True, smallest=True)


class _EnoughError(Exception):
    """All questions are asked."""


class _Asked(Generic[T]):
    """Counts the questions, asks none twice, and keeps the smallest part that shows it."""

    def __init__(self, shows: Callable[[Sequence[T]], bool], most: int) -> None:
        self.shows = shows
        self.left = most
        self.best: list[T] = []
        self.known: dict[tuple[int, ...], bool] = {}

    def __call__(self, part: list[T]) -> bool:
        key = tuple(map(id, part))
        if key in self.known:
            return self.known[key]
        if not self.left:
            raise _EnoughError
        self.left -= 1
        found = self.known[key] = self.shows(part)
        if found and len(part) < len(self.best):
            self.best = part
        return found


def _prefix(items: list[T], shows: Callable[[list[T]], bool]) -> list[T]:
    """A beginning that shows it, and does not without its last item."""
    without, enough = 0, len(items)
    while enough - without > 1:
        middle = (without + enough) // 2
        if shows(items[:middle]):
            enough = middle
        else:
            without = middle
    return items[:enough]


def _minimal(items: list[T], shows: Callable[[list[T]], bool]) -> list[T]:
    parts = 2
    while len(items) > 1:
        size = -(-len(items) // parts)
        for start in range(0, len(items), size):
            rest = items[:start] + items[start + size :]
            if rest and shows(rest):
                items, parts = rest, max(parts - 1, 2)
                break
        else:
            if size == 1:
                break
            parts = min(2 * parts, len(items))
    return items
