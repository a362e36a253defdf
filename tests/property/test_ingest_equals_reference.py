"""The law of ingest: whatever the files, their order, chunks, runs and faults, a query answers as SQL over all accepted events would."""

import csv
import datetime as dt
import gzip
import io
import json
import math
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metricsctl.core.timegrid import Grain, to_iso
from metricsctl.definition.load import load_text
from metricsctl.engine.reference import Reference, accept
from metricsctl.ingest.run import IngestOptions, ingest
from metricsctl.plan.build import build
from metricsctl.query.run import QueryOptions, query

PROJECT = load_text(
    """
version: 1
defaults: {timezone: UTC, grain: 15m}
dimensions:
  - {name: size, expr: "CASE WHEN amount < 10 THEN 'small' WHEN amount IS NOT NULL THEN 'large' END"}
sources:
  - name: pays
    time: {column: at, lateness: 2h, timezone: Europe/Berlin}
    dimensions: [country, size]
    columns:
      - {name: at, type: timestamp}
      - {name: country, type: string}
      - {name: amount, type: double}
      - {name: pieces, type: integer}
      - {name: user, type: string}
      - {name: paid, type: boolean}
      - {name: fee, type: "decimal(9,2)"}
  - name: views
    time: {column: seen, max_ahead: 1h}
    dimensions: [country, flag]
    columns:
      - {name: seen, type: timestamp}
      - {name: country, type: string}
      - {name: flag, type: boolean}
models:
  - name: paid_pays
    sql: |
      WITH good AS (SELECT * FROM pays WHERE paid AND pieces BETWEEN 1 AND 50)
      SELECT at, country, amount * pieces AS value, user FROM good
      UNION ALL SELECT at, country, -amount, NULL FROM pays WHERE user LIKE 'u_' AND NOT paid
    time: {column: at}
    dimensions: [country]
metrics:
  - {name: pays_n, type: simple, source: pays, agg: count}
  - {name: amounts, type: simple, source: pays, agg: count, expr: amount}
  - {name: total, type: simple, source: pays, agg: sum, expr: amount}
  - {name: fees, type: simple, source: pays, agg: sum, expr: "fee * 1.5 + COALESCE(pieces, 0) / 7"}
  - {name: mean, type: simple, source: pays, agg: avg, expr: amount}
  - {name: low, type: simple, source: pays, agg: min, expr: amount, filter: paid}
  - {name: high, type: simple, source: pays, agg: max, expr: ROUND(amount), filter: "country IN ('DE', 'FR') OR user IS NULL"}
  - {name: opening, type: simple, source: pays, agg: first, expr: amount}
  - {name: closing, type: simple, source: pays, agg: last, expr: amount}
  - {name: users, type: simple, source: pays, agg: count_distinct, expr: LOWER(user)}
  - {name: distinct_amounts, type: simple, source: pays, agg: count_distinct, expr: amount, filter: NOT paid}
  - {name: few_users, type: simple, source: pays, agg: count_distinct, expr: LOWER(user), approximate: true}
  - {name: middle, type: simple, source: pays, agg: median, expr: amount}
  - {name: p90, type: simple, source: pays, agg: percentile, p: 0.9, expr: amount}
  - {name: spread, type: simple, source: pays, agg: stddev, expr: amount}
  - {name: value, type: simple, source: paid_pays, agg: sum, expr: value}
  - {name: payers, type: simple, source: paid_pays, agg: count_distinct, expr: user}
  - {name: by_the_day, type: simple, source: pays, agg: sum, expr: amount, grain: 1d, timezone: Asia/Kolkata}
  - {name: by_six_hours, type: simple, source: pays, agg: count, filter: paid, grain: 6h, timezone: Europe/Berlin, dimensions: [country]}
  - {name: shown, type: simple, source: views, agg: count, grain: 1m}
  - {name: paid_share, type: ratio, numerator: {metric: pays_n, filter: paid}, denominator: pays_n}
  - name: paid_share_de
    type: ratio
    numerator: {metric: total, filter: paid}
    denominator: users
    filter: country = 'DE'
    on_zero: zero
  - {name: per_view, type: derived, expr: total / shown * 1000, timezone: Europe/Berlin}
  - {name: mix, type: derived, expr: "COALESCE(mean, 0) + shown / 2", timezone: Asia/Kolkata}
  - name: growth
    type: derived
    expr: (cur - prev) / prev
    inputs: {cur: total, prev: {metric: total, offset: 1d}}
    timezone: Europe/Berlin
  - {name: growth_24h, type: derived, expr: cur - prev, inputs: {cur: total, prev: {metric: total, offset: 24h}}, timezone: Europe/Berlin}
  - {name: nested, type: derived, expr: paid_share - before, inputs: {paid_share: paid_share, before: {metric: paid_share, offset: 6h}}}
  - {name: earlier, type: derived, expr: past, inputs: {past: {metric: shown, offset: 1d}}, timezone: Asia/Kolkata}
  - {name: gmv, alias_of: total}
"""
)
assert not PROJECT.findings
SOURCES = build(PROJECT).sources
COLUMNS = {name: [column.name.name for column in source.columns] for name, source in PROJECT.sources.items()}

