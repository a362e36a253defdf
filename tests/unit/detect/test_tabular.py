"""Bare series: what is read from a table, and what is asked back."""

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from metricsctl.core.durations import Duration
from metricsctl.core.errors import DataError, UnknownName, UsageError
from metricsctl.detect.budget import Budget
from metricsctl.detect.report import ScoredSeries
from metricsctl.detect.run import DetectOptions, detect_frame
from metricsctl.render import Style, render

SCORES = DetectOptions(emit="scores")


def hourly(days: int = 12, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    time = pd.date_range("2026-01-05", periods=24 * days, freq="h")
    value = 100 + 30 * np.sin(np.arange(24 * days) * 2 * np.pi / 24) + rng.normal(0, 3, 24 * days)
    value[200] += 60
    return pd.DataFrame({"time": time, "value": value})


def test_a_data_frame_goes_in_and_comes_out() -> None:
    frame = hourly()
    report = detect_frame(frame, options=SCORES)
    assert [(one.metric, one.onset, one.direction, one.windows) for one in report.episodes] == [("value", "2026-01-13 08:00:00", "up", 1)]
    scores = report.to_pandas()
    columns = ["metric", "time", "value", "score", "expected_low", "expected", "expected_high", "status", "anomaly"]
    assert list(scores.columns) == columns
    np.testing.assert_allclose(scores["value"], frame["value"], rtol=1e-11)
    assert np.flatnonzero(scores["anomaly"]).tolist() == [200]
    assert scores["status"][0] == "warming_up"


def test_rows_come_out_in_the_order_they_came_in() -> None:
    frame = hourly()
    mixed = frame.sample(frac=1, random_state=1)
    plain, shuffled = (detect_frame(one, options=SCORES).to_pandas() for one in (frame, mixed))
    assert shuffled["time"].tolist() == [str(time) for time in mixed["time"]]
    again = shuffled.sort_values("time").reset_index(drop=True)
    np.testing.assert_array_equal(again["score"], plain["score"])


def test_gaps_duplicates_and_empty_values_keep_their_rows() -> None:
    frame = hourly()
    frame.loc[150, "value"] = np.nan
    frame = pd.concat([frame.drop(index=[100, 101]), frame.loc[[160]]]).assign(host="a")
    report = detect_frame(frame, by=["host"], options=SCORES)
    rows = list(report.scores())
    assert len(rows) == len(frame)
    assert rows[148]["status"] == "missing"
    assert rows[-1]["status"] == "excluded"
    assert len(report.episodes) == 1


def test_text_columns_tell_series_apart() -> None:
    both = pd.concat([hourly().assign(host="a"), hourly(seed=3).assign(host="b")])
    report = detect_frame(both)
    assert report.dimensions == ("host",)
    assert sorted(one.key["host"] or "" for one in report.episodes) == ["a", "b"]


def test_numbers_without_time_are_judged_by_the_last_ones(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(10, 1, 300)
    values[250] = 40
    path = tmp_path / "plain.csv"
    path.write_text("load\n" + "\n".join(map(str, values)) + "\n", encoding="utf-8")
    report = detect_frame(path)
    assert [one.onset for one in report.episodes] == ["251"]


@pytest.mark.parametrize("unit", [1, 1_000, 1_000_000, 1_000_000_000])
def test_unix_times_are_told_apart_by_their_size(unit: int) -> None:
    frame = pd.DataFrame({"ts": (1_767_225_600 + np.arange(30) * 3600) * unit, "load": np.arange(30.0)})
    (series,) = detect_frame(frame, options=SCORES).series
    assert series.time.tolist() == [(1_767_225_600 + hour * 3600) * 1_000_000 for hour in range(30)]


def test_what_pandas_writes_for_nothing_is_nothing() -> None:
    frame = hourly().astype({"value": "Float64"})
    frame.loc[3, "value"] = pd.NA
    scores = detect_frame(frame, options=SCORES).to_pandas()
    assert scores["status"][3] == "missing"
    frame.loc[5, "time"] = pd.NaT
    with pytest.raises(DataError, match="row 7: 'NaT' in column 'time' is not a time"):
        detect_frame(frame)


def test_a_number_that_is_no_time_is_said_to_be_none() -> None:
    with pytest.raises(DataError, match="row 2: '1e\\+308' in column 'ts' is not a time"):
        detect_frame(pd.DataFrame({"ts": [1e308, 5.0], "load": [1.0, 2.0]}))


def test_epoch_seconds_are_times(tmp_path: Path) -> None:
    frame = hourly()
    path = tmp_path / "epoch.csv"
    seconds = frame["time"].astype("int64") // {"ns": 10**9, "us": 10**6}[frame["time"].dt.unit]
    pd.DataFrame({"timestamp": seconds, "value": frame["value"]}).to_csv(path, index=False)
    assert len(detect_frame(path).episodes) == 1


def test_scores_do_not_depend_on_what_comes_later() -> None:
    frame = hourly()
    whole = detect_frame(frame, options=SCORES).to_pandas()
    part = detect_frame(frame[:230], options=SCORES).to_pandas()
    pd.testing.assert_frame_equal(part, whole[:230])


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("time,name\n2026-01-01,a\n", DataError, "no column holds numbers"),
        ("time,a,b\n2026-01-01,1,2\n", UsageError, "several columns hold numbers: a, b"),
        ("", DataError, "is empty"),
        ("time,value\n", DataError, "no rows"),
        ("time,value\n2026-01-01,1\nx,2\n", DataError, "row 3: 'x' in column 'time' is not a time"),
        ("time,value\n2026-01-01,1,9\n", DataError, "row 2 has 3 fields"),
        ("time,time\n2026-01-01,1\n", DataError, "twice"),
        ("time,value\n2026-01-01,1\n2026-01-01,2\n", UsageError, "not unique"),
        ("from,to,v\n2026-01-01,2026-01-02,2\n", UsageError, "several columns hold times"),
    ],
)
def test_what_cannot_be_used_is_said(text: str, error: type[Exception], words: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(error, match=words):
        detect_frame(path)


def test_wrong_names_are_said() -> None:
    with pytest.raises(UsageError, match="no column 'load'"):
        detect_frame(hourly(), value="load")
    with pytest.raises(UnknownName, match="unknown detector 'robust'"):
        detect_frame(hourly(), options=DetectOptions(detector="robust"))
    with pytest.raises(UsageError, match="cannot read"):
        detect_frame("nowhere.csv")


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 3.0], [5.0] * 80, [np.nan] * 80, [np.inf, 1.0] * 40])
def test_odd_frames_give_no_alarm(values: list[float]) -> None:
    frame = pd.DataFrame({"value": values})
    if not values or np.isnan(values).all():
        with pytest.raises(DataError):
            detect_frame(frame)
        return
    report = detect_frame(frame, options=SCORES)
    assert len(list(report.scores())) == len(values)
    assert not report.episodes


