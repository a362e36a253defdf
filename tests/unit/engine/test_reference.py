import datetime as dt
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest

from metricsctl.core.errors import DataError, UsageError
from metricsctl.core.timegrid import Grain, to_iso
from metricsctl.definition.load import load_text
from metricsctl.definition.project import Project
from metricsctl.definition.sql import parse_expression
from metricsctl.engine.duckdb.connection import connect
from metricsctl.engine.reference import accept, evaluate
from metricsctl.engine.reference.scalar import scalar
from metricsctl.engine.reference.values import Instant, Value, read, to_text
from metricsctl.plan.build import build

NOW = 1_800_000_000_000_000  # January 2027
NONE: Mapping[str, Value] = {}

PROJECT = """
version: 1
defaults: {timezone: UTC, grain: 1h}
dimensions:
  - {name: size, expr: "CASE WHEN amount < 10 THEN 'small' WHEN amount >= 10 THEN 'large' END"}
sources:
  - name: pays
    time: {column: at, lateness: 1h}
    dimensions: [country, size]
    columns:
      - {name: at, type: timestamp}
      - {name: country, type: string}
      - {name: amount, type: double}
      - {name: user, type: string}
      - {name: paid, type: boolean}
  - name: views
    time: {column: at}
    dimensions: [country]
    columns: [{name: at, type: timestamp}, {name: country, type: string}]
models:
  - name: paid_only
    sql: |
      WITH p AS (SELECT at, country, amount * 2 AS twice FROM pays WHERE paid)
      SELECT at, country, twice FROM p WHERE twice > 0
      UNION ALL SELECT q.at, q.country, -1 FROM (SELECT * FROM pays) AS q WHERE q.paid IS NULL
    time: {column: at}
    dimensions: [country]
metrics:
  - {name: n, type: simple, source: pays, agg: count}
  - {name: total, type: simple, source: pays, agg: sum, expr: amount}
  - {name: paid_total, type: simple, source: pays, agg: sum, expr: amount, filter: paid}
  - {name: mean, type: simple, source: pays, agg: avg, expr: amount}
  - {name: low, type: simple, source: pays, agg: min, expr: amount}
  - {name: high, type: simple, source: pays, agg: max, expr: amount}
  - {name: opening, type: simple, source: pays, agg: first, expr: amount}
  - {name: closing, type: simple, source: pays, agg: last, expr: amount}
  - {name: users, type: simple, source: pays, agg: count_distinct, expr: user}
  - {name: middle, type: simple, source: pays, agg: median, expr: amount}
  - {name: p90, type: simple, source: pays, agg: percentile, p: 0.9, expr: amount}
  - {name: spread, type: simple, source: pays, agg: stddev, expr: amount}
  - {name: twice, type: simple, source: paid_only, agg: sum, expr: twice}
  - {name: shown, type: simple, source: views, agg: count, dimensions: [country]}
  - {name: pay_rate, type: ratio, numerator: {metric: n, filter: paid}, denominator: n}
  - {name: per_view, type: derived, expr: total / shown}
  - {name: per_view_zero, type: derived, expr: total / shown, on_zero: zero}
  - {name: per_view_error, type: derived, expr: total / shown, on_zero: error}
  - {name: growth, type: derived, expr: cur - prev, inputs: {cur: total, prev: {metric: total, offset: 1d}}}
  - {name: growth_24h, type: derived, expr: cur - prev, inputs: {cur: total, prev: {metric: total, offset: 24h}}, timezone: Europe/Berlin}
  - {name: growth_1d, type: derived, expr: cur - prev, inputs: {cur: total, prev: {metric: total, offset: 1d}}, timezone: Europe/Berlin}
  - {name: yesterday, type: derived, expr: prev, inputs: {prev: {metric: total, offset: 1d}}}
  - {name: mean_share, type: derived, expr: mean / total}
  - {name: old_total, alias_of: total}
"""


@pytest.fixture(scope="module")
def project() -> Project:
    found = load_text(PROJECT)
    assert not found.findings
    return found


def at(text: str) -> int:
    return (dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC) - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1)


def pay(when: str, amount: float | None = None, country: str | None = None, user: str | None = None, paid: bool | None = True) -> dict:
    return {"at": when, "amount": amount, "country": country, "user": user, "paid": paid}


