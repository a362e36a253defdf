"""Hopping windows, cumulative metrics, stocks, weeks from any day, and what is computed from them: a query answers as the reference."""

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

PROJECT = load_text(
    """
version: 1
defaults: {timezone: Europe/Berlin, grain: 15m, week_start: saturday}
sources:
  - name: pays
    time: {column: at, lateness: 2h}
    dimensions: [country, plan]
    columns:
      - {name: at, type: timestamp}
      - {name: country}
      - {name: plan}
      - {name: amount, type: double}
      - {name: user}
      - {name: part, type: integer}
  - {name: views, time: at, dimensions: [country], columns: [{name: at, type: timestamp}, {name: country}]}
metrics:
  - {name: total, type: simple, source: pays, agg: sum, expr: amount, variants: {de: "country = 'DE'"}}
  - {name: users, type: simple, source: pays, agg: count_distinct, expr: user}
  - {name: shown, type: simple, source: views, agg: count}
  - {name: share, type: ratio, numerator: {metric: total, filter: amount > 0}, denominator: shown, on_zero: zero}
  - {name: hop_n, type: simple, source: pays, agg: count, window: {size: 1h, slide: 15m}}
  - {name: hop_p, type: simple, source: pays, agg: percentile, p: 0.8, expr: amount, window: {size: 6h, slide: 30m}}
  - {name: hop_users, type: simple, source: pays, agg: count_distinct, expr: user, filter: amount > 0, window: {size: 2d, slide: 1d}}
  - {name: hop_mean, type: simple, source: pays, agg: avg, expr: amount, window: {size: 2h, slide: 15m}}
  - {name: hop_rate, type: derived, expr: hop_n / shown}
  - {name: weekly, type: simple, source: pays, agg: sum, expr: amount, grain: 1w}
  - {name: mtd, type: cumulative, metric: total, to_date: month}
  - {name: wtd_users, type: cumulative, metric: users, to_date: week}
  - {name: dtd_de, type: cumulative, metric: total.de, to_date: day}
  - {name: qtd, type: cumulative, metric: share, to_date: quarter}
  - {name: ytd, type: cumulative, metric: users, to_date: year}
  - {name: since, type: cumulative, metric: total, start: 2026-10-25}
  - {name: last_2d, type: cumulative, metric: total, window: 2d}
  - {name: last_36h, type: cumulative, metric: users, window: 36h}
  - {name: month_share, type: ratio, numerator: dtd_de, denominator: mtd}
  - {name: stock, type: simple, source: pays, agg: sum, expr: amount, semi_additive: {per: user}}
  - {name: held, type: simple, source: pays, agg: sum, expr: amount, semi_additive: {per: [user, part], carry: 1d}, filter: amount > -5}
  - {name: held_n, type: simple, source: pays, agg: count, semi_additive: {per: user, carry: 90m}}
  - {name: openings, type: simple, source: pays, agg: avg, expr: amount, semi_additive: {per: user, take: first}}
  - {name: held_rate, type: derived, expr: held / shown}
"""
)
assert not PROJECT.findings
SPANS = ["mtd", "wtd_users", "dtd_de", "qtd", "ytd", "since", "last_2d", "last_36h", "month_share"]
STOCKS = ["stock", "held", "held_n", "openings"]
QUESTIONS: list[tuple[list[str], str, tuple[str, ...], str | None]] = [
    (["hop_n", "hop_mean"], "15m", (), None),
    (["hop_n", "hop_rate"], "15m", ("country",), None),
    (["hop_p"], "30m", ("plan",), "country = 'DE'"),
    (["hop_users"], "1d", ("country",), None),
    ([*SPANS, *STOCKS, "held_rate"], "1d", (), None),
    ([*SPANS, *STOCKS, "held_rate"], "6h", ("country",), None),
    (STOCKS, "1h", ("plan", "country"), None),
    (STOCKS, "1w", (), "country = 'DE' OR plan IS NULL"),
    (["mtd", "last_2d", "since"], "1h", ("plan",), "country <> 'DE'"),
    (["ytd", "mtd"], "1mo", (), None),
    (["weekly", "wtd_users", "total"], "1w", ("country",), None),
]
HOUR = 3_600_000_000
FIRST = 1_792_828_800_000_000  # 2026-10-24T04:00Z: the clocks of Berlin change that night
NOW = FIRST + 40 * 24 * HOUR

times = st.one_of(
    st.integers(0, 4 * 30).map(lambda quarter: FIRST + quarter * HOUR // 4),
    st.sampled_from([0, 1, 2]).map(lambda number: FIRST + 20 * HOUR + number),
    st.integers(0, 9 * 24).map(lambda hours: FIRST + hours * HOUR),
)
pays = st.fixed_dictionaries(
    {
        "at": times.map(to_iso),
        "country": st.sampled_from(["DE", "FR", None]),
        "plan": st.sampled_from(["a", None]),
        "amount": st.sampled_from([None, 0, 1, 2.5, -10, 100, "inf"]),
        "user": st.sampled_from(["u1", "u2", "u3", None]),
        "part": st.sampled_from([1, None]),
    }
)
views = st.fixed_dictionaries({"at": times.map(to_iso), "country": st.sampled_from(["DE", "FR", None])})


def same(actual: float | None, expected: float | None) -> bool:
    return actual == expected or (
        actual is not None and expected is not None and math.isclose(actual, expected, rel_tol=1e-9, abs_tol=1e-9)
    )


def check(rows: dict[str, list[Any]], batch: int, final: bool, questions: list[int]) -> None:
    reference = Reference(PROJECT, rows, NOW)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for source, found in rows.items():
            (folder / f"{source}.ndjson").write_text("".join(json.dumps(row) + "\n" for row in found))
        options = IngestOptions(now=NOW, final=final, batch_bytes=batch, group_bytes=3 * batch)
        ingest(PROJECT, [str(folder / f"{source}.ndjson") for source in rows], folder / "store", options)
        for number in questions:
            metrics, grain, by, where = QUESTIONS[number]
            frames = query(PROJECT, folder / "store", metrics, QueryOptions(by=by, grain=Grain.parse(grain), where=where)).frames
            for metric, frame in zip(metrics, frames, strict=True):
                expected = reference.evaluate(metric, grain=Grain.parse(grain), by=by, where=where, final=final)
                actual = {(time, key): value for time, key, value, _ in frame.rows()}
                what = f"{metric} by {by} at {grain} where {where}"
                assert set(actual) == set(expected), what
                for point, value in expected.items():
                    assert same(actual[point], value), f"{what} at {to_iso(point[0])} {point[1]}: {actual[point]}, not {value}"


def given_rows(most: int) -> Any:
    return given(
        st.fixed_dictionaries({"pays": st.lists(pays, min_size=1, max_size=most), "views": st.lists(views, min_size=1, max_size=most)}),
        st.sampled_from([300, 1 << 20]),
        st.booleans(),
        st.lists(st.integers(0, len(QUESTIONS) - 1), min_size=3, max_size=3, unique=True),
    )


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given_rows(12)
def test_a_query_answers_as_the_reference(rows: dict[str, list[Any]], batch: int, final: bool, questions: list[int]) -> None:
    check(rows, batch, final, questions)


@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given_rows(40)
def test_a_query_answers_as_the_reference_at_length(rows: dict[str, list[Any]], batch: int, final: bool, questions: list[int]) -> None:
    check(rows, batch, final, questions)