def test_a_report_shows_itself() -> None:
    shown = detect_frame(hourly())._repr_html_()
    assert shown.startswith("<table>")
    assert "2026-01-13 08:00:00" in shown


def test_the_index_may_hold_the_times() -> None:
    frame = hourly()
    expected = detect_frame(frame).to_dict()
    indexed = frame.set_index("time")
    assert detect_frame(indexed).to_dict() == detect_frame(indexed["value"]).to_dict() == expected
    assert detect_frame(indexed.rename_axis(None)["value"].rename(None)).to_dict() == expected
    with pytest.raises(UsageError, match="index and as a column"):
        detect_frame(indexed.assign(time=1.0))
    with pytest.raises(UsageError, match="a list is no table"):
        detect_frame([1.0, 2.0])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (1, "it has 1 window; three days of hours, or three weeks of days, are needed"),
        (2, "it has 2 windows; three days of hours, or three weeks of days, are needed"),
        (12, "it has 12 windows, and more than 24 are needed"),
    ],
)
def test_how_much_history_is_needed_is_said(count: int, words: str) -> None:
    assert [item.message for item in detect_frame(hourly()[:count]).diagnostics] == [f"too little history to judge value: {words}"]
    assert not detect_frame(hourly()[:25]).diagnostics


@pytest.mark.parametrize(("detector", "words"), [("jump", "and jump needs more"), ("seasonal_robust_z", "and more than 72 are needed")])
def test_how_much_history_another_detector_needs(detector: str, words: str) -> None:
    found = detect_frame(hourly()[:60], options=DetectOptions(detector=detector)).diagnostics
    assert [item.message for item in found] == [f"too little history to judge value: it has 60 windows, {words}"]


def test_cells_may_hold_lists_and_numbers_be_too_large(tmp_path: Path) -> None:
    path = tmp_path / "load.ndjson"
    line = '{{"time": "2026-01-01T{:02}:00", "load": 1, "tags": ["{}"]}}\n'
    path.write_text("".join(line.format(hour, tag) for hour in range(9) for tag in "ab"))
    assert {tuple(one.key.items()) for one in detect_frame(path, options=SCORES).series} == {(("tags", f"['{tag}']"),) for tag in "ab"}
    path.write_text(f'{{"time": "2026-01-01T00:00", "load": 1{"0" * 400}}}\n')
    with pytest.raises(DataError, match="no column holds numbers: time, load"):
        detect_frame(path)


