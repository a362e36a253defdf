"""A run that goes on from a saved state gives what one run over everything gives, bit by bit, and nothing else."""

import dataclasses
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metricsctl.core.durations import US
from metricsctl.detect import states as states_module
from metricsctl.detect.base import Status
from metricsctl.detect.examine import Found, examine
from metricsctl.detect.grid import Grid
from metricsctl.detect.run import DetectOptions, detect, detect_frame
from metricsctl.detect.series import Series, SeriesSet, Traits
from metricsctl.detect.states import SeriesStates
from metricsctl.workspace import open as open_workspace

START = 1_767_225_600_000_000  # 2026-01-01


def series_set(size: int, length: int, *, kind: str | None = "sum", seed: int = 0, series: int = 3, unsettled: int = 0) -> SeriesSet:
    """Seasonal series with gaps, of which the first gets a step, the second a negative value and the third a spike."""
    rng = np.random.default_rng(seed)
    place = np.arange(6000)
    values = 100 + 20 * np.sin(place * 2 * np.pi * length / US["d"] / 7) + rng.normal(0, 3, (series, len(place)))
    values[0, 900:] += 25
    values[1, 333] = -4
    values[2 % series, 700::90] += 40
    values[:, ::41] = np.nan
    values = values[:, :size] / (400 if kind == "level" else 1)
    status = np.where(np.isnan(values), np.uint8(Status.MISSING), np.uint8(Status.WARMING_UP))
    if unsettled:
        values[:, -unsettled:] /= 2
        status[:, -unsettled:] = Status.OPEN
    grid = Grid.of(START + place[:size] * length, place[:size], length)
    rows = tuple(Series({"k": str(row)}, values[row], np.full(size, 80.0), status[row]) for row in range(series))
    return SeriesSet(Traits("sales", kind=kind), grid, rows)  # type: ignore[arg-type]


def found_in(item: SeriesSet, folder: Path | None, *, bare: bool = False) -> Found:
    states = SeriesStates(folder, [item.traits.metric])
    found = examine(item, "auto", 1e-3, None, weekly_only=not bare, states=states)
    states.write()
    return found


def assert_same(found: Found, expected: Found) -> None:
    assert repr(found.episodes) == repr(expected.episodes)  # a window without a value is NaN
    assert len(found.series) == len(expected.series)
    for one, other in zip(found.series, expected.series, strict=True):
        for field in ("score", "expected_low", "expected", "expected_high", "status", "alert"):
            np.testing.assert_array_equal(getattr(one, field), getattr(other, field), err_msg=field)


def settled(folder: Path) -> list[int]:
    """How many windows the states in a folder are of."""
    (file,) = (folder / "detect").glob("*.npz")
    return [int(state["settled"]) for state in states_module._read(file).values()]


