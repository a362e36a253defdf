"""kill -9 from outside while events are ingested: the run that follows goes on, and nothing is lost or doubled."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from metricsctl.core.errors import UsageError
from metricsctl.core.timegrid import Grain
from metricsctl.definition.load import load_text
from metricsctl.ingest.run import IngestOptions, ingest
from metricsctl.query.run import QueryOptions, query
from metricsctl.store.info import verify

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")

ROOT = Path(__file__).resolve().parents[2]
FILES, ROWS = 5, 25_000
NOW = 1_800_000_000_000_000
METRICS = ["n", "total", "users", "p90", "mean"]
DEFINITIONS = """
version: 1
defaults: {timezone: UTC, grain: 1h}
sources:
  - name: pays
    time: {column: at, lateness: 1h}
    dimensions: [country]
    columns:
      - {name: at, type: timestamp}
      - {name: country, type: string}
      - {name: amount, type: double}
      - {name: user, type: string}
metrics:
  - {name: n, type: simple, source: pays, agg: count}
  - {name: all, type: simple, source: pays, agg: count, dimensions: []}
  - {name: total, type: simple, source: pays, agg: sum, expr: amount}
  - {name: users, type: simple, source: pays, agg: count_distinct, expr: user}
  - {name: p90, type: simple, source: pays, agg: percentile, p: 0.9, expr: amount}
  - {name: mean, type: ratio, numerator: total, denominator: n}
"""
PROJECT = load_text(DEFINITIONS)
# small groups: many commits in which the process can be killed
SIZES = {"batch_bytes": 250_000, "group_bytes": 500_000}
CHILD = f"""
import sys
from pathlib import Path
from metricsctl.definition.load import load_text
from metricsctl.ingest import sink
from metricsctl.ingest.run import IngestOptions, ingest
from metricsctl.store.compact import compact_grown
from metricsctl.store.maintain import compact_tables, vacuum
sink.COMPACT_EVERY, compact_grown.__defaults__ = 3, (4,)  # compaction on the way, too
print("begun", flush=True)
ingest(load_text({DEFINITIONS!r}), sys.argv[2:], Path(sys.argv[1]), IngestOptions(now={NOW}, final=True, **{SIZES!r}))
compact_tables(sys.argv[1])
vacuum(sys.argv[1], 0)
"""


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Files of events, each with times from the same three days."""
    folder = tmp_path_factory.mktemp("events")
    for number in range(FILES):
        chance = random.Random(number)
        with (folder / f"pays-{number}.ndjson").open("w", encoding="utf-8") as file:
            for _ in range(ROWS):
                event = {
                    "at": 1_790_000_000 + chance.randrange(3 * 86_400),
                    "country": chance.choice(["DE", "FR", None]),
                    "amount": chance.randrange(10_000) / 100,
                    "user": f"u{chance.randrange(300)}",
                }
                file.write(json.dumps(event) + "\n")
    return sorted(str(path) for path in folder.iterdir())


def answer(store: Path) -> list[list[tuple]]:
    options = QueryOptions(by=("country",), grain=Grain.parse("1d"))
    return [list(frame.rows()) for frame in query(PROJECT, store, METRICS, options).frames]


def rows_seen(store: Path) -> int:
    """Rows that a reader counts now, in each of two rollups of the same moment; 0 before the first group."""
    try:
        frames = query(PROJECT, store, ["n", "all"], QueryOptions(grain=Grain.parse("1d"))).frames
    except UsageError as error:
        if error.code != "no-store":
            raise
        return 0
    split, alone = (int(sum(value for _, _, value, _ in frame.rows() if value is not None)) for frame in frames)
    assert split == alone, "a reader saw two rollups of different moments"
    return split


def run_and_kill(store: Path, events: list[str], seconds: float, seen: list[int], *, in_the_middle: bool) -> bool:
    """Whether the process was killed before it had finished; a reader counts rows meanwhile.

    It is killed so many seconds after it began, or after it has published something.
    """
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(store), *events], env=dict(os.environ, PYTHONPATH=str(ROOT)), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    before = seen[-1]
    while in_the_middle and process.poll() is None and seen[-1] == before:
        seen.append(rows_seen(store))
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        seen.append(rows_seen(store))
    process.kill()
    code = process.wait(10)
    process.stdout.close()
    assert code in {0, -signal.SIGKILL}
    return code != 0


@pytest.mark.parametrize("moments", [5, pytest.param(50, marks=pytest.mark.slow)])
def test_killed_at_random_moments_and_gone_on(tmp_path: Path, events: list[str], moments: int) -> None:
    """Kills while events are read, committed, published, compacted and removed; a store that is complete gives way to an empty one."""
    undisturbed = tmp_path / "undisturbed"
    assert ingest(PROJECT, events, undisturbed, IngestOptions(now=NOW, final=True)).rows == FILES * ROWS
    chance = random.Random(5)
    kills = stores = 0
    while kills < moments:
        store, seen, own = tmp_path / f"killed-{stores}", [0], 0
        while kills < moments and own < 8:
            # each with what was left by those before; from the third on it is mostly compaction and vacuum that are left to do
            if not run_and_kill(store, events, chance.uniform(0, 0.5), seen, in_the_middle=own % 2 == 1):
                break
            kills, own = kills + 1, own + 1
        assert seen == sorted(seen), "a reader saw rows vanish"
        report = ingest(PROJECT, events, store, IngestOptions(now=NOW, final=True))
        assert rows_seen(store) == FILES * ROWS
        assert report.rows < FILES * ROWS or own < 2, "nothing of the killed runs was kept"
        for killed, whole in zip(answer(store), answer(undisturbed), strict=True):
            assert [row[:2] for row in killed] == [row[:2] for row in whole]
            assert [row[2] for row in killed] == pytest.approx([row[2] for row in whole], rel=1e-12)
        again = ingest(PROJECT, events, store, IngestOptions(now=NOW, final=True))
        assert (again.groups, again.rows) == (0, 0)
        assert verify(store).problems == ()
        stores += 1
    assert stores > 0
