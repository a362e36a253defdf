"""Session windows: whatever the order of rows, files and runs, a query answers as the reference, which sees all rows at once."""

import json
import math
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metricsctl.core.timegrid import Grain, to_iso
from metricsctl.definition.load import load_text
from metricsctl.engine.reference import Reference
from metricsctl.ingest.run import IngestOptions, ingest
from metricsctl.query.run import QueryOptions, query
from metricsctl.store.compact import compact
from metricsctl.store.writer import StoreWriter

PROJECT = load_text(
    """
version: 1
defaults: {timezone: Europe/Berlin, grain: 15m}
dimensions:
  - {name: landing, expr: first.page}
  - {name: bounced, expr: "CASE WHEN events = 1 THEN 'yes' ELSE 'no' END"}
sources:
  - name: log
    time: {column: at, lateness: 1h}
    entities: {user: user, device: device}
    columns: [{name: at, type: timestamp}, {name: user}, {name: device, type: integer}, {name: page}, {name: value, type: double}]
models:
  - {name: visits, session: {source: log, entity: user, gap: 30m}, dimensions: [landing, bounced]}
  - {name: bought, sql: "SELECT at, device, page, value FROM log WHERE value > 0", time: at, entities: {device: device}}
  - {name: sprees, session: {source: bought, entity: device, gap: 2h}}
metrics:
  - {name: visits_n, type: simple, source: visits, agg: count}
  - {name: length, type: simple, source: visits, agg: avg, expr: duration_s}
  - {name: longest, type: simple, source: visits, agg: max, expr: duration_s, filter: first.value IS NULL OR first.value < 5}
  - {name: visitors, type: simple, source: visits, agg: count_distinct, expr: entity}
  - {name: events_p, type: simple, source: visits, agg: median, expr: events, grain: 1d}
  - {name: bounce, type: ratio, numerator: {metric: visits_n, filter: events = 1}, denominator: visits_n}
  - {name: rows, type: simple, source: log, agg: count}
  - {name: per_row, type: ratio, numerator: visits_n, denominator: rows}
  - {name: sprees_n, type: simple, source: sprees, agg: count, filter: first.page IS NOT NULL}
  - {name: spree_pages, type: simple, source: sprees, agg: count_distinct, expr: first.page}
  - {name: mtd, type: cumulative, metric: visits_n, to_date: month}
"""
)
assert not PROJECT.findings
QUESTIONS: list[tuple[list[str], str, tuple[str, ...], str | None]] = [
    (["visits_n", "length", "longest", "visitors", "bounce"], "15m", ("landing",), None),
    (["visits_n", "length", "bounce", "per_row", "sprees_n", "spree_pages", "mtd"], "1h", (), None),
    (["visits_n", "visitors", "events_p", "per_row"], "1d", (), None),
    (["visits_n", "longest", "mtd"], "6h", ("bounced", "landing"), "landing = 'a' OR bounced = 'no'"),
]
MINUTE = 60_000_000
FIRST = 1_792_828_800_000_000  # 2026-10-24T04:00Z: the clocks of Berlin change that night
NOW = FIRST + 40 * 1440 * MINUTE

rows = st.fixed_dictionaries(
    {
        "at": st.one_of(st.integers(0, 24), st.integers(0, 240)).map(lambda step: to_iso(FIRST + 10 * step * MINUTE)),
        "user": st.sampled_from(["u1", "u1", "u2", None]),
        "device": st.sampled_from([1, 2, None]),
        "page": st.sampled_from(["a", "b", None]),
        "value": st.sampled_from([None, 0, 1, 7]),
    }
)


def same(actual: float | None, expected: float | None) -> bool:
    return actual == expected or (actual is not None and expected is not None and math.isclose(actual, expected, rel_tol=1e-9))


def check(runs: list[list[dict[str, Any]]], batch: int, final: bool, compacted: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, store = Path(name), Path(name) / "store"
        for number, found in enumerate(runs):
            file = folder / f"log-{number}.ndjson"
            file.write_text("".join(json.dumps({**row, "id": f"{number}.{index}"}) + "\n" for index, row in enumerate(found)))
            last = final and number == len(runs) - 1
            ingest(PROJECT, [str(file)], store, IngestOptions(now=NOW, final=last, batch_bytes=batch, group_bytes=2 * batch))
        if compacted:
            with StoreWriter.open(store) as writer:
                for table in [table for table, state in writer.head.tables.items() if state.version is not None]:
                    compact(writer, table)
        reference = Reference(PROJECT, {"log": [row for found in runs for row in found]}, NOW)
        for metrics, grain, by, where in QUESTIONS:
            frames = query(PROJECT, store, metrics, QueryOptions(by=by, grain=Grain.parse(grain), where=where)).frames
            for metric, frame in zip(metrics, frames, strict=True):
                expected = reference.evaluate(metric, grain=Grain.parse(grain), by=by, where=where, final=final)
                actual = {(time, key): value for time, key, value, _ in frame.rows()}
                what = f"{metric} by {by} at {grain} where {where}"
                assert set(actual) == set(expected), what
                for point, value in expected.items():
                    assert same(actual[point], value), f"{what} at {to_iso(point[0])} {point[1]}: {actual[point]}, not {value}"


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.lists(rows, min_size=1, max_size=15), min_size=1, max_size=3), st.sampled_from([250, 1 << 20]), st.booleans(), st.booleans()
)
def test_a_query_answers_as_the_reference(runs: list[list[dict[str, Any]]], batch: int, final: bool, compacted: bool) -> None:
    check(runs, batch, final, compacted)


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.lists(rows, min_size=1, max_size=40), min_size=1, max_size=4), st.sampled_from([250, 1 << 20]), st.booleans(), st.booleans()
)
def test_a_query_answers_as_the_reference_at_length(runs: list[list[dict[str, Any]]], batch: int, final: bool, compacted: bool) -> None:
    check(runs, batch, final, compacted)


def test_a_window_is_open_while_a_session_that_began_in_it_is(tmp_path: Path) -> None:
    def run(*minutes: int, final: bool = False) -> list[tuple[float | None, str]]:
        file = tmp_path / f"log-{minutes[0]}.ndjson"
        file.write_text(
            "".join(json.dumps({"at": to_iso(FIRST + minute * MINUTE), "user": user}) + "\n" for minute in minutes for user in "a")
        )
        ingest(PROJECT, [str(file)], tmp_path / "store", IngestOptions(now=NOW, final=final))
        (frame,) = query(PROJECT, tmp_path / "store", ["length"], QueryOptions(grain=Grain.parse("1h"))).frames
        return [(value, status) for _, _, value, status in frame.rows()]

    steps = list(range(0, 200, 20))
    assert run(*steps) == [(180 * 60.0, "open")]  # the watermark is two hours past its window
    assert run(500) == [(180 * 60.0, "final"), (0.0, "open")]
    assert run(195) == [(195 * 60.0, "revised"), (0.0, "open")]
    assert run(501, final=True) == [(195 * 60.0, "revised"), (60.0, "final")]
