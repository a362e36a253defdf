"""A run that fails anywhere leaves whole groups; run again, keys count once and sessions are as if nothing had happened."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from metricsctl.core.errors import StoreError
from metricsctl.core.timegrid import Grain
from metricsctl.definition.load import load_text
from metricsctl.engine.reference import Reference
from metricsctl.ingest.run import IngestOptions, ingest
from metricsctl.query.run import QueryOptions, query
from metricsctl.store.writer import StoreWriter

PROJECT = load_text(
    """
version: 1
sources:
  - name: log
    time: {column: at, lateness: 1h}
    key: id
    entities: {user: user}
    columns: [{name: at, type: timestamp}, {name: id}, {name: user}, {name: x, type: double}]
models:
  - {name: visits, session: {source: log, entity: user, gap: 30m}}
metrics:
  - {name: n, type: simple, source: log, agg: count}
  - {name: stock, type: simple, source: log, agg: sum, expr: x, semi_additive: {per: user, carry: 1d}}
  - {name: visits_n, type: simple, source: visits, agg: count}
  - {name: length, type: simple, source: visits, agg: sum, expr: duration_s}
"""
)
FIRST = 1_790_000_000_000_000
NOW = FIRST + 10**12
EVENTS = [
    {"at": (FIRST + (number * 7 % 40) * 600_000_000) // 1000, "id": f"e{number % 33}", "user": "abc"[number % 3], "x": 1}
    for number in range(60)
]


@pytest.mark.parametrize("place", ["put", "commit", "_publish", "set_source"])
def test_run_again_it_gives_the_same_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    file = tmp_path / "log.ndjson"
    file.write_text("".join(json.dumps(event) + "\n" for event in EVENTS))
    options = IngestOptions(now=NOW, final=True, batch_bytes=800, group_bytes=1000)
    whole: Callable[..., Any] = getattr(StoreWriter, place)
    calls = 0

    def failing(self: StoreWriter, *arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls > 2:  # in the middle of some group
            raise StoreError("the disk is full")
        return whole(self, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(StoreWriter, place, failing)
        with pytest.raises(StoreError):
            ingest(PROJECT, [str(file)], tmp_path / "store", options)
    report = ingest(PROJECT, [str(file)], tmp_path / "store", options)
    assert report.sources[0].rejected == 0
    reference = Reference(PROJECT, {"log": EVENTS}, NOW)
    for frame in query(PROJECT, tmp_path / "store", ["n", "stock", "visits_n", "length"], QueryOptions(grain=Grain.parse("1h"))).frames:
        expected = reference.evaluate(frame.metric, grain=Grain.parse("1h"))
        assert {(time, key): value for time, key, value, _ in frame.rows()} == pytest.approx(expected)
