"""A store is open: any engine that knows Delta Lake reads its tables."""

from pathlib import Path

import pytest

from metricsctl.plan.tables import Column, Table
from metricsctl.store.writer import StoreWriter

pl = pytest.importorskip("polars", reason="polars is not installed")

TABLE = Table("t", (Column("k", "varchar"), Column("x", "double"), Column("h", "bigint[]")), ("k",))


def test_polars_reads_a_table(tmp_path: Path) -> None:
    with StoreWriter.open(tmp_path) as writer:
        writer.create_table(TABLE)
        for number in range(2):
            writer.begin()
            writer.put("t", f"SELECT 'k{number}' AS k, {number} + 0.5 AS x, [{number}, NULL] AS h")
            writer.commit()
    frame = pl.read_delta(str(tmp_path / "g0001" / "tables" / "t")).sort("k")
    assert frame.rows() == [("k0", 0.5, [0, None]), ("k1", 1.5, [1, None])]


def test_what_replaces_a_table_is_all_that_is_left(tmp_path: Path) -> None:
    with StoreWriter.open(tmp_path) as writer:
        writer.create_table(TABLE)
        for number in range(2):
            writer.begin()
            writer.put("t", f"SELECT 'k{number}' AS k, {number} + 0.5 AS x, [{number}] AS h")
            writer.commit()
        writer.begin()
        assert writer.replace("t", ["SELECT 'all' AS k, 2 AS x, [0, 1] AS h", "SELECT 'none' AS k, 0 AS x, [] AS h WHERE false"]) == 1
        assert writer.commit()
    frame = pl.read_delta(str(tmp_path / "g0001" / "tables" / "t"))
    assert frame.rows() == [("all", 2.0, [0, 1])]
