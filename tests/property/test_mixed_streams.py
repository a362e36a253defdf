"""Streams of several sources, copies of events, joins to static tables: a query answers as the reference, whatever the files."""

import csv
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metricsctl.core.timegrid import Grain
from metricsctl.definition.load import load_text
from metricsctl.definition.project import Project
from metricsctl.engine.reference import Reference, accept
from metricsctl.ingest.run import IngestOptions, ingest
from metricsctl.plan.build import build
from metricsctl.query.run import QueryOptions, query

FIRST = 1_790_000_000_000_000  # in September 2026
NOW = FIRST + 40 * 86_400_000_000
COUNTRIES = "code,region,weight\nDE,EU,1.5\nFR,EU,2\nUS,NA,\nUS,second,4\n"
YAML = """
version: 1
sources:
  - name: shown
    match: {event: [shown, seen], v: 2}
    time: {column: at, lateness: 1h}
    key: id
    dimensions: [country]
    columns: [{name: at, type: timestamp}, {name: id}, {name: country}, {name: value, type: double}]
  - name: clicked
    match: {event: click}
    time: at
    key: [id, part]
    dedup: 5m
    dimensions: [country]
    columns: [{name: at, type: timestamp}, {name: id}, {name: part, type: integer}, {name: country}, {name: value}]
models:
  - name: countries
    static: countries.csv
    columns: [{name: code}, {name: region}, {name: weight, type: double}]
  - name: placed
    sql: |
      SELECT s.at, s.country, c.region, s.value * c.weight AS weighed FROM shown AS s LEFT JOIN countries AS c ON s.country = c.code
      WHERE c.region IS NULL OR c.region <> 'second'
    time: at
    dimensions: [country, region]
  - {name: known, sql: "SELECT at, part + weight AS sum FROM clicked, countries WHERE country = code", time: at}
metrics:
  - {name: views, type: simple, source: shown, agg: count}
  - {name: value, type: simple, source: shown, agg: sum, expr: value}
  - {name: clicks, type: simple, source: clicked, agg: count}
  - {name: ids, type: simple, source: clicked, agg: count_distinct, expr: id}
  - {name: texts, type: simple, source: clicked, agg: count_distinct, expr: value}
  - {name: weighed, type: simple, source: placed, agg: sum, expr: weighed}
  - {name: of_known, type: simple, source: known, agg: sum, expr: sum}
  - {name: ctr, type: ratio, numerator: clicks, denominator: views, on_zero: zero}
"""
QUESTIONS = [
    (["views", "value", "clicks", "ids", "texts", "ctr"], "1h", ("country",)),
    (["views", "clicks", "ctr", "weighed", "of_known"], "1d", ()),
    (["weighed"], "1h", ("region", "country")),
]
FIELDS = ["event", "v", "at", "id", "part", "country", "value"]


def project(folder: Path) -> Project:
    (folder / "countries.csv").write_text(COUNTRIES)
    found = load_text(YAML, root=folder)
    assert not found.findings
    return found


@st.composite
def events(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Events, some of them again: at once, much later in the file, or with another time than `dedup` reaches."""
    made = []
    for number in range(draw(st.integers(1, 25))):
        event: dict[str, Any] = {
            "event": draw(st.sampled_from(["shown", "seen", "click", "click", "other", None])),
            "v": draw(st.sampled_from([2, 2, 2, "2", 1, None])),
            "at": (FIRST + draw(st.integers(0, 100)) * 400_000_000) // 1000,
            "id": draw(st.sampled_from([f"i{number}", f"i{number}", None])),
            "part": draw(st.sampled_from([1, 2, None])),
            "country": draw(st.sampled_from(["DE", "US", "XX", None])),
            "value": draw(st.sampled_from([1, 2.5, -1, None])),
        }
        if draw(st.integers(0, 9)) == 0:
            event |= draw(st.sampled_from([{"at": "never"}, {"value": "x"}, {"part": 1.5}]))
        copies = draw(st.sampled_from([1, 1, 1, 2, 3]))
        made += [event] * copies
        if isinstance(event["at"], int) and draw(st.integers(0, 3)) == 0:
            made.append({**event, "at": event["at"] + draw(st.sampled_from([60_000, -290_000, 310_000, 3_500_000, 7_200_000]))})
    return draw(st.permutations(made)) if draw(st.booleans()) else made


def text(value: Any) -> Any:
    return "" if value is None else str(value)


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.booleans(), events()), min_size=1, max_size=3), st.sampled_from([200, 1 << 20]), st.booleans())
def test_a_query_answers_as_the_reference(files: list[tuple[bool, list[dict[str, Any]]]], batch: int, runs: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shop = project(folder)
        paths: list[Path] = []
        given: list[Any] = []
        for number, (is_csv, rows) in enumerate(files):
            paths.append(folder / f"stream-{number}.{'csv' if is_csv else 'ndjson'}")
            if is_csv:
                with paths[-1].open("w", newline="") as file:
                    csv.writer(file).writerows([[*FIELDS, "n"], *([*map(text, row.values()), f"{number}"] for row in rows)])
                given += [{key: text(value) or None for key, value in row.items()} for row in rows]
            else:
                paths[-1].write_text("".join(json.dumps({**row, "n": number}) + "\n" for row in rows) + "rubbish\n")
                given += rows
        counted: dict[str, list[int]] = {"shown": [0, 0, 0], "clicked": [0, 0, 0]}
        unmatched = 0
        for part in [[path] for path in paths] if runs else [paths]:
            options = IngestOptions(now=NOW, final=True, batch_bytes=batch, group_bytes=batch * 2, max_rejects="100%")
            report = ingest(shop, [str(path) for path in part], folder / "store", options)
            for source in report.sources:
                counted[source.name] = [
                    a + b for a, b in zip(counted[source.name], (source.accepted, source.rejected, source.duplicates), strict=True)
                ]
            unmatched += sum(int(item.message.split()[0]) for item in report.diagnostics if item.code == "unmatched")
        sources = build(shop).sources
        rubbish = sum(not is_csv for is_csv, _ in files)
        for source, found in counted.items():
            accepted = accept(sources[source], given, NOW)
            broken = rubbish if source == "clicked" else 0  # lines of no source are counted once, with the first
            assert found == [len(accepted.rows), len(accepted.rejected) + broken, accepted.duplicates]
        kinds = [(text(row["event"]), text(row["v"])) for row in given]
        assert unmatched == sum(event != "click" and not (event in {"shown", "seen"} and v == "2") for event, v in kinds)
        reference = Reference(shop, dict.fromkeys(sources, given), NOW)
        for metrics, grain, by in QUESTIONS:
            frames = query(shop, folder / "store", metrics, QueryOptions(by=by, grain=Grain.parse(grain))).frames
            for metric, frame in zip(metrics, frames, strict=True):
                expected = reference.evaluate(metric, grain=Grain.parse(grain), by=by)
                actual = {(time, key): value for time, key, value, _ in frame.rows()}
                assert actual == pytest.approx(expected), f"{metric} by {by} at {grain}"
