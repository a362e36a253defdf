"""A fault planted in stored states gives what it would have given in the events: they are ingested with the fault, and compared."""

import datetime as dt
import json

import numpy as np
import pytest

from metricsctl.drill.faults import FAULTS, Scene
from metricsctl.drill.replay import planted_store
from metricsctl.lineage.graph import build as graph_of
from metricsctl.plan.build import build
from metricsctl.store.reader import StoreReader
from metricsctl.workspace import Workspace
from metricsctl.workspace import open as open_workspace

METRICS = """\
version: 1
defaults: {owner: team, grain: 1h}
sources:
  - name: log
    description: Events.
    time: {column: at}
    dimensions: [country]
    columns:
      - {name: at, type: timestamp}
      - {name: amount, type: double}
      - {name: user, type: string}
      - {name: country, type: string}
models:
  - name: large
    description: Large ones.
    sql: SELECT at, amount, country FROM log WHERE amount > 20
    time: {column: at}
    dimensions: [country]
metrics:
  - {name: events, description: d., type: simple, source: log, agg: count}
  - {name: total, description: d., type: simple, source: log, agg: sum, expr: amount}
  - {name: mean, description: d., type: simple, source: log, agg: avg, expr: amount}
  - {name: least, description: d., type: simple, source: log, agg: min, expr: amount}
  - {name: most, description: d., type: simple, source: log, agg: max, expr: amount}
  - {name: middle, description: d., type: simple, source: log, agg: median, expr: amount}
  - {name: spread, description: d., type: simple, source: log, agg: stddev, expr: amount}
  - {name: users, description: d., type: simple, source: log, agg: count_distinct, expr: user}
  - {name: latest, description: d., type: simple, source: log, agg: last, expr: amount}
  - {name: many_large, description: d., type: simple, source: large, agg: count}
  - {name: share, description: d., type: ratio, numerator: many_large, denominator: events, on_zero: absent}
"""
START = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
FROM = START + dt.timedelta(hours=30)
NAMES = ("events", "total", "mean", "least", "most", "middle", "spread", "users", "latest", "many_large", "share")


def events():
    chance = np.random.default_rng(4)
    for hour in range(72):
        for number in range(int(chance.integers(6, 12))):
            at = START + dt.timedelta(hours=hour, minutes=4 * number, seconds=int(chance.integers(60)))
            amount = round(float(chance.uniform(10, 40)), 2)
            yield {"at": at, "amount": amount, "user": f"u{chance.integers(30)}", "country": ("DE", "FR", "US")[int(chance.integers(3))]}


def shop(folder, rows):
    folder.mkdir()
    (folder / "metrics.yml").write_text(METRICS, encoding="utf-8")
    lines = (json.dumps({**row, "at": row["at"].isoformat()}) for row in rows)
    (folder / "log.ndjson").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    made = open_workspace(folder / "metrics.yml", store=folder / "store")
    made.ingest(folder / "log.ndjson", source="log", final=True)
    return made


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    return shop(tmp_path_factory.mktemp("sound") / "shop", events())


def during(row, hours):
    return FROM <= row["at"] < FROM + dt.timedelta(hours=hours)


TRUTH = {
    "unit": lambda rows: [{**row, "amount": row["amount"] * 100} if during(row, 24) else row for row in rows],
    "duplicates": lambda rows: [row for row in rows for _ in range(2 if during(row, 1) else 1)],
    "late-source": lambda rows: [row for row in rows if not during(row, 6)],
}


def planted(sound, fault, folder):
    plan, opened = build(sound.project), StoreReader.open(sound.store)
    made = FAULTS[fault].plan(Scene(plan, graph_of(sound.project), opened), "log", int(FROM.timestamp()) * 1_000_000)
    return made, Workspace(sound.project, planted_store(opened, plan, folder / "store", [made]), sound.path)


@pytest.mark.parametrize("fault", TRUTH)
def test_it_is_as_if_the_events_had_been_so(fault, sound, tmp_path):
    _, found = planted(sound, fault, tmp_path)
    true = shop(tmp_path / "true", TRUTH[fault](list(events())))
    for by in ((), ("country",)):
        # what a filter of a model lets through is not told by states: ten times the amounts, more large ones
        names = [name for name in NAMES if fault != "unit" or name not in {"many_large", "share"}]
        for ours, theirs in zip(found.query(*names, by=by).frames, true.query(*names, by=by).frames, strict=True):
            assert ours.time.tolist() == theirs.time.tolist(), ours.metric
            np.testing.assert_allclose(ours.value, theirs.value, rtol=1e-9, atol=1e-6, err_msg=ours.metric)


def test_a_lost_share_is_lost_on_average_and_nowhere_else(sound, tmp_path):
    made, found = planted(sound, "lost-segment", tmp_path)
    ((dimension, value),) = made.segment
    assert dimension == "country"
    before, after = (one.query("events", by=["country"]).to_pandas() for one in (sound, found))
    joined = before.merge(after, on=["time", "country"], how="left", suffixes=("", "_left")).fillna({"value_left": 0.0})
    times = joined["time"].astype("datetime64[us, UTC]")
    hit = (joined["country"] == value) & (times >= FROM) & (times < FROM + dt.timedelta(hours=24))
    assert (joined["value"] == joined["value_left"])[~hit].all()
    assert joined["value_left"][hit].sum() / joined["value"][hit].sum() == pytest.approx(0.7, abs=0.12)


def test_a_null_column_takes_what_is_made_of_it(sound, tmp_path):
    made, found = planted(sound, "null-column", tmp_path)
    assert made.what == "amount is null"
    since, until = (FROM + dt.timedelta(hours=hours) for hours in (1, 23))
    frames = {item.metric: item for item in found.query(*NAMES, since=since.isoformat(), until=until.isoformat()).frames}
    assert np.nansum(frames["total"].value) == 0
    assert not np.isfinite(frames["mean"].value).any()
    assert not np.isfinite(frames["most"].value).any()
    usual = sound.query("events", since=since.isoformat(), until=until.isoformat()).frames[0]
    assert frames["events"].value.tolist() == usual.value.tolist()


def test_the_store_itself_is_left_alone(sound, tmp_path):
    before = {path: path.read_bytes() for path in sound.store.rglob("*") if path.is_file()}
    planted(sound, "late-source", tmp_path)
    assert {path: path.read_bytes() for path in sound.store.rglob("*") if path.is_file()} == before
