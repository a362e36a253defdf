"""How the columns of a table share the width there is."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metricsctl.render.style import Style
from metricsctl.render.table import draw
from metricsctl.render.views import Column, Table
from metricsctl.render.widths import fitted

CELLS = st.lists(st.lists(st.integers(1, 12), max_size=6), min_size=1, max_size=5)


@settings(deadline=None)
@given(st.lists(CELLS, min_size=1, max_size=5), st.integers(1, 120))
def test_what_fits_is_never_broken_and_never_too_wide(columns: list[list[list[int]]], room: int) -> None:
    widths = fitted(columns, room)
    longest = [max((word for cell in cells for word in cell), default=0) for cells in columns]
    if widths is None:
        assert sum(longest) > room
    else:
        assert sum(widths) <= room
        assert all(width >= least for width, least in zip(widths, longest, strict=True))


ROWS = [
    ("ad_impressions", "2026-11-02 13:00 to 2026-11-04 02:00", "64 .. 130", "-2,040 (-73%)"),
    ("payment_success", "2026-11-06 11:00 to 18:00", "0.9 .. 1", "-0.3 (-31%)"),
]
COLUMNS = (Column("metric"), Column("when"), Column("expected", justify="right"), Column("size", justify="right"))


@pytest.mark.parametrize("width", [60, 70, 80, 120])
def test_no_name_and_no_number_is_broken_over_two_lines(width: int) -> None:
    lines = draw([Table("", COLUMNS, ROWS)], Style(width=width)).splitlines()
    assert max(map(len, lines)) <= width
    shown = {word for line in lines for word in line.split()}
    assert {word for row in ROWS for cell in row for word in cell.split()} <= shown


def test_a_table_that_fits_has_a_line_for_each_row() -> None:
    assert len(draw([Table("", COLUMNS, ROWS)], Style(width=100)).splitlines()) == 2 + len(ROWS)


def test_a_table_that_cannot_fit_is_folded_and_loses_nothing() -> None:
    drawn = draw([Table("", [Column("a"), Column("b")], [("x" * 30, "y" * 30)])], Style(width=20))
    assert max(map(len, drawn.splitlines())) <= 20
    assert (drawn.count("x"), drawn.count("y")) == (30, 30)


def test_a_cell_of_two_lines_is_as_wide_as_the_longer() -> None:
    wide = draw([Table("", [Column("key"), Column("value")], [("columns", "name: ts\nname: country, type: string")])], Style(width=50))
    assert wide.splitlines()[2:] == ["columns   name: ts", "          name: country, type: string"]
