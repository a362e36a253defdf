"""A Parquet file that does not fit into memory: its states are written on the way, and published together."""

from pathlib import Path

import duckdb
import pytest

from metricsctl.core.timegrid import Grain
from metricsctl.definition.load import load_text
from metricsctl.engine.duckdb import parse
from metricsctl.engine.duckdb.ingest import DuckDbFolder
from metricsctl.ingest.run import IngestOptions, ingest
from metricsctl.ingest.scratch import ScratchStore
from metricsctl.query.run import QueryOptions, query
from metricsctl.store.info import info, verify

PROJECT = load_text("""
version: 1
sources:
  - {name: clicks, time: {column: at}, columns: [{name: at, type: timestamp}, {name: n, type: bigint}, {name: user, type: string}]}
metrics:
  - {name: total, type: simple, source: clicks, agg: sum, expr: n}
  - {name: users, type: simple, source: clicks, agg: count_distinct, expr: user}
  - {name: middle, type: simple, source: clicks, agg: median, expr: n}
""")
NOW = 1_800_000_000_000_000


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "clicks.parquet"
    rows = "SELECT TIMESTAMP '2026-01-05' + INTERVAL (i % 300) MINUTE AS at, i AS n, 'u' || (i * 7 % 101) AS user FROM range(1000) t(i)"
    duckdb.sql(f"COPY ({rows}) TO '{path}' (FORMAT parquet, ROW_GROUP_SIZE 122880)")
    return path


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is full after each slice of a hundred rows."""
    monkeypatch.setattr(parse, "_SLICE", 100)
    monkeypatch.setattr(DuckDbFolder, "is_full", lambda _: True)


def values(store: Path) -> list[list[object]]:
    report = query(PROJECT, store, ["total", "users", "middle"], QueryOptions(grain=Grain.parse("1h")))
    return [[value for _, _, value, _ in frame.rows()] for frame in report.frames]


def test_it_is_one_group_with_the_same_answer(file: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    ingest(PROJECT, [str(file)], tmp_path / "whole", IngestOptions(now=NOW))
    request.getfixturevalue("full")
    report = ingest(PROJECT, [str(file)], tmp_path / "pieces", IngestOptions(now=NOW))
    assert report.rows == 1000
    assert sum(report.published.values()) > sum(table.rows for table in info(tmp_path / "whole").tables)
    assert verify(tmp_path / "pieces").ok
    assert values(tmp_path / "pieces") == values(tmp_path / "whole")


@pytest.mark.usefixtures("full")
def test_a_store_for_one_question_keeps_them_too(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "once"
    folder.mkdir()
    with ScratchStore(folder) as store:
        ingest(PROJECT, [str(file)], store, IngestOptions(now=NOW))
        (frame,) = query(PROJECT, store.reader(), ["total"], QueryOptions(grain=Grain.parse("1d"))).frames
        assert [value for _, _, value, _ in frame.rows()] == [sum(range(1000))]