def test_a_spike_once_a_day_at_another_time_each_day_is_told_of_a_few_times() -> None:
    size = 28 * 288
    rng = np.random.default_rng(3)
    values = rng.normal(10, 1, size)
    values[np.arange(1, 28) * 288 + rng.integers(0, 280, 27)] += 60
    frame = pd.DataFrame({"time": pd.date_range("2026-01-05", periods=size, freq="5min"), "value": values})
    assert 1 <= len(detect_frame(frame).episodes) <= 6  # of 27


def test_a_csv_file_that_is_broken_is_said_to_be(tmp_path: Path) -> None:
    path = tmp_path / "load.csv"
    path.write_text(f"time,load\n2026-01-01,{'9' * 200_000}\n")
    with pytest.raises(DataError, match=r"load\.csv: line \d: field larger than field limit"):
        detect_frame(path)
    path.write_text("time,load\n\n2026-01-01,1\n2026-01-02\n")
    with pytest.raises(DataError, match="row 3 has 1 fields, the header 2"):
        detect_frame(path)


def test_one_cell_that_is_no_number_is_named() -> None:
    frame = hourly().astype({"value": object})
    frame.loc[3, "value"] = "oops"
    with pytest.raises(DataError, match="row 5: 'oops' in column 'value' is not a number"):
        detect_frame(frame)


def test_a_spike_is_found_in_the_first_hours_of_minutes() -> None:
    """Before a season is known a value is set against the last ones; half an hour of ordinary ones is enough for a large one."""
    rng = np.random.default_rng(5)
    values = 30 + 2 * rng.normal(size=240)
    values[200:203] += 40
    frame = pd.DataFrame({"time": pd.date_range("2026-11-01", periods=240, freq="min"), "cpu": values})
    (episode,) = detect_frame(frame).episodes
    assert (episode.onset, episode.windows, episode.direction) == ("2026-11-01 03:20:00", 3, "up")
    assert episode.expected == pytest.approx(30, abs=1)
    assert episode.expected_high is not None
    assert episode.expected_high < 45
    assert not detect_frame(frame[:200]).episodes


def test_nothing_is_infinitely_far_from_zeros_alone() -> None:
    """Early on, where half of the values are zero, their spread says nothing."""
    values = np.where(np.arange(60) % 7 == 3, 5.0, 0.0)
    frame = pd.DataFrame({"time": pd.date_range("2026-11-01", periods=60, freq="h"), "value": values})
    assert not detect_frame(frame, options=DetectOptions(budget=Budget.parse("1/week"))).episodes


def test_windows_whose_season_is_unknown_are_set_against_the_last_ones() -> None:
    """A series that mostly stands still, with holes where there should be a yesterday."""
    rng = np.random.default_rng(2)
    size = 12 * 288
    values = np.where(rng.random(size) < 0.1, rng.uniform(1, 2, size), 0.0)
    values[3000] = 40.0
    frame = pd.DataFrame({"time": pd.date_range("2026-11-01", periods=size, freq="5min"), "value": values})
    holes = np.concatenate([3000 - day * 288 + np.arange(-20, 21) for day in range(1, 10)])
    report = detect_frame(frame.drop(index=holes), options=DetectOptions(budget=Budget.parse("1/week"), emit="scores"))
    (series,) = report.series
    late = series.time >= series.time[0] + 4 * 86_400_000_000
    assert not np.isnan(series.score[late]).any()
    assert "2026-11-11 10:00:00" in [episode.onset for episode in report.episodes]


def test_the_table_shows_the_peak_and_how_long_it_was() -> None:
    frame = hourly()
    frame.loc[200, "value"] = 618.0
    frame.loc[201:203, "value"] += 25
    (episode,) = detect_frame(frame).episodes
    size = episode.value - episode.expected if episode.value is not None and episode.expected is not None else 0.0
    text = str(render(detect_frame(frame), "table", Style(100)))
    row = next(line for line in text.splitlines() if line.startswith("value"))
    assert size > 450
    assert "618" in row
    assert f"+{float(f'{size:.3g}'):g} (" in row
    assert ("2026-01-13 08:00, 4 h" in row) == (episode.windows == 4)
    assert len(text.splitlines()) == 4
    narrow = str(render(detect_frame(frame), "table", Style(80))).splitlines()[2]
    assert f"+{float(f'{size:.3g}'):g}   up" in narrow  # no room for its share, but for the reason
    assert narrow.endswith(str(episode.family))


