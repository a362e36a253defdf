"""`rollup: final_only`: numbers instead of states, once a window is final; what comes later does not count, and that is said."""

import json
from pathlib import Path

import pytest

from metricsctl.core.errors import UsageError
from metricsctl.core.timegrid import Grain
from metricsctl.definition.load import load_text
from metricsctl.detect.run import DetectOptions, detect
from metricsctl.explain.run import explain
from metricsctl.ingest.options import IngestOptions
from metricsctl.ingest.report import IngestReport
from metricsctl.ingest.run import ingest
from metricsctl.plan.build import build
from metricsctl.query.run import QueryOptions, query
from metricsctl.store.export import export
from metricsctl.store.maintain import compact_tables

NOW = 1_770_000_000_000_000
KINDS = {
    "n": "agg: count",
    "total": "agg: sum, expr: x",
    "mean": "agg: avg, expr: x",
    "least": "agg: min, expr: x",
    "users": "agg: count_distinct, expr: u",
    "about": "agg: count_distinct, expr: u, approximate: true",
    "p90": "agg: percentile, expr: x, p: 0.9",
    "middle": "agg: median, expr: x, filter: x > 1",
    "spread": "agg: stddev, expr: x",
    "latest": "agg: last, expr: x",
}
HEAD = """\
version: 1
defaults: {timezone: UTC, grain: 1h}
sources:
  - name: log
    time: {column: at, lateness: 1h}
    dimensions: [c]
    columns: [{name: at, type: timestamp}, {name: c, type: string}, {name: x, type: double}, {name: u, type: string}]
metrics:
"""
METRIC = "  - {{name: {0}, type: simple, source: log, {1}}}\n"
BOTH = "".join(METRIC.format(name, agg) + METRIC.format(f"{name}_only", f"{agg}, rollup: final_only") for name, agg in KINDS.items())
PROJECT = load_text(HEAD + BOTH + "  - {name: share, type: ratio, numerator: total_only, denominator: n_only}\n")


def events(path: Path, hours: range, each: int = 40) -> str:
    rows = [
        {"at": f"2026-01-01T{hour:02}:{minute % 60:02}:00Z", "c": "ab"[minute % 2], "x": (minute * 7 + hour) % 11, "u": f"u{minute % 9}"}
        for hour in hours
        for minute in range(each)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def run(store: Path, *files: str, **options: object) -> IngestReport:
    return ingest(PROJECT, files, store, IngestOptions(now=NOW, **options))


def answer(store: Path, names: list[str]) -> list[list[tuple]]:
    frames = query(PROJECT, store, names, QueryOptions(by=("c",), grain=Grain.parse("1h"))).frames
    return [[row[:3] for row in frame.rows()] for frame in frames]


def numbers(store: Path) -> list[list[tuple]]:
    return answer(store, [f"{name}_only" for name in KINDS])


def states(store: Path) -> list[list[tuple]]:
    return answer(store, list(KINDS))


@pytest.mark.parametrize("options", [{}, {"batch_bytes": 500, "group_bytes": 900}, {"atomic": True, "batch_bytes": 500}])
def test_every_aggregate_is_what_its_states_give(tmp_path: Path, options: dict[str, object]) -> None:
    run(tmp_path / "s", events(tmp_path / "a.ndjson", range(6)), final=True, **options)
    expected = states(tmp_path / "s")
    assert [len(rows) for rows in expected] == [12] * len(KINDS)
    found = numbers(tmp_path / "s")
    compact_tables(tmp_path / "s")
    assert numbers(tmp_path / "s") == found
    for ours, theirs in zip(found, expected, strict=True):
        assert [row[:2] for row in ours] == [row[:2] for row in theirs]
        assert [row[2] for row in ours] == pytest.approx([row[2] for row in theirs], rel=1e-12)


def test_a_window_is_published_once_it_is_final(tmp_path: Path) -> None:
    store = tmp_path / "s"
    run(store, events(tmp_path / "a.ndjson", range(4)))  # the watermark stands at 02:39
    assert [len(rows) for rows in answer(store, ["n", "n_only"])] == [8, 4]
    run(store, events(tmp_path / "b.ndjson", range(3, 6), each=20))
    assert [[row[2] for row in rows if row[1] == ("a",)] for rows in answer(store, ["n", "n_only"])] == [
        [20, 20, 20, 30, 10, 10],
        [20, 20, 20, 30],
    ]
    assert run(store, str(tmp_path / "b.ndjson"), final=True).published
    assert numbers(store) == states(store)


def test_what_comes_too_late_is_said_and_does_not_count(tmp_path: Path) -> None:
    store = tmp_path / "s"
    run(store, events(tmp_path / "a.ndjson", range(4)))
    before = numbers(store)
    late = run(store, events(tmp_path / "b.ndjson", range(3), each=10))
    (found,) = (item for item in late.diagnostics if item.code == "late")
    assert found.message.startswith("20 events came when their window was final, and do not count in about_only, ")
    assert numbers(store) == before
    assert answer(store, ["n"])[0][0][2] == 25  # states take them


def test_a_killed_run_goes_on(tmp_path: Path) -> None:
    """What was committed of open windows counts when the rest has come."""
    store, whole = tmp_path / "s", tmp_path / "whole"
    one, two = events(tmp_path / "a.ndjson", range(3)), events(tmp_path / "b.ndjson", range(2, 6), each=11)
    run(store, one, two, final=True)
    run(whole, one)
    run(whole, two, final=True)
    assert numbers(store) == states(store)
    assert answer(whole, ["n"]) == answer(store, ["n"])


def test_other_windows_and_dimensions_are_refused(tmp_path: Path) -> None:
    store = tmp_path / "s"
    run(store, events(tmp_path / "a.ndjson", range(4)), final=True)
    for options in (QueryOptions(), QueryOptions(by=("c",), grain=Grain.parse("1d"))):
        for name in ("n_only", "share"):
            with pytest.raises(UsageError, match="keeps numbers only") as caught:
                query(PROJECT, store, [name], options)
            assert caught.value.hint is not None
            assert "--grain 1h --by c" in caught.value.hint
    frames = query(PROJECT, store, ["share"], QueryOptions(by=("c",), where="c = 'a'")).frames
    assert [row[2] for row in frames[0].rows()] == [row[2] for row in answer(store, ["mean"])[0] if row[1] == ("a",)]


def test_it_is_exported_as_numbers(tmp_path: Path) -> None:
    run(tmp_path / "s", events(tmp_path / "a.ndjson", range(4)), final=True)
    done = export(build(PROJECT), tmp_path / "s", tmp_path / "out", "csv")
    (table,) = (item for item in done.rollups if any("n_only" in names for names in item.columns.values()))
    assert table.rows == 8


def test_it_is_judged_by_its_dimensions_and_says_that_there_is_no_total_to_explain(tmp_path: Path) -> None:
    store = tmp_path / "s"
    run(store, events(tmp_path / "a.ndjson", range(20)), final=True)
    report = detect(PROJECT, store, ["total_only", "share"], DetectOptions(emit="scores"))
    assert {(series.metric, tuple(series.key.values())) for series in report.series} == {
        (name, (value,)) for name in ("total_only", "share") for value in "ab"
    }
    assert "has no total to explain" in explain(PROJECT, store, "total_only", at="2026-01-01T10:00").headline
