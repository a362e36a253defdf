"""Labels: the file, what a label does to detection, and what a backtest makes of it."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metricsctl.core.errors import DataError, UnknownName, UsageError
from metricsctl.detect.backtest import backtest, backtest_frame
from metricsctl.detect.base import Status
from metricsctl.detect.label import Stretch, add_label, labels_of, remove_label
from metricsctl.detect.labels import (
    LABELS_FILE,
    Label,
    instant,
    labelled,
    parse_labels,
    read_labels,
    segment_of,
    segment_text,
    write_labels,
)
from metricsctl.detect.run import DetectOptions
from metricsctl.workspace import open as open_workspace

METRICS = """\
version: 1
defaults: {grain: 1h}
sources:
  - {name: log, time: at, dimensions: [c], columns: [{name: at, type: timestamp}, {name: c, type: string}, {name: x, type: double}]}
metrics:
  - {name: load, type: simple, source: log, agg: sum, expr: x}
"""
HOURS = 24 * 7 * 5
HIT = range(600, 606)
BEGIN = pd.Timestamp("2026-03-02T00:00Z")


def at(hour: int) -> str:
    return (BEGIN + pd.Timedelta(hours=hour)).isoformat()


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("labelled")
    chance = np.random.default_rng(1)
    rows = []
    for hour in range(HOURS):
        usual = 100 + 30 * np.sin(hour * 2 * np.pi / 24) + chance.normal(0, 3, 2)
        for name, value in zip("ab", usual, strict=True):
            rows += [(at(hour), name, value / 30 * (2.0 if hour in HIT and name == "a" else 1.0))] * 30
    pd.DataFrame(rows, columns=["at", "c", "x"]).to_csv(folder / "log.csv", index=False)
    (folder / "metrics.yml").write_text(METRICS)
    made = open_workspace(folder / "metrics.yml")
    made.ingest(folder / "log.csv", final=True)
    return made


@pytest.fixture(autouse=True)
def nothing_labelled(request):
    if "shop" in request.fixturenames:
        path = request.getfixturevalue("shop").project.folder / LABELS_FILE
        path.unlink(missing_ok=True)


keys = st.dictionaries(st.text(min_size=1, max_size=5), st.none() | st.text(max_size=5), max_size=3)


@given(keys)
@settings(deadline=None)
def test_a_segment_is_written_as_it_is_read(key):
    assert segment_of(segment_text(key)) == key


def placed(item: Label) -> tuple[str, ...]:
    return (*item.place, item.note or "")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("labels")


@given(st.lists(st.tuples(keys, st.integers(0, 100), st.integers(1, 50), st.none() | st.text(min_size=1, max_size=8)), max_size=5))
@settings(deadline=None, max_examples=40)
def test_a_file_is_written_as_it_is_read(folder, found):
    labels = [
        Label(
            "m",
            key,
            at(start),
            at(start + length),
            "noise",
            None,
            " ".join((note or "").split()) or None,
            instant(at(start)),
            instant(at(start + length)),
        )
        for key, start, length, note in found
    ]
    path = folder / LABELS_FILE
    write_labels(path, labels)
    read = read_labels(path)
    assert sorted(read, key=placed) == sorted(labels, key=placed)
    assert [item.start_us for item in read] == sorted(item.start_us for item in labels)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no column 'metric'"),
        ("metric,start\n", "no column 'end'"),
        ("metric,start,end,as\nm,2026-01-01,2026-01-02,bad\n", ":2:1: not a table of labels: unknown label 'bad'"),
        ("metric,start,end\nm,2026-01-01,2026-01-02\nm,soon,2026-01-02\n", ":3:1: not a table of labels: Invalid isoformat"),
        ("metric,start,end\nm,2026-01-02,2026-01-01\n", "before it starts"),
        ("metric,start,end\nm,2026-01-02\n", ":2:1: not a table of labels"),
    ],
)
def test_what_is_no_table_of_labels_is_said_with_its_line(text, says):
    with pytest.raises(DataError, match="not a table of labels") as caught:
        parse_labels(text)
    assert says in f"{caught.value.span}: {caught.value.message}"


def test_a_label_is_about_its_segment_and_the_parts_of_it():
    item = Label("m", {"c": "a"}, "", "", "incident", start_us=10, end_us=20)
    times = np.arange(0, 40, 5)
    assert labelled([item], "m", {"c": "a", "d": "x"}, times, 5).tolist() == [False, False, True, True, False, False, False, False]
    for metric, key in (("m", {}), ("m", {"c": "b"}), ("n", {"c": "a"})):
        assert not labelled([item], metric, key, times, 5).any()


def test_a_labelled_episode_is_neither_found_nor_learned_from(shop):
    before = shop.detect("load", emit="scores")
    found = {tuple(item.key.values()) for item in before.episodes}
    assert ("a",) in found
    for item in before.episodes:
        add_label(shop.project, shop.store, item.id, "incident")
    after = shop.detect("load", emit="scores")
    assert after.episodes == ()
    one, other = (next(item for item in report.series if item.key == {"c": "a"}) for report in (before, after))
    inside = np.isin(np.arange(HOURS), HIT)
    assert set(other.status[inside]) == {Status.EXCLUDED}
    assert np.array_equal(one.score[: HIT[0]], other.score[: HIT[0]], equal_nan=True)  # what came before is as it was
    next_week = slice(HIT[0] + 168, HIT[0] + 174)
    apart = [np.abs(item.expected[next_week] - item.value[next_week]).mean() for item in (one, other)]
    assert apart[1] < apart[0]  # what it left behind is gone


def test_labels_are_replaced_and_removed(shop):
    episode = next(item for item in shop.detect("load").episodes if item.key == {"c": "a"})
    added = add_label(shop.project, shop.store, episode.id[:7], "incident", "disk")
    again = add_label(shop.project, shop.store, episode.id, "noise")
    assert (added.change, again.change) == ("added", "replaced")
    assert [(item.meaning, item.note) for item in labels_of(shop.project).labels] == [("noise", None)]
    hand = add_label(shop.project, shop.store, Stretch("load", at(5), at(7), {}), "expected")
    assert [item.start_us for item in hand.labels] == sorted(item.start_us for item in hand.labels)
    assert [item.meaning for item in remove_label(shop.project, episode.id).labels] == ["expected"]
    for wrong in (
        lambda: remove_label(shop.project, episode.id),
        lambda: add_label(shop.project, shop.store, "EP-000000", "noise"),
        lambda: add_label(shop.project, shop.store, Stretch("load", at(5), at(7), {"city": "a"}), "noise"),
    ):
        with pytest.raises(UnknownName):
            wrong()


def test_a_label_of_an_unknown_metric_is_said(shop):
    (shop.project.folder / LABELS_FILE).write_text("metric,start,end\nlode,2026-01-01,2026-01-02\n")
    (found,) = (item for item in shop.detect("load").diagnostics if item.code == "unknown-label")
    assert "lode" in found.message


def test_a_backtest_sees_no_label_and_counts_events(shop):
    plain = shop.detect("load").episodes
    add_label(shop.project, shop.store, Stretch("load", at(HIT[0]), at(HIT[-1] + 1), {"c": "a"}), "incident")
    add_label(shop.project, shop.store, Stretch("load", at(700), at(705), {}), "incident")
    add_label(shop.project, shop.store, Stretch("load", at(500), at(505), {}), "expected")
    (found,) = backtest(shop.project, shop.store, read_labels(shop.project.folder / LABELS_FILE)).detectors
    assert found.alarms == len(plain)
    assert (found.incidents, found.found, found.false, found.again) == (2, 1, 0, len(plain) - 1)
    assert (found.precision, found.recall) == (1.0, 0.5)
    assert found.f1 == pytest.approx(2 / 3)
    assert found.delay_s is not None
    assert 3600 <= found.delay_s <= 6 * 3600
    assert [item.start_us for item in found.missed] == [instant(at(700))]
    with pytest.raises(UsageError, match="no incident is labelled of load"):
        backtest(shop.project, shop.store, (), ["load"])


def test_a_backtest_of_a_bare_series():
    chance = np.random.default_rng(2)
    values = chance.normal(10, 1, 800)
    values[700:705] += 30
    frame = pd.DataFrame({"when": [at(hour) for hour in range(800)], "load": values})
    labels = parse_labels(f"metric,start,end\nload,{at(700)},{at(705)}\n")
    report = backtest_frame(frame, labels, ["auto", "robust_z"], options=DetectOptions())
    assert [(item.detector, item.found, item.incidents) for item in report.detectors] == [("auto", 1, 1), ("robust_z", 1, 1)]
    assert all(item.delay_s == 3600 for item in report.detectors)
