import json
from pathlib import Path

import pytest

from metricsctl.core.timegrid import Grain
from metricsctl.definition.load import load_text
from metricsctl.ingest import sink
from metricsctl.ingest.run import IngestOptions, ingest
from metricsctl.query.run import QueryOptions, query
from metricsctl.store import compact as compaction
from metricsctl.store.compact import compact
from metricsctl.store.info import info, verify
from metricsctl.store.reader import StoreReader
from metricsctl.store.writer import StoreWriter

AGGREGATES = ["count", "sum", "avg", "min", "max", "first", "last", "count_distinct", "median", "stddev"]
PROJECT = load_text(
    """
version: 1
defaults: {grain: 1h}
sources:
  - name: pays
    time: {column: at}
    dimensions: [country]
    columns: [{name: at, type: timestamp}, {name: country, type: string}, {name: amount, type: double}]
metrics:
"""
    + "\n".join(f"  - {{name: m_{agg}, type: simple, source: pays, agg: {agg}, expr: amount}}" for agg in AGGREGATES)
)
NOW = 1_770_000_000_000_000
EVENTS = [
    {"at": f"2026-01-{1 + i % 3:02d}T{i % 20:02d}:10:{i % 60:02d}Z", "country": ["DE", "FR", None, "AT"][i % 4], "amount": i % 7 / 4}
    for i in range(400)
]
KEYS = len({(row["at"][:13], row["country"]) for row in EVENTS})


@pytest.fixture
def events(tmp_path: Path) -> Path:
    file = tmp_path / "pays.ndjson"
    file.write_text("".join(json.dumps(row) + "\n" for row in EVENTS))
    return file


def answer(store: Path) -> list[list[tuple]]:
    options = QueryOptions(by=("country",), grain=Grain.parse("1d"))
    frames = query(PROJECT, store, [f"m_{agg}" for agg in AGGREGATES], options).frames
    return [[(*row[:2], pytest.approx(row[2], rel=1e-12), row[3]) for row in frame.rows()] for frame in frames]


def plain(found: list[list[tuple]]) -> list[list[tuple]]:
    return [[(*row[:2], row[2].expected, row[3]) for row in frame] for frame in found]


def test_a_compacted_store_answers_as_before(tmp_path: Path, events: Path) -> None:
    store = tmp_path / "s"
    ingest(PROJECT, [str(events)], store, IngestOptions(now=NOW, batch_bytes=2000, group_bytes=2000))
    before, reader = answer(store), StoreReader.open(store)
    assert max(table.files for table in info(store).tables) > 4
    with StoreWriter.open(store) as writer:
        for name in writer.head.tables:
            compact(writer, name)
    after = info(store)
    assert [table.files for table in after.tables] == [1, 1]
    assert max(table.rows for table in after.tables) == KEYS
    assert plain(answer(store)) == before
    assert verify(store).problems == ()
    for table in reader.head.tables:  # an earlier reader still has its files
        assert all(Path(file).exists() for file in reader.files(table))


def test_in_slices_every_window_is_in_one(tmp_path: Path, events: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = tmp_path / "s"
    ingest(PROJECT, [str(events)], store, IngestOptions(now=NOW, batch_bytes=4000, group_bytes=4000))
    before = answer(store)
    monkeypatch.setattr(compaction, "_SLICE_BYTES", 5_000)
    with StoreWriter.open(store) as writer:
        for name in writer.head.tables:
            compact(writer, name)
    assert max(table.files for table in info(store).tables) > 2
    assert max(table.rows for table in info(store).tables) == KEYS
    assert plain(answer(store)) == before


def test_on_the_way(tmp_path: Path, events: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, store = tmp_path / "whole", tmp_path / "s"
    ingest(PROJECT, [str(events)], whole, IngestOptions(now=NOW))
    monkeypatch.setattr(compaction.compact_grown, "__defaults__", (4,))
    monkeypatch.setattr(sink, "COMPACT_EVERY", 2)
    report = ingest(PROJECT, [str(events)], store, IngestOptions(now=NOW, batch_bytes=1500, group_bytes=1500))
    assert report.groups > 8
    assert max(table.files for table in info(store).tables) < 10
    assert plain(answer(store)) == answer(whole)
    assert verify(store).problems == ()
    assert ingest(PROJECT, [str(events)], store, IngestOptions(now=NOW)).rows == 0


def test_killed_while_compacting(tmp_path: Path, killed, events: Path) -> None:
    store = tmp_path / "s"
    ingest(PROJECT, [str(events)], store, IngestOptions(now=NOW, batch_bytes=4000, group_bytes=4000))
    before = answer(store)
    work = "from metricsctl.store.compact import compact_grown\nwriter = StoreWriter.open(STORE)\n{}\ncompact_grown(writer, 1)\n"
    for hook in (
        "close_without_goodbye(State, 'advance')",
        "close_without_goodbye(delta, 'publish', before=True)",
        "delta._fsync_commit = die",
    ):
        killed(store, work.format(hook))
        assert plain(answer(store)) == before
    StoreWriter.open(store).close()
    assert plain(answer(store)) == before
    assert verify(store).problems == ()
    assert not list((store / "g0001" / "staged").iterdir())
