"""kill -9 from outside while events are ingested: the run that follows goes on, and nothing is lost or doubled."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from metricsctl.core.errors import UsageError
from metricsctl.core.timegrid import Grain
from metricsctl.definition.load import load_text
from metricsctl.definition.project import Project
from metricsctl.ingest.run import IngestOptions, ingest
from metricsctl.query.run import QueryOptions, query
from metricsctl.store.info import verify

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")

ROOT = Path(__file__).resolve().parents[2]
FILES, ROWS = 5, 25_000
NOW = 1_800_000_000_000_000
HEAD = """
version: 1
defaults: {timezone: UTC, grain: 1h}
sources:
  - name: pays
    time: {column: at, lateness: 1h}
    dimensions: [country]
    entities: {user: user}
    columns:
      - {name: at, type: timestamp}
      - {name: id, type: string}
      - {name: country, type: string}
      - {name: amount, type: double}
      - {name: user, type: string}
"""
METRICS = """
metrics:
  - {name: n, type: simple, source: pays, agg: count}
  - {name: all, type: simple, source: pays, agg: count, dimensions: []}
  - {name: total, type: simple, source: pays, agg: sum, expr: amount}
  - {name: users, type: simple, source: pays, agg: count_distinct, expr: user}
  - {name: p90, type: simple, source: pays, agg: percentile, p: 0.9, expr: amount}
  - {name: mean, type: ratio, numerator: total, denominator: n}
"""
# keys that were counted, sessions and windows that are open are kept beside the states, in the same groups
STATEFUL = """
  - {name: visits, type: simple, source: sittings, agg: count}
  - {name: length, type: simple, source: sittings, agg: sum, expr: duration_s}
  - {name: exact, type: simple, source: pays, agg: median, expr: amount, exact: true}
  - {name: kept, type: simple, source: pays, agg: stddev, expr: amount, rollup: final_only}
"""
SESSIONS = "models: [{name: sittings, session: {source: pays, entity: user, gap: 30m}}]"
KEYED = HEAD.replace("    entities:", "    key: id\n    dedup: 30d\n    entities:")


@dataclass(frozen=True)
class Case:
    """Definitions, and what is asked of the store: metrics by country and by nothing in days, and in hours."""

    definitions: str
    by_country: tuple[str, ...]
    in_total: tuple[str, ...] = ()
    in_hours: tuple[str, ...] = ()

    @property
    def project(self) -> Project:
        return load_text(self.definitions)

    def answer(self, store: Path) -> list[list[tuple]]:
        asked = [
            (self.by_country, QueryOptions(by=("country",), grain=Grain.parse("1d"))),
            (self.in_total, QueryOptions(grain=Grain.parse("1d"))),
            (self.in_hours, QueryOptions(by=("country",), grain=Grain.parse("1h"))),
        ]
        return [list(frame.rows()) for names, options in asked if names for frame in query(self.project, store, names, options).frames]


CASES = {
    "states": Case(HEAD + METRICS, ("n", "total", "users", "p90", "mean")),
    "keys, sessions, open windows": Case(KEYED + SESSIONS + METRICS + STATEFUL, ("n", "total", "exact"), ("visits", "length"), ("kept",)),
}
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
ingest(load_text(sys.argv[1]), sys.argv[3:], Path(sys.argv[2]), IngestOptions(now={NOW}, final=True, **{SIZES!r}))
compact_tables(sys.argv[2])
vacuum(sys.argv[2], 0)
"""


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Files of events, each with times from the same three days."""
    folder = tmp_path_factory.mktemp("events")
    for number in range(FILES):
        chance = random.Random(number)
        with (folder / f"pays-{number}.ndjson").open("w", encoding="utf-8") as file:
            for row in range(ROWS):
                event = {
                    "id": f"{number}-{row}",
                    "at": 1_790_000_000 + chance.randrange(3 * 86_400),
                    "country": chance.choice(["DE", "FR", None]),
                    "amount": chance.randrange(10_000) / 100,
                    "user": f"u{chance.randrange(300)}",
                }
                file.write(json.dumps(event) + "\n")
    return sorted(str(path) for path in folder.iterdir())


def rows_seen(project: Project, store: Path) -> int:
    """Rows that a reader counts now, in each of two rollups of the same moment; 0 before the first group."""
    try:
        frames = query(project, store, ["n", "all"], QueryOptions(grain=Grain.parse("1d"))).frames
    except UsageError as error:
        if error.code != "no-store":
            raise
        return 0
    split, alone = (int(sum(value for _, _, value, _ in frame.rows() if value is not None)) for frame in frames)
    assert split == alone, "a reader saw two rollups of different moments"
    return split


def run_and_kill(case: Case, store: Path, events: list[str], seconds: float, seen: list[int], *, in_the_middle: bool) -> bool:
    """Whether the process was killed before it had finished; a reader counts rows meanwhile.

    It is killed so many seconds after it began, or after it has published something.
    """
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, case.definitions, str(store), *events],
        env=dict(os.environ, PYTHONPATH=str(ROOT)),
        stdout=subprocess.PIPE,
        text=True,
    )
    project = case.project
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    before = seen[-1]
    while in_the_middle and process.poll() is None and seen[-1] == before:
        seen.append(rows_seen(project, store))
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        seen.append(rows_seen(project, store))
    process.kill()
    code = process.wait(10)
    process.stdout.close()
    assert code in {0, -signal.SIGKILL}
    return code != 0


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("moments", [3, pytest.param(50, marks=pytest.mark.slow)])
def test_killed_at_random_moments_and_gone_on(tmp_path: Path, events: list[str], name: str, moments: int) -> None:
    """Kills while events are read, committed, published, compacted and removed; a store that is complete gives way to an empty one."""
    case, undisturbed = CASES[name], tmp_path / "undisturbed"
    project = case.project
    assert ingest(project, events, undisturbed, IngestOptions(now=NOW, final=True)).rows == FILES * ROWS
    chance = random.Random(5)
    kills = stores = 0
    while kills < moments:
        store, seen, own = tmp_path / f"killed-{stores}", [0], 0
        while kills < moments and own < 8:
            # each with what was left by those before; from the third on it is mostly compaction and vacuum that are left to do
            if not run_and_kill(case, store, events, chance.uniform(0, 0.5), seen, in_the_middle=own % 2 == 1):
                break
            kills, own = kills + 1, own + 1
        assert seen == sorted(seen), "a reader saw rows vanish"
        report = ingest(project, events, store, IngestOptions(now=NOW, final=True))
        assert rows_seen(project, store) == FILES * ROWS
        assert report.rows < FILES * ROWS or own < 2, "nothing of the killed runs was kept"
        for killed, whole in zip(case.answer(store), case.answer(undisturbed), strict=True):
            assert [row[:2] for row in killed] == [row[:2] for row in whole]
            assert [row[2] for row in killed] == pytest.approx([row[2] for row in whole], rel=1e-12)
        again = ingest(project, events, store, IngestOptions(now=NOW, final=True))
        assert (again.groups, again.rows) == (0, 0)
        assert verify(store).problems == ()
        stores += 1
    assert stores > 0