ALL = [name for name in PROJECT.metrics if name not in {"by_the_day", "by_six_hours"}]
OF_PAYS = ["pays_n", "total", "mean", "closing", "users", "middle", "spread", "paid_share", "growth", "gmv"]
# metrics, grain, by, where
QUESTIONS: list[tuple[list[str], str, tuple[str, ...], str | None]] = [
    (ALL, "15m", (), None),
    (ALL, "1h", ("country",), None),
    (ALL, "1d", ("country",), None),
    (ALL, "1d", (), "country = 'DE' OR country IS NULL"),
    (ALL, "6h", (), None),
    (ALL, "1w", (), None),
    (OF_PAYS, "1h", ("size", "country"), None),
    (OF_PAYS, "12h", ("size",), "size <> 'small' OR country LIKE 'a%'"),
    (["shown", "earlier"], "1m", ("flag",), "flag"),
    (["shown"], "1d", ("country", "flag"), "NOT flag"),
    (["by_the_day"], "1d", ("size",), None),
    (["by_the_day"], "1w", (), None),
    (["by_six_hours"], "6h", ("country",), None),
    (["by_six_hours"], "1d", (), "country IN ('DE', 'FR')"),
]
EXACT = {"pays_n", "amounts", "users", "few_users", "distinct_amounts", "payers", "shown", "by_six_hours", "earlier"}

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
FIRST = (dt.datetime(2026, 10, 24, 12, tzinfo=dt.UTC) - EPOCH) // dt.timedelta(microseconds=1)  # the clocks of Berlin change that night
NOW = FIRST + 40 * 86_400_000_000

# -- events


def written(moment: int, form: str) -> Any:
    """A time as a source may write it."""
    if form == "seconds":
        return moment // 1_000_000
    if form == "milliseconds":
        return moment // 1_000
    if form == "micros":
        return str(moment)
    if form == "berlin":
        return to_iso(moment, "Europe/Berlin")
    if form == "naive":
        return to_iso(moment, "Europe/Berlin")[:19].replace("T", " ")
    return to_iso(moment)


quarters = st.integers(0, 4 * 24 * 4).map(lambda number: FIRST + number * 900_000_000)
ties = st.sampled_from([FIRST + hours * 3_600_000_000 for hours in (1, 13)])
hour = st.integers(FIRST + 12 * 3_600_000_000, FIRST + 13 * 3_600_000_000)
moments = st.one_of(ties, quarters, hour, st.integers(FIRST, FIRST + 3 * 86_400_000_000))
times = st.builds(written, moments, st.sampled_from(["iso", "iso", "berlin", "naive", "seconds", "milliseconds", "micros"]))
bad_times = st.sampled_from([None, "yesterday", "2099-01-01T00:00:00Z", "1950-05-05", 20261024, "", True])
countries = st.sampled_from(["DE", "DE", "FR", "a,b", 'say "hi"', "two\nlines", "Zürich", None])
amounts = st.sampled_from([None, 0, 1, -3.25, 9.99, 10, 12.5, 1e6, "1e2", "inf", "nan"]) | st.integers(-1000, 1000).map(
    lambda cents: cents / 100
)
pays = st.fixed_dictionaries(
    {
        "at": times,
        "country": countries,
        "amount": amounts,
        "pieces": st.sampled_from([None, 0, 1, 3, 50, 51, "7", 2.0]),
        "user": st.sampled_from(["u1", "U1", "u2", "u3", "other", None]),
        "paid": st.sampled_from([True, True, False, None, "yes"]),
        "fee": st.sampled_from([None, 0.5, "1.005", 2]),
    }
)
views = st.fixed_dictionaries({"seen": times, "country": countries, "flag": st.sampled_from([True, False, None])})
bad_pays = st.tuples(
    pays,
    st.sampled_from(
        [
            ("amount", "x"),
            ("amount", True),
            ("pieces", False),
            ("amount", ""),
            ("pieces", 1.5),
            ("pieces", 3_000_000_000),
            ("paid", "perhaps"),
            ("fee", "1e9"),
        ]
    ),
).map(lambda pair: {**pair[0], pair[1][0]: pair[1][1]})
malformed = st.sampled_from(['{"at": 1', "null", "[1, 2]", "rubbish", '"text"'])
EVENTS = {
    "pays": st.one_of(pays, pays, pays, pays, pays, bad_pays, st.builds(lambda row, at: {**row, "at": at}, pays, bad_times)),
    "views": st.one_of(views, views, views, st.builds(lambda row, seen: {**row, "seen": seen}, views, bad_times)),
}

