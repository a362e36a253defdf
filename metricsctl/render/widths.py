"""How wide the columns of a table are where not all of it fits beside each other."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["fitted"]

_Words = Sequence[int]


def fitted(columns: Sequence[Sequence[_Words]], room: int) -> list[int] | None:
    """The width of each column so that all stay within `room`, no word is broken, and rows have as few lines as can be.

    A column is the lines of its cells (the heading too), a line the widths of its words. None if the longest words alone are too wide.

    >>> name, text = [[4], [7]], [[5], [6, 6, 6]]
    >>> fitted([name, text], 40), fitted([name, text], 21), fitted([name, text], 9)
    ([7, 20], [7, 14], None)
    """
    natural = [max(map(_length, cells)) for cells in columns]
    if sum(natural) <= room:
        return natural
    least = [max((word for cell in cells for word in cell), default=0) for cells in columns]
    if sum(least) > room:
        return None
    widths, lines = least, 1
    while lines < max(len(cell) for cells in columns for cell in cells):
        lines += 1
        tried = [_narrowest(cells, low, high, lines) for cells, low, high in zip(columns, least, natural, strict=True)]
        if sum(tried) <= room:
            widths = tried
            break
    spare = room - sum(widths)
    for number in sorted(range(len(widths)), key=lambda number: natural[number] - widths[number]):
        more = min(natural[number] - widths[number], spare)
        widths[number] += more
        spare -= more
    return widths


def _length(words: _Words) -> int:
    return sum(words) + max(len(words) - 1, 0)


def _narrowest(cells: Sequence[_Words], low: int, high: int, lines: int) -> int:
    """The smallest width between `low` and `high` at which no cell has more than `lines` lines."""
    long = [cell for cell in cells if len(cell) > lines]
    while low < high:
        middle = (low + high) // 2
        if all(_lines(cell, middle) <= lines for cell in long):
            high = middle
        else:
            low = middle + 1
    return low


def _lines(words: _Words, width: int) -> int:
    lines, used = 0, width
    for word in words:
        if used + 1 + word <= width:
            used += 1 + word
        else:
            lines, used = lines + 1, word
    return lines
