"""Events that come when their window is final change the past: that is said, and is no new alarm."""

import numpy as np
import pandas as pd
import pytest

from metricsctl.workspace import open as open_workspace

METRICS = """\
version: 1
defaults: {grain: 1h}
sources:
  - {name: log, time: {column: at, lateness: 1h}, columns: [{name: at, type: timestamp}]}
metrics:
  - {name: visits, type: simple, source: log, agg: count}
"""
BEGIN = pd.Timestamp("2026-03-02T00:00Z")
HOURS, LATE, LIVE = 24 * 7 * 5, 600, 700


def events(hours: dict[int, int]) -> str:
    rows = [(BEGIN + pd.Timedelta(hours=hour, minutes=number % 60)).isoformat() for hour, count in hours.items() for number in range(count)]
    return "at\n" + "".join(f"{row}\n" for row in rows)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("restated")
    chance = np.random.default_rng(1)
    usual = {hour: int(chance.poisson(100 + 30 * np.sin(hour * 2 * np.pi / 24))) for hour in range(HOURS)}
    (folder / "metrics.yml").write_text(METRICS)
    (folder / "log.csv").write_text(events(usual | {LIVE: 300}))
    (folder / "late.csv").write_text(events({LATE: 200}))
    made = open_workspace(folder / "metrics.yml")
    made.ingest(folder / "log.csv")
    return made, folder


def test_what_was_restated_is_said_and_fails_nothing(shop):
    made, folder = shop
    before = made.detect("visits")
    assert [item.restated for item in before.episodes] == [False]
    assert not any(item.code == "restated" for item in before.diagnostics)
    made.ingest(folder / "late.csv")
    after = made.detect("visits")
    assert [item.restated for item in after.episodes] == [True, False]
    assert "the past changed" in after.episodes[0].why
    (found,) = (item for item in after.diagnostics if item.code == "restated")
    assert found.message.startswith("the past changed: 1 window of visits got events when already final; 1 of")
    assert after.fails("anomaly")  # of what is news
    late = made.detect("visits", until=str((BEGIN + pd.Timedelta(hours=LATE + 30)).date()))
    assert len(late.episodes) == 1
    assert not late.fails("anomaly")