# -- files


@dataclass(frozen=True)
class File:
    """Rows (a text stands for a line that is none), and how much of them each run finds, in parts of a thousand."""

    source: str
    form: str
    rows: tuple[dict[str, Any] | str, ...]
    growth: tuple[int, ...]
    gz: bool

    def name(self, number: int) -> str:
        return f"{self.source}-{number}.{self.form}{'.gz' if self.gz else ''}"

    def lines(self, number: int) -> list[bytes]:
        """Each row with an id, so that no two files can be the same."""
        if self.form == "ndjson":
            shown = [
                f"{row} {number}.{index}"
                if isinstance(row, str)
                else json.dumps({**row, "id": f"{number}.{index}"}, ensure_ascii=index % 2 == 0)
                for index, row in enumerate(self.rows)
            ]
            return [f"{line}\n".encode() for line in shown]
        columns = COLUMNS[self.source]
        found = [_csv_line([*columns, "id"])]
        for index, row in enumerate(self.rows):
            fields = ["one", "field", "too", "many"] * 3 if isinstance(row, str) else [_field(row[name]) for name in columns]
            found.append(_csv_line([*fields, f"{number}.{index}"]))
        return found

    def content(self, number: int, run: int) -> bytes:
        lines = self.lines(number)
        share = self.growth[run]
        if self.form == "ndjson":  # may end in the middle of a line: the rest comes with the next run
            whole = b"".join(lines)
            data = whole[: len(whole) * share // 1000]
        else:
            data = b"".join(lines[: max(len(lines) * share // 1000, 1)])
        return gzip.compress(data) if self.gz else data

    def events(self) -> list[dict[str, Any]]:
        """What the reference is given."""
        found = [row for row in self.rows if not isinstance(row, str)]
        return found if self.form == "ndjson" else [{name: _csv_value(value) for name, value in row.items()} for row in found]


def _field(value: Any) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _csv_value(value: Any) -> Any:
    return _field(value) or None


def _csv_line(fields: list[str]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(fields)
    return buffer.getvalue().encode()


@dataclass(frozen=True)
class Case:
    """Files, and how they are ingested."""

    files: tuple[File, ...]
    runs: int
    orders: tuple[int, ...]
    batch_bytes: int
    group_bytes: int
    final: bool
    questions: tuple[int, ...]


@st.composite
def cases(draw: st.DrawFn, most_rows: int) -> Case:
    runs = draw(st.integers(1, 3))
    files = []
    for source in ("pays", "views"):
        for _ in range(draw(st.integers(1, 3))):
            rows = draw(st.lists(st.one_of(*[EVENTS[source]] * 9, malformed), min_size=1, max_size=most_rows))
            growth = (*sorted(draw(st.lists(st.integers(0, 1000), min_size=runs - 1, max_size=runs - 1))), 1000)
            files.append(File(source, draw(st.sampled_from(["ndjson", "ndjson", "csv"])), tuple(rows), growth, draw(st.booleans())))
    return Case(
        files=tuple(files),
        runs=runs,
        orders=tuple(draw(st.lists(st.integers(0, 1000), min_size=runs, max_size=runs))),
        batch_bytes=draw(st.sampled_from([150, 700, 5_000, 1 << 20])),
        group_bytes=draw(st.sampled_from([600, 5_000, 1 << 22])),
        final=draw(st.booleans()),
        questions=tuple(draw(st.lists(st.integers(0, len(QUESTIONS) - 1), min_size=4, max_size=4, unique=True))),
    )


# -- the law


def ingested(case: Case, folder: Path) -> Path:
    """The store after all runs; every row must have been counted once."""
    store, events = folder / "store", folder / "events"
    events.mkdir()
    counts = dict.fromkeys(SOURCES, (0, 0))
    for run in range(case.runs):
        names = []
        for number, file in enumerate(case.files):
            (events / file.name(number)).write_bytes(file.content(number, run))
            names.append(str(events / file.name(number)))
        turn = case.orders[run] % len(names)
        options = IngestOptions(
            now=NOW,
            final=case.final and run == case.runs - 1,
            batch_bytes=case.batch_bytes,
            group_bytes=case.group_bytes,
            max_rejects="100%",
        )
        report = ingest(PROJECT, [*names[turn:], *names[:turn]][:: 1 if case.orders[run] % 2 else -1], store, options)
        for source in report.sources:
            rows, rejected = counts[source.name]
            counts[source.name] = rows + source.rows, rejected + source.rejected
    for source, counted in counts.items():
        found = [accept(SOURCES[source], file.events(), NOW) for file in case.files if file.source == source]
        lines = sum(isinstance(row, str) for file in case.files if file.source == source for row in file.rows)
        bad = sum(len(part.rejected) for part in found) + lines
        assert counted == (sum(len(part.rows) for part in found) + bad, bad)
    return store


def check(case: Case) -> None:
    events = {source: [row for file in case.files if file.source == source for row in file.events()] for source in SOURCES}
    reference = Reference(PROJECT, events, NOW)
    with tempfile.TemporaryDirectory() as folder:
        store = ingested(case, Path(folder))
        for number in case.questions:
            metrics, grain, by, where = QUESTIONS[number]
            found = query(PROJECT, store, metrics, QueryOptions(by=by, grain=Grain.parse(grain), where=where))
            for metric, frame in zip(metrics, found.frames, strict=True):
                expected = reference.evaluate(metric, grain=Grain.parse(grain), by=by, where=where, final=case.final)
                actual = {(time, key): value for time, key, value, _ in frame.rows()}
                what = f"{metric} by {by} at {grain} where {where}"
                assert set(actual) == set(expected), what
                for point, value in expected.items():
                    assert same(metric, actual[point], value), f"{what} at {to_iso(point[0])} {point[1]}: {actual[point]}, not {value}"


def same(metric: str, actual: float | None, expected: float | None) -> bool:
    if actual is None or expected is None or metric in EXACT:
        return actual == expected
    return actual == expected or math.isclose(actual, expected, rel_tol=1e-9, abs_tol=1e-9)


RELAXED = [HealthCheck.too_slow, HealthCheck.data_too_large]


@settings(max_examples=8, deadline=None, suppress_health_check=RELAXED)
@given(cases(most_rows=15))
def test_a_query_answers_as_the_reference(case: Case) -> None:
    check(case)


@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=RELAXED)
@given(cases(most_rows=60))
def test_a_query_answers_as_the_reference_at_length(case: Case) -> None:
    check(case)


DAYS = load_text(
    """
version: 1
defaults: {timezone: Asia/Kolkata, grain: 1d}
sources:
  - {name: pays, time: at, dimensions: [country], columns: [{name: at, type: timestamp}, {name: country}]}
  - {name: views, time: at, dimensions: [country], columns: [{name: at, type: timestamp}, {name: country}]}
metrics:
  - {name: sold, type: simple, source: pays, agg: count}
  - {name: shown, type: simple, source: views, agg: count}
  - {name: share, type: ratio, numerator: sold, denominator: shown, on_zero: zero}
"""
)


def test_a_source_is_alive_in_days_that_begin_at_half_past(tmp_path: Path) -> None:
    midnight = "2026-05-01T18:3{}:00Z"
    events = {
        "pays": [{"at": midnight.format(number), "country": "DE"} for number in (0, 5)],
        "views": [{"at": midnight.format(number), "country": "FR"} for number in (1, 9)],
    }
    paths = []
    for source, rows in events.items():
        paths.append(tmp_path / f"{source}.ndjson")
        paths[-1].write_text("".join(json.dumps(row) + "\n" for row in rows))
    ingest(DAYS, [str(path) for path in paths], tmp_path / "store", IngestOptions(now=NOW, final=True))
    (frame,) = query(DAYS, tmp_path / "store", ["share"], QueryOptions(by=("country",))).frames
    expected = Reference(DAYS, events, NOW).evaluate("share", grain=Grain.parse("1d"), by=("country",))
    assert {(time, key): value for time, key, value, _ in frame.rows()} == expected
    assert list(expected.values()) == [0, 0]


@pytest.mark.parametrize("together", [True, False])
def test_the_spread_of_infinite_values_does_not_depend_on_the_batches(tmp_path: Path, together: bool) -> None:
    rows = [{"at": "2026-10-25T10:00:00Z", "amount": amount} for amount in ("inf", 1, 2)]
    file = tmp_path / "pays.ndjson"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    options = IngestOptions(now=NOW, source="pays", batch_bytes=1 << 20 if together else 10, group_bytes=1 << 20 if together else 10)
    ingest(PROJECT, [str(file)], tmp_path / "store", options)
    (frame,) = query(PROJECT, tmp_path / "store", ["spread"], QueryOptions(grain=Grain.parse("1d"))).frames
    assert [value for _, _, value, _ in frame.rows()] == [None]
