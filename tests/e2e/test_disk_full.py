"""A disk that is full while it is written to: a clear error, the store intact, and it goes on when there is room."""

import json
import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from metricsctl.core.errors import DataError
from metricsctl.core.timegrid import Grain
from metricsctl.definition.load import load_text
from metricsctl.ingest.run import IngestOptions, ingest
from metricsctl.ingest.sampling import SampleOptions, sample
from metricsctl.query.run import QueryOptions, query
from metricsctl.store.info import verify
from metricsctl.store.maintain import compact_tables

MIB = 1 << 20
NOW = 1_800_000_000_000_000
PROJECT = load_text("""
version: 1
defaults: {timezone: UTC, grain: 1h}
sources:
  - name: pays
    time: {column: at, lateness: 1h}
    columns: [{name: at, type: timestamp}, {name: amount, type: double}, {name: user, type: string}]
metrics:
  - {name: n, type: simple, source: pays, agg: count}
  - {name: users, type: simple, source: pays, agg: count_distinct, expr: user}
""")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    try:
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(place)], check=False, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("there is no `mount` here")
    if done.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def events(path: Path, rows: int, seed: int) -> str:
    chance = random.Random(seed)
    with path.open("w", encoding="utf-8") as file:
        for _ in range(rows):
            row = {"at": 1_790_000_000 + chance.randrange(86_400), "amount": 1, "user": f"u{chance.randrange(1 << 40)}"}
            file.write(json.dumps(row) + "\n")
    return str(path)


def answer(store: Path) -> list[list[tuple]]:
    frames = query(PROJECT, store, ["n", "users"], QueryOptions(grain=Grain.parse("1d"))).frames
    return [[row[:3] for row in frame.rows()] for frame in frames]


def test_a_full_disk(tmp_path: Path, small_disk: Path) -> None:
    first, second = events(tmp_path / "a.ndjson", 5_000, 1), events(tmp_path / "b.ndjson", 100_000, 2)
    store, whole = small_disk / "store", tmp_path / "whole"
    options = IngestOptions(now=NOW, batch_bytes=MIB, group_bytes=2 * MIB)
    ingest(PROJECT, [first], store, options)
    before = answer(store)
    filler = small_disk / "filler"
    free = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize
    filler.write_bytes(b"x" * (free - 400_000))
    with pytest.raises(DataError, match=r"cannot|No space|full") as told:
        ingest(PROJECT, [second], store, options)
    assert told.value.hint
    kept = answer(store)
    assert kept[0][0][2] >= before[0][0][2]
    rest = small_disk / "rest"
    with pytest.raises(DataError):
        sample(PROJECT, [second], rest, SampleOptions("user", 1.0))
    assert not rest.exists()

    filler.unlink()
    assert verify(store).problems == ()
    ingest(PROJECT, [second], store, options)
    ingest(PROJECT, [first, second], whole, options)
    assert answer(store) == answer(whole)
    filler.write_bytes(b"x" * max(os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize - 200_000, 0))
    with pytest.raises(DataError):
        compact_tables(store)
    filler.unlink()
    assert answer(store) == answer(whole)
    assert compact_tables(store).tables
    assert answer(store) == answer(whole)
    assert verify(store).problems == ()