PAYS = [
    pay("2026-05-01T10:00:00Z", 1, "DE", "ann"),
    pay("2026-05-01T10:10:00Z", 2, "DE", "bob", paid=False),
    pay("2026-05-01T10:10:00Z", 12, None, "ann", paid=None),
    pay("2026-05-01T11:00:00Z", None, "DE", None),
    pay("2026-05-02T10:30:00Z", 5, "FR", "bob"),
]
VIEWS = [{"at": "2026-05-01T10:59:00Z", "country": "DE"}, {"at": "2026-05-02T11:00:00Z", "country": "DE"}]


def ask(project: Project, metric: str, grain: str = "1h", events: Mapping[str, Sequence[Any]] | None = None, **more: Any) -> dict:
    found = evaluate(project, events or {"pays": PAYS, "views": VIEWS}, metric, grain=Grain.parse(grain), now=NOW, **more)
    return {(to_iso(time)[5:16], *key): value for (time, key), value in found.items()}


@pytest.mark.parametrize(
    ("metric", "first_hour", "second_hour"),
    [
        ("n", 3, 1),
        ("total", 15, 0),
        ("paid_total", 1, 0),
        ("mean", 5, None),
        ("low", 1, None),
        ("high", 12, None),
        ("opening", 1, None),
        ("closing", 12, None),
        ("users", 2, 0),
        ("middle", 2, None),
        ("p90", 10, None),
        ("spread", math.sqrt((16 + 9 + 49) / 2), None),
        ("pay_rate", 1 / 3, 1),
        ("mean_share", 1 / 3, None),
        ("old_total", 15, 0),
    ],
)
def test_metrics_by_hour(project: Project, metric: str, first_hour: float, second_hour: float | None) -> None:
    found = ask(project, metric)
    assert found["05-01T10:00",] == pytest.approx(first_hour)
    assert found["05-01T11:00",] == second_hour
    assert set(found) == {("05-01T10:00",), ("05-01T11:00",), ("05-02T10:00",)}


def test_a_coarser_grain_is_computed_from_the_rows(project: Project) -> None:
    assert ask(project, "mean", "1d") == {("05-01T00:00",): 5, ("05-02T00:00",): 5}
    assert ask(project, "users", "1mo") == {("05-01T00:00",): 2}


def test_dimensions_null_and_shared_expressions(project: Project) -> None:
    assert ask(project, "total", "1d", by=("country", "size")) == {
        ("05-01T00:00", "DE", "small"): 3,
        ("05-01T00:00", None, "large"): 12,
        ("05-01T00:00", "DE", None): 0,
        ("05-02T00:00", "FR", "small"): 5,
    }
    assert ask(project, "total", "1d", by=("country",), where="size = 'small'") == {("05-01T00:00", "DE"): 3, ("05-02T00:00", "FR"): 5}
    assert ask(project, "total", "1d", where="country IS NULL") == {("05-01T00:00",): 12}


def test_models(project: Project) -> None:
    assert ask(project, "twice", by=("country",)) == {("05-01T10:00", "DE"): 2, ("05-01T10:00", None): -1, ("05-02T10:00", "FR"): 10}


def test_an_additive_input_is_zero_while_its_source_is_alive(project: Project) -> None:
    hour = {("05-01T10:00",): 15, ("05-01T11:00",): None, ("05-02T10:00",): None, ("05-02T11:00",): None}
    assert ask(project, "per_view") == hour
    assert ask(project, "per_view", "1d", by=("country",)) == {
        ("05-01T00:00", "DE"): 3,
        ("05-01T00:00", None): None,  # views of no country are 0: a division by zero
        ("05-02T00:00", "FR"): None,
        ("05-02T00:00", "DE"): 0,  # payments of DE are 0 that day
    }
    by_country = ask(project, "per_view_zero", "1d", by=("country",))
    assert by_country["05-02T00:00", "FR"] == 0
    with pytest.raises(DataError, match="per_view_error' divides by 0 at 2026-05-0"):
        ask(project, "per_view_error", "1d", by=("country",))


def test_a_window_that_is_not_over_gives_no_zeros(project: Project) -> None:
    views = [*VIEWS, {"at": "2026-05-02T10:10:00Z", "country": "FR"}]
    events = {"pays": PAYS, "views": views}
    assert ask(project, "per_view", "1d", events, by=("country",), final=True)["05-02T00:00", "DE"] == 0
    assert ask(project, "per_view", "1d", events, by=("country",), final=False)["05-02T00:00", "DE"] is None
    assert ask(project, "per_view", "1d", events, by=("country",), final=False)["05-02T00:00", "FR"] == 5


