"""`detect` over a project: totals and segments, states of windows, silence, the clock."""

import numpy as np
import pytest

import metricsctl
from metricsctl.core.timegrid import Grain, TimeGrid
from metricsctl.detect.budget import Budget
from metricsctl.detect.grid import Grid, wall_clock
from metricsctl.detect.report import AnomalyReport
from metricsctl.workspace import Workspace

HOUR = 3_600_000_000
YAML = """
version: 1
defaults: {grain: 1h, owner: me, timezone: Europe/Berlin}
sources:
  - name: hits
    time: {column: at, lateness: 3h}
    dimensions: [site]
    columns: [{name: at, type: timestamp}, {name: site}]
metrics:
  - {name: visits, description: Visits., type: simple, source: hits, agg: count, direction: up}
  - {name: again, description: Visits again., type: simple, source: hits, agg: count, filter: site <> 'rare'}
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Four weeks of hits around the change of the clock: `b` is lost for a day, no site has data for six hours."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "metrics.yml").write_text(YAML, encoding="utf-8")
    rng = np.random.default_rng(0)
    start = np.datetime64("2026-03-08T00:00:00")
    lines = ["at,site"]
    for hour in range(28 * 24):
        stamp = start + np.timedelta64(hour, "h")
        wall = (hour + 1 + (hour >= 21 * 24 + 1)) % 24
        level = 6 if wall < 7 else 30
        for site, share in (("a", 1.0), ("b", 0.6), ("rare", 0.01)):
            lost = (site == "b" and 25 * 24 <= hour < 26 * 24) or 23 * 24 + 8 <= hour < 23 * 24 + 14
            lines += [f"{stamp}Z,{site}"] * (0 if lost else int(rng.poisson(level * share)))
    (folder / "hits.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    opened = metricsctl.open(folder)
    opened.ingest(folder / "hits.csv")
    return opened


@pytest.fixture(scope="module")
def report(shop: Workspace) -> AnomalyReport:
    return shop.detect()


def test_the_lost_segment_is_found_and_no_other_is_accused(report: AnomalyReport) -> None:
    found = {(one.metric, one.key.get("site")): one for one in report.episodes if one.kind == "deviation"}
    assert set(found) >= {("visits", "b"), ("again", "b")}
    assert {site for _, site in found} <= {None, "b"}
    lost = found["visits", "b"]
    assert lost.onset[:10] in {"2026-04-02", "2026-04-01"}
    assert (lost.direction, lost.effect, lost.state, lost.size_of) == ("down", "bad", "over", "total")
    assert lost.size == pytest.approx(-0.6 * (17 * 30 + 7 * 6), rel=0.25)
    assert lost.relative == pytest.approx(-1, abs=0.1)
    assert found["again", "b"].effect == "neutral"


def test_silence_is_told_once(report: AnomalyReport) -> None:
    (silent,) = [one for one in report.episodes if one.kind == "missing"]
    assert (silent.metric, silent.also, silent.windows) == ("visits", ("again",), 6)
    assert silent.onset == "2026-03-31T10:00:00+02:00"
    assert silent.end == "2026-03-31T16:00:00+02:00"


def test_small_segments_are_left_out(report: AnomalyReport) -> None:
    assert {one.key.get("site") for one in report.series} == {None, "a", "b"}


def test_open_windows_are_not_judged(report: AnomalyReport) -> None:
    total = report.series[0]
    words = [point["status"] for point in total.points(range(len(total.time)))]
    assert words[: 14 * 24].count("normal") == 0
    assert set(words[-3:]) == {"open"}
    assert words[-5] == "normal"


def test_since_shortens_the_result_and_not_the_history(shop: Workspace, report: AnomalyReport) -> None:
    late = shop.detect("visits", since="2026-04-01")
    assert [one.id for one in late.episodes] == [one.id for one in report.episodes if one.metric == "visits" and one.kind != "missing"]
    assert np.array_equal(late.series[0].score, report.series[0].score[-len(late.series[0].score) :], equal_nan=True)
    assert late.series[0].time[0] >= 1_774_994_400_000_000


def test_more_budget_means_more_alarms(shop: Workspace, report: AnomalyReport) -> None:
    assert len(shop.detect(budget="20/day").episodes) > len(report.episodes)
    assert report.fails("bad")
    assert not shop.detect("again", since="2026-04-01").fails("bad")


def test_a_budget_is_shared_by_the_series_of_a_metric() -> None:
    assert Budget.parse("1/week").rate(HOUR, 4) == pytest.approx(1 / 168 / 4)
    assert Budget.parse("1/week").rate(24 * HOUR, 1) == 0.02


@pytest.mark.parametrize(("grain", "steps"), [("1h", {0, 1, 2}), ("15m", {-3, 1, 5}), ("6h", {1}), ("1d", {1}), ("1w", {1}), ("1mo", {1})])
def test_a_time_of_day_keeps_its_place_when_the_clock_changes(grain: str, steps: set[int]) -> None:
    grid = TimeGrid(Grain.parse(grain), "Europe/Berlin")
    times = np.array(list(grid.starts(1_735_686_000_000_000, 1_767_222_000_000_000 - 1)))
    place = wall_clock(times, grid.grain, grid.zone)
    assert set(np.diff(place).tolist()) == steps


def test_values_find_their_way_to_the_grid_and_back() -> None:
    grid = Grid.of(np.arange(4), np.array([7, 8, 8, 10]), HOUR)
    values = np.array([[1.0, 2.0, 3.0, 4.0]])
    np.testing.assert_array_equal(grid.spread(values), [[1, 2, np.nan, 4]])
    np.testing.assert_array_equal(grid.gather(grid.spread(values)), [[1, 2, np.nan, 4]])
