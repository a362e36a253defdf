"""A curve in the terminal, drawn with dots: Braille signs hold two by four of them, ASCII one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from metricsctl.render.numbers import human

__all__ = ["plot"]

_BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # of U+2800, by row and column of a sign
_LABEL = 10  # columns for the numbers at the side


def plot(values: Sequence[float], first: str, last: str, width: int, height: int = 8, *, ascii_only: bool = False) -> list[str]:
    """The lines of a picture `width` wide: the values (NaN: a gap) from left to right, lowest and highest at the side, times below.

    More values than there are columns of dots are drawn as the span from the least to the greatest of each column.
    """
    finite = [value for value in values if math.isfinite(value)]
    cells = max(width - _LABEL - 3, 8)
    if not finite:
        return ["no values"]
    low, high = min(finite), max(finite)
    across, down = (1, 1) if ascii_only else (2, 4)
    dots = _dots(values, cells * across, height * down, low, high)
    rows = [_row(dots, number, cells, across, down) for number in range(height)]
    side = {0: human(high), height - 1: human(low)} if high > low else {(height - 1) // 2: human(low)}
    lines = [f"{side.get(number, ''):>{_LABEL}} {'|' if ascii_only else '┤'}{row.rstrip()}".rstrip() for number, row in enumerate(rows)]
    room = max(cells - len(first) - len(last), 1)
    return [*lines, f"{'':>{_LABEL}}  {first}{' ' * room}{last}".rstrip()]


def _dots(values: Sequence[float], columns: int, rows: int, low: float, high: float) -> set[tuple[int, int]]:
    """The dots (column, row from above) of the curve; neighbours are joined, gaps are not."""
    found: set[tuple[int, int]] = set()
    before: tuple[int, int] | None = None
    spread = (columns - 1) / (len(values) - 1) if len(values) > 1 else 0.0
    for number, value in enumerate(values):
        if not math.isfinite(value):
            before = None
            continue
        share = (value - low) / (high - low) if high > low else 0.5
        here = (round(number * spread), rows - 1 - round(share * (rows - 1)))
        found.update(_line(before, here) if before is not None else [here])
        before = here
    return found


def _line(start: tuple[int, int], end: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """The dots of a straight line."""
    steps = max(abs(end[0] - start[0]), abs(end[1] - start[1]), 1)
    for number in range(steps + 1):
        yield (round(start[0] + (end[0] - start[0]) * number / steps), round(start[1] + (end[1] - start[1]) * number / steps))


def _row(dots: set[tuple[int, int]], row: int, cells: int, across: int, down: int) -> str:
    if down == 1:
        return "".join("*" if (cell, row) in dots else " " for cell in range(cells))
    signs = []
    for cell in range(cells):
        bits = sum(_BITS[y][x] for y in range(down) for x in range(across) if (cell * across + x, row * down + y) in dots)
        signs.append(chr(0x2800 + bits) if bits else " ")
    return "".join(signs)
