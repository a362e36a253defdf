"""The state of a percentile: exact while a group is small, within its stated error above, however its parts come."""

import numpy as np
import pytest

from metricsctl.engine.duckdb.connection import connect
from metricsctl.engine.duckdb.quantiles import KEPT
from metricsctl.engine.duckdb.states import STATES, finish

STATE = STATES["quantiles"]
RANKS = (0.01, 0.25, 0.5, 0.95, 0.999)


def columns(templates: tuple[str, ...], *names: str, **values: str) -> str:
    made = (text.format(*names, **values) for text in templates)
    return ", ".join(f"{sql} AS {name}" for sql, name in zip(made, ("kept", "level"), strict=True))


def create(part: str, values: str) -> str:
    """States of a query's column `x`, one a value of `part`."""
    return f"SELECT {part} AS part, {columns(STATE.create, v='x', f='true', t='0')} FROM ({values}) GROUP BY 1"


def merge(states: str, part: str = "0") -> str:
    return f"SELECT {part} AS part, {columns(STATE.merge, 'kept', 'level')} FROM ({states}) GROUP BY 1"


def read(states: str) -> tuple[list[float], int, int]:
    """The percentiles of some states, their level, and how many values there are in all."""
    shown = ", ".join(finish("percentile", "quantiles", ["kept", "level"], p) for p in RANKS)
    merged = f"SELECT {columns(STATE.read, 'kept', 'level')} FROM ({states})"
    with connect(None) as connection:
        row = connection.execute(f"SELECT {shown}, level, len(kept) FROM ({merged})").fetchone()
    assert row is not None
    return list(row[:-2]), row[-2], row[-1]


def ranks(count: int) -> str:
    """Shuffled numbers, each of which is its own rank of all."""
    return f"SELECT ((i * 7919) % {count}) / {count} AS x, i FROM range({count}) t(i)"


def error(found: list[float]) -> float:
    return float(np.max(np.abs(np.array(found) - RANKS)))


@pytest.mark.parametrize("number", [1, 2, KEPT])
def test_a_small_group_is_exact(number: int) -> None:
    found, level, kept = read(create("0", f"SELECT i::DOUBLE AS x FROM range({number}) t(i) UNION ALL SELECT NULL"))
    assert (level, kept) == (0, number)
    np.testing.assert_allclose(found, np.quantile(np.arange(number), RANKS))


def test_no_values_have_no_percentile() -> None:
    assert read(create("0", "SELECT NULL::DOUBLE AS x"))[0] == [None] * len(RANKS)


def test_many_small_groups_are_read_exactly() -> None:
    found, level, kept = read(create("i % 100", ranks(200_003)))
    assert (level, kept) == (0, 200_003)
    assert error(found) < 1e-5


def test_a_large_group_keeps_few_values_and_is_within_its_error() -> None:
    found, level, kept = read(create("0", ranks(1_000_003)))
    assert level == 8
    assert KEPT / 2 < kept <= KEPT
    assert error(found) < 1 / (KEPT / 2)


@pytest.mark.parametrize("parts", [2, 37, 1000])
def test_parts_that_are_merged_are_within_the_error(parts: int) -> None:
    """Also many of which none has enough values to be shortened by itself."""
    found, _, kept = read(merge(create(f"i % {parts}", ranks(1_000_003))))
    assert KEPT / 2 * 0.9 < kept < KEPT * 1.1
    assert error(found) < 2 / KEPT


def test_small_parts_that_come_one_by_one_do_not_get_lost() -> None:
    """Each is merged with all before it, and has fewer values than one value of those stands for."""
    size, steps = 400_000, 150
    extra = "SELECT 2.0 + i AS x FROM range({0} * 100, {0} * 100 + 100) t(i)"
    with connect(None) as connection:
        connection.execute(f"CREATE TABLE kept AS {create('0', f'SELECT x FROM ({ranks(size)})')}")
        for step in range(steps):
            one = create("0", extra.format(step))
            connection.execute(f"CREATE OR REPLACE TABLE kept AS {merge(f'FROM kept UNION ALL {one}')}")
        row = connection.execute("SELECT len(list_filter(kept, LAMBDA v: v >= 2)), level FROM kept").fetchone()
    assert row is not None
    weight = row[0] << row[1]
    assert abs(weight / (steps * 100) - 1) < 0.15  # one value is 128 events; so many draws deviate by 4 %


def test_the_same_parts_give_the_same_state_in_any_order() -> None:
    parts = create("i % 7", ranks(100_003))
    with connect(None) as connection:
        one, two = (
            connection.execute(f"SELECT list_sort(kept), level FROM ({merge(f'FROM ({parts}) ORDER BY part {order}')})").fetchone()
            for order in ("ASC", "DESC")
        )
    assert one == two
