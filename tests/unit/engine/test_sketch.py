"""The sketch of distinct values: exact while it is small, within its stated error above, the same however it is merged."""

import math

import numpy as np
import pytest

from metricsctl.engine.duckdb.connection import connect
from metricsctl.engine.duckdb.states import SKETCH, STATES, finish

CREATE = STATES["sketch"].create[0].format(v="x", f="true", t="0")
MERGE = STATES["sketch"].merge[0].format("hashes")


def estimate(values: str, parts: int = 1) -> float:
    """The distinct count of a query's column `x`, sketched in some parts and merged."""
    parted = f"SELECT {CREATE} AS hashes FROM (SELECT *, row_number() OVER () % {parts} AS part FROM ({values})) GROUP BY part"
    with connect(None) as connection:
        value = finish("count_distinct", "sketch", ["hashes"], None)
        found = connection.execute(f"SELECT {value} FROM (SELECT {MERGE} AS hashes FROM ({parted}))").fetchone()
    assert found is not None
    return float(found[0])


@pytest.mark.parametrize("number", [0, 1, SKETCH - 1])
def test_a_small_one_is_exact(number: int) -> None:
    assert estimate(f"SELECT i AS x FROM range({number}) t(i) UNION ALL SELECT i FROM range({number}) t(i) UNION ALL SELECT NULL") == number


def test_a_large_one_is_within_its_error() -> None:
    value = finish("count_distinct", "sketch", ["hashes"], None)
    values = "SELECT seed, seed * 20000 + i AS x FROM range(40) s(seed), range(20000) t(i)"
    with connect(None) as connection:
        rows = connection.execute(f"SELECT {value} FROM (SELECT {CREATE} AS hashes FROM ({values}) GROUP BY seed)").fetchall()
    errors = [float(row[0]) / 20000 - 1 for row in rows]
    stated = 1 / math.sqrt(SKETCH - 2)
    assert abs(float(np.mean(errors))) < 4 * stated / math.sqrt(40)  # no bias
    assert 0.6 * stated < float(np.std(errors)) < 1.2 * stated  # 20,000 are not many times 4,096: a little less than stated
    assert max(map(abs, errors)) < 4 * stated


def test_the_order_of_merging_makes_no_difference() -> None:
    values = "SELECT i * 7 % 30011 AS x FROM range(60000) t(i)"
    assert estimate(values) == estimate(values, 2) == estimate(values, 13)