@pytest.mark.parametrize("form", ["csv", "ndjson", "parquet"])
def test_a_file_of_any_form_gives_what_the_frame_gives(form: str, tmp_path: Path) -> None:
    frame = hourly()
    path = tmp_path / f"load.{form}"
    if form == "csv":
        frame.to_csv(path, index=False)
    elif form == "ndjson":
        frame.to_json(path, orient="records", lines=True, date_format="iso", double_precision=15)
    else:
        with duckdb.connect() as connection:
            connection.register("frame", frame)
            connection.execute(f"COPY frame TO '{path}' (FORMAT parquet)")
    (expected,) = detect_frame(frame).episodes
    (found,) = detect_frame(path).episodes
    assert (found.onset_us, found.value, found.score) == pytest.approx((expected.onset_us, expected.value, expected.score))


@pytest.mark.parametrize(
    ("content", "words"),
    [(b'{"time": 1}\n{oops', "line 2 is no JSON"), (b'{"a": 1}\n[2]', "line 2 is no object"), (b"PAR1 and no more", "cannot read")],
)
def test_a_broken_file_is_said_to_be_one(content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "broken").write_bytes(content)
    with pytest.raises(DataError, match=words):
        detect_frame(tmp_path / "broken")


@pytest.mark.filterwarnings("error")
def test_values_at_the_ends_of_what_there_are_warn_of_nothing() -> None:
    frame = hourly().astype({"value": float})
    frame.loc[250:253, "value"] = 1e308
    frame.loc[[10, 34, 58], "value"] = 5e-324
    frame.loc[252, "value"] = np.inf
    *_, episode = detect_frame(frame).episodes
    assert episode.size is not None
    assert np.isfinite(episode.size)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("detector", ["auto", "zscore", "seasonal_robust_z", "decomposition"])
@pytest.mark.parametrize("huge", [1e300, -1e300])
def test_a_huge_value_is_told_of_without_a_warning(huge: float, detector: str) -> None:
    frame = hourly()
    frame.loc[200, "value"] = huge
    found = detect_frame(frame, options=DetectOptions(detector=detector, budget=Budget.parse("1/week")))
    assert any(one.value == huge for one in found.episodes)


@pytest.mark.parametrize(
    ("added", "course"),
    [((60, 60, 60, 120, 160), "growing"), ((90, 90, 90, 90, 90), "steady"), ((160, 160, 120, 60, 50), "recovering"), ((90,), None)],
)
def test_an_open_episode_says_how_it_goes_on(added: tuple[float, ...], course: str | None) -> None:
    frame = hourly()
    frame.loc[len(frame) - len(added) :, "value"] += np.array(added)
    *_, episode = detect_frame(frame).episodes
    assert (episode.state, episode.course) == ("open", course)
    text = str(render(detect_frame(frame), "table", Style(140)))
    assert course is None or f"so far, {course}" in text


def test_an_episode_that_is_over_has_no_course() -> None:
    frame = hourly()
    frame.loc[200:204, "value"] += 90
    (episode,) = detect_frame(frame).episodes
    assert (episode.state, episode.course) == ("over", None)


def test_series_on_the_same_windows_are_judged_together_as_each_alone() -> None:
    rng = np.random.default_rng(8)
    frames = []
    for place in range(5):
        frame = hourly(seed=place).assign(host=f"h{place}")
        frame.loc[150 + place, "value"] += 70
        frames.append(frame if place else frame.drop(index=rng.integers(0, 288, 20)))  # the first has windows of its own
    options = DetectOptions(emit="scores", budget=Budget.parse("1/day"))
    together = detect_frame(pd.concat(frames).sample(frac=1, random_state=0), by=["host"], options=options)
    assert len(together.series) == 5
    for one in together.series:
        alone = examine_alone(frames[int(str(one.key["host"])[1])])
        for field in ("score", "expected", "expected_low", "expected_high", "alert", "status"):
            np.testing.assert_array_equal(getattr(one, field), getattr(alone, field), err_msg=field)


def examine_alone(frame: pd.DataFrame) -> ScoredSeries:
    """The series of a frame at a fifth of the budget, which it has among five."""
    (one,) = detect_frame(frame, by=["host"], options=DetectOptions(budget=Budget(0.2, Duration(1, "d")))).series
    return one
