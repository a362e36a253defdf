"""A curve in the terminal, drawn with dots: Braille signs hold two by four of them, ASCII one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from metricsctl.render.numbers import human

__all__ = ["Marks", "limits", "plot"]

_BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # of U+2800, by row and column of a sign
_LABEL = 10  # columns for the numbers at the side


@dataclass(frozen=True, slots=True)
class Marks:
    """What is drawn around a curve: where each value should have been (NaN: not known); below it stretches (first, last) and alerts."""

    low: Sequence[float]
    high: Sequence[float]
    stretches: Sequence[tuple[int, int]] = ()
    alerts: Sequence[int] = ()


def plot(
    values: Sequence[float], first: str, last: str, width: int, height: int = 8, *, ascii_only: bool = False, marks: Marks | None = None
) -> list[str]:
    """The lines of a picture `width` wide: the values (NaN: a gap) from left to right, lowest and highest at the side, times below.

    More values than there are columns of dots are drawn as the span from the least to the greatest of each column. `marks` shade where
    the values should have been, and add a line below the curve with stretches and alerts.
    """
    finite = [value for value in values if math.isfinite(value)]
    cells = max(width - _LABEL - 3, 8)
    if not finite:
        return ["no values"]
    low, high = limits(finite, () if marks is None else (*marks.low, *marks.high))
    across, down = (1, 1) if ascii_only else (2, 4)
    dots = _dots(values, cells * across, height * down, low, high)
    shade = set() if marks is None else set(_shade(marks, cells, height, low, high))
    rows = [_row(dots, number, cells, across, down, shade) for number in range(height)]
    side = {0: human(high), height - 1: human(low)} if high > low else {(height - 1) // 2: human(low)}
    lines = [
        f"{_short(side.get(number, '')):>{_LABEL}} {'|' if ascii_only else '┤'}{row.rstrip()}".rstrip() for number, row in enumerate(rows)
    ]
    if marks is not None:
        lines.append(f"{'':>{_LABEL}}  {_below(marks, len(values), cells, ascii_only=ascii_only)}".rstrip())
    room = max(cells - len(first) - len(last), 1)
    return [*lines, f"{'':>{_LABEL}}  {first}{' ' * room}{last}".rstrip()]


def limits(values: Sequence[float], around: Iterable[float]) -> tuple[float, float]:
    """The least and the greatest of finite values, and of what lies around them as far as that leaves the values most of the room.

    >>> limits([0, 8], [-1, 100, float("nan")])
    (-1, 10.0)
    """
    low, high = min(values), max(values)
    spare = (high - low) / 4 or abs(high) / 4
    known = [value for value in around if math.isfinite(value)]
    return min(low, max(min(known, default=low), low - spare)), max(high, min(max(known, default=high), high + spare))


def _short(text: str) -> str:
    """A number that fits beside the picture."""
    return text if len(text) <= _LABEL else f"{float(text.replace(',', '')):.4g}"


def _dots(values: Sequence[float], columns: int, rows: int, low: float, high: float) -> set[tuple[int, int]]:
    """The dots (column, row from above) of the curve; neighbours are joined, gaps are not."""
    found: set[tuple[int, int]] = set()
    before: tuple[int, int] | None = None
    spread = (columns - 1) / (len(values) - 1) if len(values) > 1 else 0.0
    for number, value in enumerate(values):
        if not math.isfinite(value):
            before = None
            continue
        here = (round(number * spread), _level(value, rows, low, high))
        found.update(_line(before, here) if before is not None else [here])
        before = here
    return found


def _level(value: float, rows: int, low: float, high: float) -> int:
    share = (value - low) / (high - low) if high > low else 0.5
    return rows - 1 - round(share * (rows - 1))


def _line(start: tuple[int, int], end: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """The dots of a straight line."""
    steps = max(abs(end[0] - start[0]), abs(end[1] - start[1]), 1)
    for number in range(steps + 1):
        yield (round(start[0] + (end[0] - start[0]) * number / steps), round(start[1] + (end[1] - start[1]) * number / steps))


def _shade(marks: Marks, cells: int, height: int, low: float, high: float) -> Iterator[tuple[int, int]]:
    """The signs (column, row from above) in which the values should have been."""
    last = len(marks.low) - 1
    for cell in range(cells):
        place = round(cell / (cells - 1) * last)
        bottom, top = marks.low[place], marks.high[place]
        if math.isfinite(bottom) and math.isfinite(top):
            first, after = (_level(min(max(value, low), high), height, low, high) for value in (top, bottom))
            for row in range(first, after + 1):
                yield cell, row


def _below(marks: Marks, size: int, cells: int, *, ascii_only: bool) -> str:
    """The line below the curve: stretches, and where they were noticed."""
    signs = [" "] * cells

    def cell(place: int) -> int:
        return round(place / max(size - 1, 1) * (cells - 1))

    for first, last in marks.stretches:
        start, end = cell(first), cell(last)
        signs[start : end + 1] = ["-" if ascii_only else "━"] * (end + 1 - start)
    for place in marks.alerts:
        signs[cell(place)] = "^" if ascii_only else "▲"
    return "".join(signs)


def _row(dots: set[tuple[int, int]], row: int, cells: int, across: int, down: int, shade: set[tuple[int, int]]) -> str:
    if down == 1:
        return "".join("*" if (cell, row) in dots else ":" if (cell, row) in shade else " " for cell in range(cells))
    signs = []
    for cell in range(cells):
        bits = sum(_BITS[y][x] for y in range(down) for x in range(across) if (cell * across + x, row * down + y) in dots)
        signs.append(chr(0x2800 + bits) if bits else "░" if (cell, row) in shade else " ")
    return "".join(signs)
