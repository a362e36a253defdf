"""The fewest items that still show something.

Two bisections cut the ends off, then delta debugging (Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input", IEEE
Transactions on Software Engineering 28(2), 2002) takes away what is left in between, until no single item can go.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

__all__ = ["shrink"]

T = TypeVar("T")


def shrink(items: Sequence[T], shows: Callable[[Sequence[T]], bool], most: int) -> tuple[list[T], bool]:
    """A part of `items`, in their order, that still `shows` it; and whether none of them can be left out.

    `items` themselves must show it. After `most` questions the smallest part so far is given.

    >>> shrink(range(100), lambda part: {17, 60} <= set(part), 200)
    ([17, 60], True)
    """
    asked = _Asked[T](shows, most)
    try:
        left = asked.best = _prefix(list(items), asked)
        left = asked.best = _prefix(left[::-1], lambda part: asked(part[::-1]))[::-1]
        return _minimal(left, asked), True
    except _EnoughError:
        return asked.best, False


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
