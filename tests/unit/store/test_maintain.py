"""Compaction, vacuum, drop and export by command: the answers stay, what is gone is gone, a kill in between leaves the store sound."""

import json
import shutil
from pathlib import Path

import polars as pl
import pytest

from metricsctl.core.errors import UnknownName, UsageError
from metricsctl.core.timegrid import Grain
from metricsctl.definition.load import load_text
from metricsctl.ingest.run import IngestOptions, ingest
from metricsctl.plan.build import build
from metricsctl.query.run import QueryOptions, query
from metricsctl.store.drop import drop
from metricsctl.store.export import export
from metricsctl.store.info import info, verify
from metricsctl.store.maintain import compact_tables, vacuum
from metricsctl.store.reader import StoreReader

DEFINITIONS = """
version: 1
defaults: {grain: 1h}
sources:
  - name: pays
    time: {column: at}
    dimensions: [country]
    columns: [{name: at, type: timestamp}, {name: country, type: string}, {name: amount, type: double}, {name: user, type: string}]
metrics:
  - {name: n, type: simple, source: pays, agg: count}
  - {name: total, type: simple, source: pays, agg: sum, expr: amount}
  - {name: users, type: simple, source: pays, agg: count_distinct, expr: user}
  - {name: p90, type: simple, source: pays, agg: percentile, p: 0.9, expr: amount, dimensions: []}
  - {name: mean, type: ratio, numerator: total, denominator: n}
"""
PROJECT = load_text(DEFINITIONS)
PLAN = build(PROJECT)
METRICS = ["n", "total", "users", "p90", "mean"]
SPLIT, ALONE = (next(rollup for rollup in PLAN.rollups if bool(PLAN.rollups[rollup].keys) is keys) for keys in (True, False))
NOW = 1_770_000_000_000_000
EVENTS = [
    {"at": f"2026-01-01T{i % 20:02d}:10:{i % 60:02d}Z", "country": ["DE", "FR", None][i % 3], "amount": i % 7 / 4, "user": f"u{i % 11}"}
    for i in range(300)
]


