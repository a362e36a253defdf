"""Columns with dots in their names are read from within objects and structs; the reference agrees."""

import json
from pathlib import Path
from typing import Any

import pytest

from metricsctl.core.timegrid import Grain
from metricsctl.definition.load import load_text
from metricsctl.engine.duckdb.connection import connect
from metricsctl.engine.reference import Reference, accept
from metricsctl.ingest.run import IngestOptions, ingest
from metricsctl.plan.build import build
from metricsctl.query.run import QueryOptions, query

PROJECT = load_text(
    """
version: 1
dimensions:
  - {name: country, expr: '"user.geo.country"'}
sources:
  - name: log
    time: meta.at
    match: {meta.kind: buy}
    key: meta.id
    dimensions: [country]
    columns:
      - {name: meta.at, type: timestamp}
      - {name: meta.id}
      - {name: user.geo.country}
      - {name: user.mail, pii: true}
      - {name: cart.sum, type: double}
      - {name: user}
metrics:
  - {name: n, type: simple, source: log, agg: count}
  - {name: sum, type: simple, source: log, agg: sum, expr: '"cart.sum"'}
  - {name: mails, type: simple, source: log, agg: count_distinct, expr: '"user.mail"'}
  - {name: users, type: simple, source: log, agg: count, expr: user}
"""
)
assert not PROJECT.findings
NOW = 1_800_000_000_000_000


def event(number: int, **more: Any) -> dict[str, Any]:
    user = {"geo": {"country": "DE" if number % 2 else "FR"}, "mail": f"m{number}@x"}
    meta = {"at": f"2026-01-01T0{number}:00:00Z", "id": f"e{number}", "kind": "buy"}
    return {"meta": meta, "user": user, "cart": {"sum": number + 0.5}, **more}


NDJSON = [
    event(1),
    event(1),
    event(2, cart={"sum": "7"}),
    event(3, user={"geo": None}),
    event(4, user="plain text"),
    event(5, **{"user.geo.country": "AT"}),
    event(6, cart={"sum": {"not": "a number"}}),
    event(7, cart=[1, 2]),
    {"meta": {"kind": "other"}},
    {"meta": "buy"},
    event(8, meta={"kind": "buy"}),
]


def check(file: Path, events: list[dict[str, Any]]) -> None:
    report = ingest(PROJECT, [str(file)], file.parent / "store", IngestOptions(now=NOW, final=True, max_rejects="100%"))
    expected = accept(build(PROJECT).sources["log"], events, NOW)
    assert (report.sources[0].accepted, report.sources[0].duplicates) == (len(expected.rows), expected.duplicates)
    assert sorted(item.reason for item in report.rejects) == sorted({reason for _, reason in expected.rejected})
    assert not any("m6@x" in str(item.first.text) for item in report.rejects)
    reference = Reference(PROJECT, {"log": events}, NOW)
    for metric in ("n", "sum", "mails", "users"):
        (frame,) = query(PROJECT, file.parent / "store", [metric], QueryOptions(by=("country",), grain=Grain.parse("1h"))).frames
        assert {(time, key): value for time, key, value, _ in frame.rows()} == reference.evaluate(
            metric, grain=Grain.parse("1h"), by=("country",)
        )


@pytest.mark.parametrize("broken", ["", "rubbish\n"])
def test_of_json_objects(tmp_path: Path, broken: str) -> None:
    file = tmp_path / "log.ndjson"
    file.write_text("".join(json.dumps(item) + "\n" for item in NDJSON))
    check(file, NDJSON)
    if broken:
        file.write_text(broken + "".join(json.dumps({**item, "again": 1}) + "\n" for item in NDJSON))
        report = ingest(PROJECT, [str(file)], tmp_path / "store", IngestOptions(now=NOW, max_rejects="100%"))
        assert report.sources[0].accepted == 0
        assert report.sources[0].duplicates == 7


def test_of_parquet_structs(tmp_path: Path) -> None:
    events = [event(number) for number in (1, 2, 2, 3)]
    (tmp_path / "raw.ndjson").write_text("".join(json.dumps(item) + "\n" for item in events))
    with connect(None) as connection:
        connection.execute(f"COPY (SELECT * FROM read_json('{tmp_path}/raw.ndjson')) TO '{tmp_path}/log.parquet' (FORMAT parquet)")
    report = ingest(PROJECT, [str(tmp_path / "log.parquet")], tmp_path / "store", IngestOptions(now=NOW, final=True))
    assert (report.sources[0].accepted, report.sources[0].duplicates) == (3, 1)
    total, mails = query(PROJECT, tmp_path / "store", ["sum", "mails"], QueryOptions(grain=Grain.parse("1d"))).frames
    assert (total.value.tolist(), mails.value.tolist()) == ([7.5], [3.0])


def test_of_a_csv_header(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(
        "meta.at,meta.id,meta.kind,user.geo.country,user.mail,cart.sum,user\n2026-01-01T00:00:00Z,a,buy,DE,m@x,2,u\n"
    )
    ingest(PROJECT, [str(tmp_path / "log.csv")], tmp_path / "store", IngestOptions(now=NOW, final=True))
    (frame,) = query(PROJECT, tmp_path / "store", ["sum"], QueryOptions(by=("country",))).frames
    assert [(key, value) for _, key, value, _ in frame.rows()] == [(("DE",), 2.0)]