def test_offsets(project: Project) -> None:
    assert ask(project, "growth", "1d") == {("05-01T00:00",): None, ("05-02T00:00",): -10}
    assert ask(project, "yesterday", "1d") == {("05-02T00:00",): 15, ("05-03T00:00",): 5}


def test_calendar_days_and_elapsed_hours_over_a_change_of_clocks(project: Project) -> None:
    events = {"pays": [pay("2026-10-25T00:30:00+02:00", 1), pay("2026-10-26T00:30:00+01:00", 10)]}
    assert ask(project, "growth_1d", "1h", events)["10-25T23:00",] == 9
    assert ask(project, "growth_24h", "1h", events)["10-25T23:00",] is None
    assert ask(project, "growth_1d", "1d", events)["10-25T23:00",] == 9
    assert ask(project, "growth_24h", "1d", events)["10-25T23:00",] is None  # it leads into the middle of a day


def test_which_rows_are_accepted(project: Project) -> None:
    bad = [
        pay("2026-05-01T10:00:00Z", 1),
        {"amount": 1},
        pay("yesterday", 1),
        pay("2099-01-01", 1),
        pay("1969-12-31T23:59:59Z", 1),
        {**pay("2026-05-01T10:00:00Z"), "amount": "many"},
        {**pay("2026-05-01T10:00:00Z"), "paid": "perhaps"},
        {**pay("2026-05-01T10:00:00Z"), "amount": "1e2"},
    ]
    found = accept(build(project).sources["pays"], bad, NOW)
    assert found.rejected == (
        (1, "missing_time"),
        (2, "bad_time"),
        (3, "future_time"),
        (4, "past_time"),
        (5, "bad_value: amount"),
        (6, "bad_value: paid"),
    )
    assert [row["amount"] for row in found.rows] == [1, 100]


@pytest.mark.parametrize(
    ("text", "declared", "value"),
    [
        ("1", "boolean", True),
        ("NO", "boolean", False),
        ("on", "boolean", None),
        ("1e3", "integer", 1000),
        ("2.5", "integer", None),
        ("2147483648", "integer", None),
        ("2147483648", "bigint", 2147483648),
        ("abc", "double", None),
        ("", "double", None),
        ("1.005", "decimal(6,2)", Decimal("1.01")),
        ("99999", "decimal(6,2)", None),
        ("2026-02-30", "date", None),
        ("2026-02-03", "date", dt.date(2026, 2, 3)),
        ("1767308400", "timestamp", Instant(1767308400_000_000)),
        ("1767308400.5", "timestamp", Instant(1767308400_500_000)),
        ("1767308400123", "timestamp", Instant(1767308400_123_000)),
        ("1767308400123456", "timestamp", Instant(1767308400_123_456)),
        ("1767308400123456789", "timestamp", Instant(1767308400_123_456)),
        ("20260102", "timestamp", None),
        ("2026-01-02T00:00:00", "timestamp", Instant(1767308400_000_000)),
        ("2026-01-02T00:00:00+01:00", "timestamp", Instant(1767308400_000_000)),
        ("2026-10-25 02:30:00", "timestamp", Instant(1792891800_000_000)),
        ("2026-03-29 02:30:00", "timestamp", Instant(1774747800_000_000)),
    ],
)
def test_reading(text: str, declared: str, value: Value) -> None:
    assert read(text, declared, "Europe/Berlin") == value


@pytest.mark.parametrize(
    ("value", "text"), [(True, "true"), (3, "3"), (1.5, "1.5"), (1.0, "1.0"), (1e16, "1e+16"), (Decimal("1.50"), "1.50"), (None, None)]
)
def test_writing(value: Value, text: str | None) -> None:
    assert to_text(value) == text


