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
  - {name: total, type: simple, source: pays, agg: sum, expr: amount}
  - {name: users, type: simple, source: pays, agg: count_distinct, expr: user}
  - {name: p90, type: simple, source: pays, agg: percentile, p: 0.9, expr: amount}
  - {name: mean, type: ratio, numerator: total, denominator: n}
"""
# small groups: many commits in which the process can be killed
SIZES = {"batch_bytes": 250_000, "group_bytes": 500_000}
CHILD = f"""
import sys
from pathlib import Path
from metricsctl.definition.load import load_text
from metricsctl.ingest.run import IngestOptions, ingest
print("begun", flush=True)
ingest(load_text({DEFINITIONS!r}), sys.argv[2:], Path(sys.argv[1]), IngestOptions(now={NOW}, final=True, **{SIZES!r}))
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
    return [list(frame.rows()) for frame in query(load_text(DEFINITIONS), store, METRICS, options).frames]


def rows_seen(store: Path) -> int:
    """Rows that a reader counts now; 0 before the first group."""
    try:
        frame = query(load_text(DEFINITIONS), store, ["n"], QueryOptions(grain=Grain.parse("1d"))).frames[0]
    except UsageError as error:
        if error.code != "no-store":
            raise
        return 0
    return int(sum(value for _, _, value, _ in frame.rows() if value is not None))


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


def test_killed_at_random_moments_and_gone_on(tmp_path: Path, events: list[str]) -> None:
    undisturbed, store = tmp_path / "undisturbed", tmp_path / "killed"
    project = load_text(DEFINITIONS)
    assert ingest(project, events, undisturbed, IngestOptions(now=NOW, final=True)).rows == FILES * ROWS

    chance = random.Random(5)
    seen = [0]
    kills = 0
    for attempt in range(6):
        if not run_and_kill(store, events, chance.uniform(0, 0.3), seen, in_the_middle=attempt % 2 == 1):
            break
        kills += 1
    assert kills >= 3
    assert seen == sorted(seen), "a reader saw rows vanish"

    report = ingest(project, events, store, IngestOptions(now=NOW, final=True))
    assert rows_seen(store) == FILES * ROWS
    assert report.rows < FILES * ROWS, "nothing of the killed runs was kept"
    for killed, whole in zip(answer(store), answer(undisturbed), strict=True):
        assert [row[:2] for row in killed] == [row[:2] for row in whole]
        assert [row[2] for row in killed] == pytest.approx([row[2] for row in whole], rel=1e-12)
    again = ingest(project, events, store, IngestOptions(now=NOW, final=True))
    assert (again.groups, again.rows) == (0, 0)