@pytest.mark.parametrize(
    ("length", "kind"), [(US["d"], "count"), (US["d"], None), (US["h"] * 6, "level"), (US["h"] * 6, "sum"), (US["h"] // 2, "sum")]
)
def test_pieces_give_what_one_run_gives(tmp_path: Path, length: int, kind: str | None) -> None:
    for size in (40, 400, 900, 903, 1300):
        item = series_set(size, length, kind=kind, unsettled=3)
        assert_same(found_in(item, tmp_path), found_in(item, None))
        assert settled(tmp_path) == [size - 3] * 3
    assert found_in(item, None).episodes


def test_pieces_of_a_bare_series_that_begin_before_a_season_is_known(tmp_path: Path) -> None:
    for size in (30, 90, 100, 140, 160, 700):
        item = series_set(size, US["h"] // 2, kind=None)
        assert_same(found_in(item, tmp_path, bare=True), found_in(item, None, bare=True))


@settings(max_examples=15, deadline=None)
@given(sizes=st.lists(st.integers(1, 1200), min_size=2, max_size=4), unsettled=st.integers(0, 40), seed=st.integers(0, 99))
def test_whatever_the_pieces(tmp_path_factory: pytest.TempPathFactory, sizes: list[int], unsettled: int, seed: int) -> None:
    folder = tmp_path_factory.mktemp("states")
    for size in sizes:  # also backwards: an earlier `--until`
        item = series_set(size, US["d"], seed=seed, unsettled=min(unsettled, size))
        assert_same(found_in(item, folder), found_in(item, None))


def test_a_shorter_run_takes_nothing_away(tmp_path: Path) -> None:
    found_in(series_set(900, US["d"]), tmp_path)
    found_in(series_set(500, US["d"]), tmp_path)
    assert settled(tmp_path) == [900] * 3


def test_a_past_that_changed_is_worked_out_again(tmp_path: Path) -> None:
    item = series_set(900, US["d"])
    found_in(item, tmp_path)
    changed = [dataclasses.replace(one, value=one.value.copy(), count=one.count.copy()) for one in item.series]
    changed[0].value[200] = 400.0
    changed[1].count[300] = 1.0
    other = dataclasses.replace(item, series=tuple(changed))
    assert_same(found_in(other, tmp_path), found_in(other, None))
    states = SeriesStates(tmp_path, [item.traits.metric])  # the next run goes on from what this one kept
    again = examine(other, "auto", 1e-3, None, weekly_only=True, states=states)
    assert_same(again, found_in(other, None))
    assert not states.stale


def test_series_may_come_and_go(tmp_path: Path) -> None:
    item = series_set(900, US["d"])
    found_in(dataclasses.replace(item, series=item.series[:2]), tmp_path)
    later = series_set(1000, US["d"])
    for rows in ((0, 2, 1), (1, 2), (2,)):
        some = dataclasses.replace(later, series=tuple(later.series[row] for row in rows))
        assert_same(found_in(some, tmp_path), found_in(some, None))


def test_what_cannot_be_read_is_not_there(tmp_path: Path) -> None:
    item = series_set(600, US["d"])
    found_in(item, tmp_path)
    (file,) = (tmp_path / "detect").glob("*.npz")
    whole = file.read_bytes()
    for bad in (b"", b"no archive", whole[: len(whole) // 2], whole[:200] + b"xx" + whole[202:]):
        file.write_bytes(bad)
        assert_same(found_in(item, tmp_path), found_in(item, None))
    assert settled(tmp_path) == [600] * 3


def test_a_folder_that_cannot_be_written_to_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, no folder", encoding="utf-8")
    item = series_set(300, US["d"])
    assert_same(found_in(item, tmp_path / "taken"), found_in(item, None))


@pytest.mark.parametrize("limit", [100_000, 350_000])  # less than the estimate, and between it and what it really is
def test_there_is_a_limit_to_what_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    monkeypatch.setattr(states_module, "_MOST_BYTES", limit)
    item = series_set(900, US["d"])
    assert_same(found_in(item, tmp_path), found_in(item, None))
    assert not list((tmp_path / "detect").glob("*"))


def test_killed_while_it_writes_it_leaves_a_whole_file_or_none(tmp_path: Path) -> None:
    script = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_resume import *
folder = Path({str(tmp_path)!r})
for size in range(400, 6000, 400):
    found_in(series_set(size, US["d"]), folder)
    print(size, flush=True)
"""
    for wait in (0.0, 0.005, 0.02):
        process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert settled(tmp_path)
    item = series_set(1300, US["d"])
    assert_same(found_in(item, tmp_path), found_in(item, None))


METRICS = """\
version: 1
defaults: {owner: team, grain: 1h}
sources:
  - name: visits
    description: Visits.
    time: {column: at}
    columns: [{name: at, type: timestamp}, {name: country, type: string}]
dimensions: [{name: country, description: Where.}]
metrics:
  - {name: traffic, description: Visits., type: simple, source: visits, agg: count, dimensions: [country]}
"""


def visits(first: int, last: int) -> str:
    rng = np.random.default_rng(first)
    rows = ["at,country"]
    for hour in range(first, last):
        at = np.datetime64("2026-01-05T00:00:00") + np.timedelta64(hour, "h")
        for country, usual in (("DE", 90), ("FR", 12)):
            rows += [f"{at}Z,{country}"] * int(rng.poisson(usual * (0.2 if 610 <= hour < 616 and country == "DE" else 1)))
    return "\n".join([*rows, ""])


def test_metrics_of_a_store_that_grows(tmp_path: Path) -> None:
    (tmp_path / "metrics.yml").write_text(METRICS, encoding="utf-8")
    shop = open_workspace(tmp_path / "metrics.yml")
    for first, last in ((0, 500), (500, 640), (640, 650)):
        (tmp_path / f"{first}.csv").write_text(visits(first, last), encoding="utf-8")
        shop.ingest(tmp_path / f"{first}.csv", source="visits")
        kept = detect(shop.project, shop.store, folder=tmp_path / "cache")
        assert kept.to_dict() == detect(shop.project, shop.store).to_dict()
        assert len(settled(tmp_path / "cache")) == 3
    assert any(one.key == {"country": "DE"} and one.direction == "down" for one in kept.episodes)


def test_a_file_that_grows(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    lines = [f"2026-03-{1 + hour // 24:02}T{hour % 24:02}:00:00Z,{host},{100 + rng.normal():.3f}" for hour in range(600) for host in "ab"]
    lines[1100] = lines[1100].rpartition(",")[0] + ",150"
    options = DetectOptions(emit="scores")
    for count in (900, 1000, 1200):
        (tmp_path / "load.csv").write_text("\n".join(["when,host,load", *lines[:count], ""]), encoding="utf-8")
        kept = detect_frame(tmp_path / "load.csv", options=options, folder=tmp_path / "cache")
        assert kept.to_dict() == detect_frame(tmp_path / "load.csv", options=options).to_dict()
    assert settled(tmp_path / "cache") == [600, 600]
    assert kept.episodes
