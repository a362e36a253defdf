"""What is said where a window that overlaps, or a running total, cannot be had at a grain."""

import json
from pathlib import Path

import pytest

from metricsctl.core.errors import UsageError
from metricsctl.core.timegrid import Grain
from metricsctl.definition.load import load_text
from metricsctl.engine.duckdb.connection import connect
from metricsctl.ingest.run import IngestOptions, ingest
from metricsctl.query.run import QueryOptions, query, shown_sql
from metricsctl.query.spans import covered

PROJECT = load_text(
    """
version: 1
defaults: {timezone: Asia/Kolkata}
sources:
  - {name: log, time: at, dimensions: [c], columns: [{name: at, type: timestamp}, {name: c}, {name: x, type: double}]}
metrics:
  - {name: sum, type: simple, source: log, agg: sum, expr: x, grain: 30m}
  - {name: hop, type: simple, source: log, agg: sum, expr: x, window: {size: 1h, slide: 5m}}
  - {name: mtd, type: cumulative, metric: sum, to_date: month}
  - {name: last, type: cumulative, metric: sum, window: 100m}
  - {name: stock, type: simple, source: log, agg: sum, expr: x, semi_additive: {per: c, carry: 1d}, grain: 30m}
"""
)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    rows = [{"at": f"2026-01-01T0{hour}:15:00Z", "c": "ab"[hour % 2], "x": hour} for hour in range(5)]
    (tmp_path / "log.ndjson").write_text("".join(json.dumps(row) + "\n" for row in rows))
    ingest(PROJECT, [str(tmp_path / "log.ndjson")], tmp_path / "store", IngestOptions(final=True))
    return tmp_path / "store"


@pytest.mark.parametrize(
    ("metric", "grain", "message"),
    [
        ("hop", "1h", "at its slide only, not by 1h"),
        ("last", "1h", "in the middle of a window of 30m"),
        ("mtd", "5m", "stored by 30m: it cannot be had by 5m"),
    ],
)
def test_a_grain_that_cannot_be_had(store: Path, metric: str, grain: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        query(PROJECT, store, [metric], QueryOptions(grain=Grain.parse(grain)))


def test_only_the_asked_period_is_computed(store: Path) -> None:
    options = QueryOptions(grain=Grain.parse("30m"), since="2026-01-01T07:30", until="2026-01-01T08:30")
    mtd, stock = query(PROJECT, store, ["mtd", "stock"], options).frames
    assert mtd.value.tolist() == [0 + 1 + 2, 0 + 1 + 2]
    assert stock.value.tolist() == [1 + 2, 1 + 2]


@pytest.mark.parametrize("metric", ["mtd", "stock", "hop"])
def test_the_shown_sql_stands_alone(store: Path, metric: str) -> None:
    (frame,) = query(PROJECT, store, [metric], QueryOptions(by=("c",))).frames
    (statement,) = shown_sql(PROJECT, store, [metric], QueryOptions(by=("c",))).statements
    with connect(None) as connection:
        rows = connection.execute(f'SELECT "key c", bucket, "value {statement.metrics[0]}" FROM ({statement.sql}) ORDER BY ALL').fetchall()
    assert rows == [(key[0], time, value) for time, key, value, _ in frame.rows()]


def test_long_ranges_are_made_of_few_cells() -> None:
    windows = list(range(1000))
    ranges = [(start, 0, start + 1) for start in windows]
    found = covered(windows, ranges, [0] * 1000)
    assert found.spans is not None
    assert len(found.windows) + len(found.spans[0]) < 1000 * 20
    held: dict[int, set[int]] = {}
    for window, cell in zip(found.windows.tolist(), found.cells.tolist(), strict=True):
        held.setdefault(cell, set()).add(window)
    made: dict[int, list[int]] = {}
    for cell, bucket in zip(found.spans[0].tolist(), found.spans[1].tolist(), strict=True):
        made.setdefault(bucket, []).extend(held[cell])
    assert all(sorted(made[start]) == windows[: start + 1] for start in windows)
