"""`series:`: points of files that live elsewhere, every revision of them, and what query, detect and explain make of them."""

import datetime as dt
import json
import math
import random
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metricsctl.core.errors import DataError, UnknownName, UsageError
from metricsctl.core.timegrid import Grain
from metricsctl.definition.load import load
from metricsctl.detect.run import DetectOptions, detect
from metricsctl.explain.run import explain
from metricsctl.ingest.external import bring
from metricsctl.ingest.run import IngestOptions, ingest
from metricsctl.plan.build import build
from metricsctl.query.run import QueryOptions, query
from metricsctl.store.drop import drop
from metricsctl.store.info import info, verify
from metricsctl.store.reader import StoreReader

DEFINITIONS = """
version: 1
defaults: {timezone: Europe/Berlin, grain: 1h}
sources:
  - name: pays
    time: at
    dimensions: [country]
    columns: [{name: at, type: timestamp}, {name: country, type: string}, {name: amount, type: double}]
metrics:
  - {name: revenue, type: simple, source: pays, agg: sum, expr: amount, unit: eur, direction: up}
series:
  - {name: dwh, metric: revenue, path: "files/*", time: day, value: amount, by: [country], grain: 1d, restates: 2d}
  - {name: rate, path: rate.csv, time: day, value: rate, by: [country], grain: 1d}
  - {name: lake, metric: revenue, path: lake, time: day, value: amount, grain: 1d}
"""
US = 1_000_000
MARCH = dt.date(2026, 3, 1)
Points = dict[tuple[dt.date, str | None], float]


def at(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).timestamp()) * US


def write(path: Path, points: Points) -> None:
    rows = [{"day": day.isoformat(), "country": country, "amount": value} for (day, country), value in points.items()]
    schema = {"day": pl.String, "country": pl.String, "amount": pl.Float64}
    frame = pl.DataFrame(rows, schema=schema)
    path.parent.mkdir(exist_ok=True)
    if path.suffix == ".csv":
        frame.write_csv(path)
    elif path.suffix == ".parquet":
        frame.with_columns(pl.col("day").str.to_date()).write_parquet(path)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "metrics.yml").write_text(DEFINITIONS)
    return tmp_path


def found(folder: Path, name: str = "dwh", grain: str = "1d", by: tuple[str, ...] = ("country",), **options) -> dict:
    report = query(load([folder]), folder / "store", [name], QueryOptions(by=by, grain=Grain.parse(grain), **options))
    rows = report.frames[0].rows()
    return {(dt.datetime.fromtimestamp(time / US, dt.UTC).astimezone().date(), *key): (value, status) for time, key, value, status in rows}


def values(points: dict) -> dict:
    return {key: value for key, (value, _) in points.items()}