@pytest.mark.parametrize(
    ("sql", "value"),
    [
        ("1 / 4", 0.25),
        ("7 % 3 - 7 % -3", 0),
        ("-7 % 3", -1),
        ("0.1 + 0.2", Decimal("0.3")),
        ("1.5 * 2", Decimal("3.0")),
        ("2 > NULL", None),
        ("NULL AND FALSE", False),
        ("NULL OR TRUE", True),
        ("NULL OR FALSE", None),
        ("NOT NULL", None),
        ("1 IN (2, NULL)", None),
        ("1 NOT IN (2, 3)", True),
        ("2 BETWEEN 1 AND 3", True),
        ("2 NOT BETWEEN NULL AND 1", True),
        ("'ab%c' LIKE 'a_\\%%'", False),
        ("'abc' LIKE 'a_c'", True),
        ("'a.c' NOT LIKE 'a%'", False),
        ("NULL IS NULL", True),
        ("1 IS NOT NULL", True),
        ("CASE WHEN 1 > 2 THEN 'a' WHEN NULL THEN 'b' ELSE 'c' END", "c"),
        ("CASE 2 WHEN 1 THEN 'a' WHEN 2 THEN 'b' END", "b"),
        ("COALESCE(NULL, 3, 4)", 3),
        ("NULLIF(1, 1.0)", None),
        ("NULLIF(1, 2)", 1),
        ("ABS(-2) + ROUND(2.5)", Decimal(5)),
        ("ROUND(-1.25, 1)", Decimal("-1.3")),
        ("LOWER('AB') || UPPER('cd') || LENGTH('äb')", "abCD2"),
        ("'a' || NULL", None),
        ("CONCAT('a', NULL, 1)", "a1"),
        ("CAST('2.5' AS INTEGER)", 3),
        ("CAST(CAST(2.5 AS DOUBLE) AS INTEGER)", 2),
        ("CAST(1 AS VARCHAR) || CAST(TRUE AS VARCHAR)", "1true"),
        ("TRY_CAST('x' AS DOUBLE)", None),
        ("CAST('1.255' AS DECIMAL(5,2))", Decimal("1.26")),
    ],
)
def test_scalars(sql: str, value: Value) -> None:
    found = scalar(parse_expression(sql, "duckdb"), NONE)
    assert found == value
    assert type(found) is type(value)
    with connect(None) as connection:  # the other engine means the same
        assert connection.execute(f"SELECT CAST(({sql}) AS VARCHAR)").fetchone() == (to_text(value),)


def test_division_by_zero_in_a_row_is_infinite() -> None:
    assert scalar(parse_expression("-1 / 0", "duckdb"), NONE) == -math.inf
    nothing = scalar(parse_expression("x / 0", "duckdb"), {"x": 0})
    assert isinstance(nothing, float)
    assert math.isnan(nothing)


@pytest.mark.parametrize("sql", ["SQRT(2)", "DATE_TRUNC('day', x)", "'a' < 1", "TRUE + 1", "x ILIKE 'a'", "CAST(x AS TIMESTAMP)"])
def test_what_it_does_not_know_it_refuses(sql: str) -> None:
    with pytest.raises(UsageError, match="the reference engine does not know"):
        scalar(parse_expression(sql, "duckdb"), {"x": "a"})
    with pytest.raises(UsageError, match="there is no column 'y'"):
        scalar(parse_expression("y", "duckdb"), {"x": "a"})


def test_a_cast_that_fails() -> None:
    with pytest.raises(DataError, match="fails for 'abc'"):
        scalar(parse_expression("CAST('abc' AS DOUBLE)", "duckdb"), NONE)


@pytest.mark.parametrize(
    ("metric", "value"),
    [("total", math.inf), ("low", 1), ("high", math.inf), ("opening", math.inf), ("closing", 1), ("middle", math.inf), ("spread", None)],
)
def test_infinity_is_a_number_and_nan_is_null(project: Project, metric: str, value: float | None) -> None:
    events = {"pays": [pay("2026-05-01T10:00:00Z", math.inf), pay("2026-05-01T10:01:00Z", 1), pay("2026-05-01T10:02:00Z", math.nan)]}
    assert ask(project, metric, "1h", events) == {("05-01T10:00",): value}


def test_a_sum_is_exact_and_a_tie_takes_the_larger_value(project: Project) -> None:
    same = [pay("2026-05-01T10:00:00Z", amount) for amount in (1e16, 1.0, -1e16, 0.1, 0.2)]
    assert ask(project, "total", "1h", {"pays": same}) == {("05-01T10:00",): 1.3}
    assert ask(project, "opening", "1h", {"pays": same}) == ask(project, "closing", "1h", {"pays": same}) == {("05-01T10:00",): 1e16}
