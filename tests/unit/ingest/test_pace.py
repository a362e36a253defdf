"""What an observer is told of a run: every byte of every file once, and events a second."""

import gzip
import random
from pathlib import Path

import pytest

from metricsctl.definition.load import load_text
from metricsctl.ingest.run import IngestOptions, ingest

PROJECT = """
version: 1
sources:
  - {name: clicks, time: {column: at}, columns: [{name: at, type: timestamp}, {name: n, type: integer}]}
metrics:
  - {name: total, type: simple, source: clicks, agg: sum, expr: n}
"""
NOW = 1_800_000_000_000_000


class Told:
    def __init__(self) -> None:
        self.total, self.done, self.notes = 0, [], []

    def start(self, what: str, total: int | None, unit: str) -> None:
        assert (what, unit) == ("ingest", "B")
        self.total = total or 0

    def advance(self, done: int, note: str = "") -> None:
        self.done.append(done)
        self.notes.append(note)

    def finish(self) -> None:
        self.notes.append("over")


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_every_byte_is_told_once_while_a_file_is_read(tmp_path: Path, *, packed: bool) -> None:
    files = [tmp_path / f"{name}.ndjson{'.gz' if packed else ''}" for name in "ab"]
    any_number = random.Random(1)
    for file in files:
        lines = "".join(f'{{"at": "2026-01-05T00:{n % 60:02}:00Z", "n": {any_number.getrandbits(48)}}}\n' for n in range(40_000)).encode()
        file.write_bytes(gzip.compress(lines) if packed else lines)
    told = Told()
    options = IngestOptions(batch_bytes=300_000, now=NOW)
    report = ingest(load_text(PROJECT), [str(file) for file in files], tmp_path / "store", options, progress=told)
    assert report.rows == 80_000
    assert sum(told.done) == told.total == sum(file.stat().st_size for file in files)
    moves = [done for done in told.done if done]
    assert len(moves) > len(files), "it moves within a file"
    assert max(moves) < told.total / 2
    assert any(note.startswith("80,000 events, ") and note.endswith(" events/s") for note in told.notes)
    assert told.notes[-1] == "over"


def test_what_is_known_already_is_gone_over_at_once(tmp_path: Path) -> None:
    file = tmp_path / "a.ndjson"
    file.write_text('{"at": "2026-01-05T00:00:00Z", "n": 1}\n')
    for _ in range(2):
        told = Told()
        ingest(load_text(PROJECT), [str(file)], tmp_path / "store", IngestOptions(now=NOW), progress=told)
    assert (sum(told.done), told.notes) == (file.stat().st_size, ["", "over"])
