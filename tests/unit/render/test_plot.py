"""Curves in the terminal."""

import math

from metricsctl.render.plot import plot


def test_a_rising_line_in_ascii() -> None:
    lines = plot([0, 1, 2, 3], "mon", "thu", 10 + 3 + 8, 4, ascii_only=True)
    assert lines == ["         3 |      **", "           |    **", "           | ***", "         0 |*", "            mon  thu"]


def test_every_line_fits_and_gaps_stay_gaps() -> None:
    values = [math.sin(number / 9) if number % 50 < 40 else math.nan for number in range(300)]
    lines = plot(values, "2026-01-01", "2026-01-13", 80)
    assert len(lines) == 9
    assert max(map(len, lines)) <= 80
    columns = [any(0x2800 < ord(line[place]) < 0x2900 for line in lines[:8] if len(line) > place) for place in range(12, 79)]
    assert False in columns


def test_without_values_and_with_one() -> None:
    assert plot([math.nan], "a", "b", 40) == ["no values"]
    (row,) = [line for line in plot([5.0], "a", "a", 40, ascii_only=True) if "5" in line]
    assert row.count("*") == 1