@pytest.fixture(autouse=True)
def _in_berlin(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("name", ["points.csv", "points.parquet", "points.ndjson"])
def test_a_series_is_queried_like_a_metric(folder: Path, name: str) -> None:
    points: Points = {
        (MARCH + dt.timedelta(days=n), country): float(n + len(country or "")) for n in range(40) for country in ("DE", "FR", None)
    }
    write(folder / "files" / name, points)
    report = bring(load([folder]), folder / "store", ["dwh"])
    assert [(item.points, item.new, item.changed, item.gone) for item in report.series] == [(120, 120, 0, 0)]
    split = found(folder)
    assert values(split) == points
    last = MARCH + dt.timedelta(days=39)
    assert {day for (day, _), (_, status) in split.items() if status == "open"} == {last, last - dt.timedelta(days=1)}
    total = found(folder, by=())
    assert values(total) == {(day,): sum(points[day, country] for country in ("DE", "FR", None)) for day, _ in points}
    monthly = found(folder, grain="1mo", by=())
    assert values(monthly)[MARCH,] == sum(value for (day, _), value in points.items() if day.month == 3)
    assert values(found(folder, where="country = 'DE'")) == {key: value for key, value in points.items() if key[1] == "DE"}
    frame = query(load([folder]), folder / "store", ["dwh"]).frames[0]
    assert (frame.unit, str(frame.grain)) == ("eur", "1d")


SNAPSHOT = st.dictionaries(
    st.tuples(st.integers(0, 4).map(lambda n: MARCH + dt.timedelta(days=n)), st.sampled_from(["DE", None])),
    st.sampled_from([1.0, 2.0]),
    min_size=1,
    max_size=6,
)


@settings(max_examples=2)
@given(snapshots=st.lists(SNAPSHOT, min_size=2, max_size=3))
def test_what_was_known_at_each_moment(tmp_path_factory: pytest.TempPathFactory, snapshots: list[Points]) -> None:
    folder = tmp_path_factory.mktemp("series")
    (folder / "metrics.yml").write_text(DEFINITIONS)
    project, known, truth = load([folder]), [], {}
    for number, points in enumerate(snapshots):
        write(folder / "files" / "points.csv", points)
        bring(project, folder / "store", ["dwh"], now=at("2026-04-01T00:00Z") + number * US)
        first = min(day for day, _ in points)
        truth = {key: value for key, value in truth.items() if key[0] < first} | points  # older ones are merely no longer told
        known.append(truth)
    assert values(found(folder)) == truth
    for number, expected in enumerate(known):
        assert values(found(folder, as_of=at("2026-04-01T00:00Z") + number * US)) == expected
    assert values(found(folder, as_of="2026-03-31")) == {}
    assert verify(folder / "store").problems == ()


def test_a_restated_value_is_revised_and_the_same_again_is_nothing_new(folder: Path) -> None:
    points: Points = {(MARCH + dt.timedelta(days=n), "DE"): 1.0 for n in range(10)}
    project, store, file = load([folder]), folder / "store", folder / "files" / "p.csv"
    write(file, points)
    bring(project, store, ["dwh"], now=at("2026-03-11T05:00Z"))
    seq = StoreReader.open(store).head.seq
    write(folder / "files" / "q.csv", {(MARCH, "DE"): 1.0})  # a later file repeats one of the points
    assert [item.new + item.changed + item.gone for item in bring(project, store, ["dwh"]).series] == [0]
    assert StoreReader.open(store).head.seq == seq
    write(folder / "files" / "q.csv", {(MARCH, "DE"): 5.0, (MARCH + dt.timedelta(days=9), "DE"): 6.0})
    report = bring(project, store, ["dwh"], now=at("2026-03-12T05:00Z")).series[0]
    assert (report.new, report.changed, report.gone) == (0, 2, 0)
    now = found(folder)
    assert now[MARCH, "DE"] == (5.0, "revised")
    assert now[MARCH + dt.timedelta(days=9), "DE"] == (6.0, "open")
    assert now[MARCH + dt.timedelta(days=1), "DE"] == (1.0, "final")
    assert found(folder, as_of="2026-03-11T12:00")[MARCH, "DE"] == (1.0, "final")
    with pytest.raises(UsageError, match="computed from events"):
        found(folder, "revenue", by=(), as_of="2026-03-11")


def test_the_versions_of_a_delta_table_are_its_revisions(folder: Path) -> None:
    project, store, moments = load([folder]), folder / "store", []
    for number in range(3):
        frame = pl.DataFrame({"day": [MARCH + dt.timedelta(days=n) for n in range(2 + number)], "amount": [float(number)] * (2 + number)})
        frame.write_delta(str(folder / "lake"), mode="overwrite")
        if number == 1:
            assert [item.points for item in bring(project, store, ["lake"]).series] == [3]
    report = bring(project, store, ["lake"]).series[0]
    assert (report.points, report.new, report.changed) == (4, 1, 3)
    from deltalake import DeltaTable

    moments = sorted(entry["timestamp"] for entry in DeltaTable(str(folder / "lake")).history())
    for number, moment in enumerate(moments):
        expected = {(MARCH + dt.timedelta(days=n),): float(number) for n in range(2 + number)}
        assert values(found(folder, "lake", by=(), as_of=moment * 1000)) == expected
    assert values(found(folder, "lake", by=())) == expected
    assert [item.changed for item in bring(project, store, ["lake"]).series] == [0]


def test_what_does_not_add_up_is_had_as_it_is_only(folder: Path) -> None:
    lines = [f"{MARCH + dt.timedelta(days=n)},{country},0.{n}" for n in range(5) for country in ("DE", "FR")]
    (folder / "rate.csv").write_text("day,country,rate\n" + "\n".join(lines) + "\n")
    bring(load([folder]), folder / "store", ["rate"])
    assert found(folder, "rate")[MARCH + dt.timedelta(days=3), "FR"] == (0.3, "final")
    for options in ({"by": ()}, {"grain": "1mo"}):
        with pytest.raises(UsageError, match="brought as it is"):
            found(folder, "rate", **options)
    assert len(found(folder, "rate", by=(), where="country = 'DE'")) == 5


def test_a_rebuild_keeps_series_and_a_drop_takes_them(folder: Path) -> None:
    project, store = load([folder]), folder / "store"
    write(folder / "files" / "p.csv", {(MARCH, "DE"): 1.0})
    bring(project, store, ["dwh"], now=at("2026-03-05T00:00Z"))
    write(folder / "files" / "p.csv", {(MARCH, "DE"): 2.0})
    bring(project, store, ["dwh"], now=at("2026-03-06T00:00Z"))
    (folder / "pays.ndjson").write_text('{"at": "2026-03-01T10:00:00Z", "country": "DE", "amount": 3}\n')
    for rebuild in (False, True):
        ingest(project, [str(folder / "pays.ndjson")], store, IngestOptions(rebuild=rebuild, now=at("2026-03-07T00:00Z")))
        assert values(found(folder)) == {(MARCH, "DE"): 2.0}
        assert values(found(folder, as_of="2026-03-05T12:00")) == {(MARCH, "DE"): 1.0}
        assert values(found(folder, "revenue")) == {(MARCH, "DE"): 3.0}
        assert verify(store).problems == ()
    assert drop(build(project), store, ["dwh"], yes=True).metrics == ("dwh",)
    assert not [table for table in info(store).tables if table.name.startswith("dwh")]
    assert found(folder) == {}


def test_bad_files_and_names_are_told(folder: Path) -> None:
    project, store = load([folder]), folder / "store"
    with pytest.raises(UnknownName, match="unknown series 'dhw'"):
        bring(project, store, ["dhw"])
    with pytest.raises(UsageError, match="no file matches"):
        bring(project, store, ["dwh"])
    (folder / "metrics.yml").write_text(DEFINITIONS.replace("name: dwh", "name: revenue"))
    with pytest.raises(UsageError, match="called like a metric"):
        bring(load([folder]), store, ["revenue"])
    (folder / "metrics.yml").write_text(DEFINITIONS)
    (folder / "files").mkdir()
    (folder / "files" / "p.csv").write_text("day,land,amount\n2026-03-01,DE,1\n")
    with pytest.raises(DataError, match="no column 'country'"):
        bring(project, store, ["dwh"])
    (folder / "files" / "p.csv").write_text("day,country,amount\n2026-03-01,DE,1\nyesterday,DE,2\n2026-03-02,DE,much\n2026-03-03,DE,\n")
    refused = bring(project, store, ["dwh"])
    assert (refused.over_limit, refused.series[0].points) == (True, 0)
    assert not (store / "head.json").exists()
    allowed = bring(project, store, ["dwh"], max_rejects="50%")
    assert (allowed.over_limit, dict(allowed.series[0].rejected)) == (False, {"bad_time": 1, "bad_value: amount": 1})
    assert values(found(folder)) == {(MARCH, "DE"): 1.0}


def test_detect_and_explain_work_on_a_series(folder: Path) -> None:
    chance = random.Random(7)
    points: Points = {}
    for n in range(150):
        for country, level in (("DE", 1000.0), ("FR", 400.0)):
            value = level * (1 + 0.2 * math.sin(n * math.tau / 7)) + chance.gauss(0, level / 60)
            points[MARCH + dt.timedelta(days=n), country] = value * (0.4 if n >= 141 and country == "DE" else 1.0)
    write(folder / "files" / "p.csv", points)
    rates = "".join(f"{day},{country},{value / 2000}\n" for (day, country), value in points.items())
    (folder / "rate.csv").write_text("day,country,rate\n" + rates)
    project, store = load([folder]), folder / "store"
    bring(project, store, ["dwh", "rate"])
    for name, keys in (("dwh", {"", "DE"}), ("rate", {"DE"})):
        episodes = detect(project, store, [name], DetectOptions()).episodes
        late = [item for item in episodes if item.end_us > at("2026-07-20T00:00Z")]
        assert keys <= {item.key.get("country", "") for item in late}, (name, episodes)
        assert all(item.key.get("country") != "FR" for item in late)
    explanation = explain(project, store, "dwh", at="2026-07-24")
    assert explanation.subject is not None
    assert any("DE" in (item.where or "") + item.cause for item in explanation.hypotheses), explanation.headline