def file_of(folder: Path, events: list[dict], name: str = "pays.ndjson") -> str:
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in events))
    return str(folder / name)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with events and a store of several commit groups."""
    folder = tmp_path_factory.mktemp("made")
    ingest(PROJECT, [file_of(folder, EVENTS)], folder / "s", IngestOptions(now=NOW, batch_bytes=8000, group_bytes=8000))
    return folder


@pytest.fixture
def store(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return tmp_path / "s"


def answer(store: Path, metrics: list[str] = METRICS, project=PROJECT) -> list[list[tuple]]:
    frames = query(project, store, metrics, QueryOptions(grain=Grain.parse("1d"))).frames
    return [[(*row[:2], None if row[2] is None else round(row[2], 9)) for row in frame.rows()] for frame in frames]


def test_compact_and_vacuum(store: Path) -> None:
    before, reader = answer(store), StoreReader.open(store)
    done = compact_tables(store)
    assert {item.name for item in done.tables} == set(PLAN.rollups)
    assert all(item.files == 1 < item.files_before and item.states < item.states_before for item in done.tables)
    assert compact_tables(store).tables == ()
    with pytest.raises(UnknownName, match="unknown rollup 'x'"):
        compact_tables(store, ["x"])

    assert vacuum(store).stats["files"] == 0, "what a reader may be reading must stay"
    old = [Path(file) for name in reader.head.tables for file in reader.files(name)]
    assert vacuum(store, 0, dry_run=True).stats["files"] == len(old)
    assert all(file.exists() for file in old)
    assert vacuum(store, 0).stats["files"] == len(old)
    assert not any(file.exists() for file in old)
    assert answer(store) == before
    assert verify(store).problems == ()
    # a reader of the time before finds the store as it is now
    assert reader.retrying(lambda opened: sum(pl.read_parquet(file).height for file in opened.files(SPLIT))) > 0


def test_killed_while_removing_files(store: Path, killed) -> None:
    before = answer(store)
    compact_tables(store)
    killed(store, "from metricsctl.store.maintain import vacuum\nclose_without_goodbye(Path, 'unlink', on_call=3)\nvacuum(STORE, 0)\n")
    assert answer(store) == before
    assert verify(store).problems == ()
    assert vacuum(store, 0).stats["files"] > 0
    assert vacuum(store, 0).stats["files"] == 0


def test_dropped_states_are_gone_and_the_others_are_not(store: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="mean stand on the same states as total"):
        drop(PLAN, store, ["total"], yes=True)
    with pytest.raises(UsageError, match="is part of"):
        drop(PLAN, store, ["n", "mean", "total"], yes=True)
    before = answer(store)
    assert not drop(PLAN, store, ["users"]).done
    assert answer(store) == before

    report = drop(PLAN, store, ["users"], yes=True)
    assert (report.done, report.metrics) == (True, ("users",))
    assert [(item.rollup, item.whole) for item in report.rollups] == [(SPLIT, False)]
    reader = StoreReader.open(store)
    (column,) = [item.name for item in reader.head.tables[SPLIT].columns if item.name.startswith("distinct_")]
    assert all(pl.read_parquet(file)[column].null_count() == pl.read_parquet(file).height for file in reader.files(SPLIT))
    left = [name for name in METRICS if name != "users"]
    assert answer(store, left) == [found for name, found in zip(METRICS, before, strict=True) if name != "users"]
    assert answer(store, ["users"]) == [[]]

    # it goes on without them, and a rebuild brings them back
    again = ingest(PROJECT, [file_of(tmp_path, EVENTS[:5], "more.ndjson")], store, IngestOptions(now=NOW))
    assert again.waiting == ("users",)
    assert sum(value for _, _, value in answer(store, ["n"])[0]) == 305
    ingest(PROJECT, [str(tmp_path / "pays.ndjson"), str(tmp_path / "more.ndjson")], store, IngestOptions(now=NOW, rebuild=True))
    assert answer(store, ["users"])[0][0][2] == 11
    assert verify(store).problems == ()


def test_a_whole_rollup_and_what_no_metric_uses(store: Path) -> None:
    with pytest.raises(UsageError, match="tells whether source 'pays' was alive"):
        drop(PLAN, store, [ALONE], yes=True)
    with pytest.raises(UsageError, match="nothing is named"):
        drop(PLAN, store, [])
    with pytest.raises(UnknownName, match="unknown rollup or metric 'usrs'"):
        drop(PLAN, store, ["usrs"])
    assert drop(PLAN, store, [], unused=True, yes=True).rollups == ()
    fewer = load_text("\n".join(line for line in DEFINITIONS.splitlines() if not any(name in line for name in ("n,", "total", "users"))))
    before = answer(store, ["p90"])
    report = drop(build(fewer), store, [], unused=True, yes=True)
    assert [(item.rollup, item.whole) for item in report.rollups] == [(SPLIT, True)]
    assert sorted(table.name for table in info(store).tables) == [ALONE]
    assert not (store / "g0001" / "tables" / SPLIT).exists()
    assert answer(store, ["p90"], fewer) == before
    assert verify(store).problems == ()


@pytest.mark.parametrize(
    ("hook", "dropped"),
    [
        ("close_without_goodbye(State, 'advance')", False),
        ("close_without_goodbye(Head, 'write', before=True)", True),
    ],
)
def test_killed_while_dropping(store: Path, killed, hook: str, dropped: bool) -> None:
    before = answer(store, ["p90"])
    killed(store, f"from metricsctl.store.maintain import drop_states\n{hook}\ndrop_states(STORE, {{{SPLIT!r}: {held(store)!r}}})\n")
    assert answer(store, ["p90"]) == before
    assert verify(store).problems == ()
    compact_tables(store)  # recovers, and commits
    assert ([table.name for table in info(store).tables] == [ALONE]) is dropped
    assert (store / "g0001" / "tables" / SPLIT).exists() is not dropped
    assert verify(store).problems == ()


def held(store: Path) -> list[str]:
    return list(StoreReader.open(store).head.tables[SPLIT].meta["measures"])


def test_an_export_is_read_by_another_engine(store: Path, tmp_path: Path) -> None:
    report = export(PLAN, store, tmp_path / "out", "parquet")
    export(PLAN, store, tmp_path / "csv", "csv", [SPLIT])
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(["manifest.json", f"{SPLIT}.parquet", f"{ALONE}.parquet"])
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert [item["rollup"] for item in manifest["rollups"]] == [item.rollup for item in report.rollups]
    assert manifest["sources"][0]["rows"] == 300
    columns = next(item["columns"] for item in manifest["rollups"] if item["rollup"] == SPLIT)
    (total,) = [name for name, metrics in columns.items() if "total" in metrics]
    frame = pl.read_parquet(tmp_path / "out" / f"{SPLIT}.parquet")
    expected = (
        pl.DataFrame(EVENTS)
        .with_columns(pl.col("at").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_zone="UTC").dt.truncate("1h").alias("window"))
        .group_by("window", "country")
        .agg(pl.len().alias("rows"), pl.col("amount").sum(), pl.col("user").n_unique())
        .sort("country", "window")
    )
    found = frame.sort("dim_country", "window")
    assert found["rows"].to_list() == expected["rows"].to_list()
    assert found["window"].to_list() == expected["window"].to_list()
    sums = next(name for name in found.columns if name.startswith(total))
    assert found[sums].to_list() == pytest.approx(expected["amount"].to_list())
    sets = next(name for name in found.columns if name.startswith("distinct_"))
    assert found[sets].list.len().to_list() == expected["user"].to_list()
    text = pl.read_csv(tmp_path / "csv" / f"{SPLIT}.csv").sort("dim_country", "window")
    assert text["window"].to_list() == [time.strftime("%Y-%m-%dT%H:%M:%SZ") for time in expected["window"].to_list()]
    assert text["rows"].to_list() == expected["rows"].to_list()
