"""Ten million ad events of one day: seeded, the same on every machine with the same numpy."""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb
import numpy as np

SEED = 20_260_101
DAY_MS = 86_400_000
START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
COUNTRIES = [f"{a}{b}" for a in "ABCDE" for b in "ABCDEFGHIJ"]
PLATFORMS = ["android", "ios", "tv", "web"]
USERS = 1_000_000  # the one of rank r is seen as often as 1 / (r + 20)^0.8
LATE = 0.01  # so many events come up to ten minutes after their time
_PART = 500_000

_ROW = """
SELECT strftime(make_timestamp(ts * 1000), '%Y-%m-%dT%H:%M:%S.%gZ') AS ts,
    printf('e%012d', id) AS event_id, printf('u%07d', "user") AS user_id,
    country, platform, amount, latency AS latency_ms, click AS is_click, printf('/item/%d', item) AS path
FROM part
"""


def make(events: int, ndjson: Path, parquet: Path) -> None:
    """Write the same events to both files, in the order in which they arrive."""
    rng = np.random.default_rng(SEED)
    connection = duckdb.connect()
    connection.execute("SET preserve_insertion_order = true")
    parts = []
    shares = np.cumsum(_weights(USERS, 20, 0.8))
    with ndjson.open("wb") as target:
        for start in range(0, events, _PART):
            part = _part(rng, shares, start, min(_PART, events - start), events)
            connection.register("part", part)
            text, columns = ndjson.with_suffix(".part"), parquet.with_suffix(f".{start}.part")
            connection.execute(f"COPY ({_ROW}) TO '{text}' (FORMAT json)")
            connection.execute(f"COPY (SELECT * REPLACE (CAST(ts AS TIMESTAMPTZ) AS ts) FROM ({_ROW})) TO '{columns}' (FORMAT parquet)")
            parts.append(str(columns))
            target.write(text.read_bytes())
            text.unlink()
    connection.execute("SET memory_limit = '4GB'")
    connection.execute(f"COPY (SELECT * FROM read_parquet({parts})) TO '{parquet}' (FORMAT parquet, COMPRESSION zstd)")
    for part_file in parts:
        Path(part_file).unlink()


def _part(rng: np.random.Generator, shares: np.ndarray, start: int, size: int, events: int) -> dict[str, np.ndarray]:
    numbers = np.arange(start, start + size)
    arrived = START_MS + (numbers * DAY_MS) // events
    late = np.where(rng.random(size) < LATE, rng.integers(0, 600_000, size), rng.integers(0, 900, size))
    countries = rng.choice(len(COUNTRIES), size, p=_weights(len(COUNTRIES), 1, 0.5))
    return {
        "id": numbers,
        "ts": np.maximum(arrived - late, START_MS),
        "user": np.searchsorted(shares, rng.random(size) * shares[-1]) * 7919 % USERS,
        "country": np.array(COUNTRIES, dtype=object)[countries],
        "platform": np.array(PLATFORMS, dtype=object)[rng.choice(4, size, p=[0.45, 0.3, 0.05, 0.2])],
        "amount": np.round(rng.lognormal(2.5, 0.9, size), 2),
        "latency": np.round(rng.gamma(3.0, 40.0, size), 3),
        "click": rng.random(size) < 0.04,
        "item": rng.integers(0, 50_000, size),
    }


def _weights(size: int, start: int, power: float) -> np.ndarray:
    """Zipf's shares of a few large and many small ones."""
    weights = 1 / np.arange(start, start + size) ** power
    return weights / weights.sum()


if __name__ == "__main__":
    make(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
