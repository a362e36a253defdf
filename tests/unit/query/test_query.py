"""`query` from the store: what is filled, offsets over calendars, the SQL that is shown."""

import datetime as dt
import json
import zoneinfo
from pathlib import Path

import duckdb
import pytest

from metricsctl.core.timegrid import Grain
from metricsctl.definition.load import load_text
from metricsctl.ingest.run import IngestOptions, ingest
from metricsctl.query.run import QueryOptions, query, shown_sql

ZONE = zoneinfo.ZoneInfo("Europe/Berlin")
PROJECT = load_text("""
version: 1
defaults: {timezone: Europe/Berlin, grain: 1h}
sources:
  - name: pays
    time: {column: at, lateness: 2h}
    dimensions: [country]
    columns: [{name: at, type: timestamp}, {name: country, type: string}, {name: amount, type: double}]
metrics:
  - {name: total, type: simple, source: pays, agg: sum, expr: amount}
  - {name: zeroed, type: simple, source: pays, agg: sum, expr: amount, fill: zero}
  - {name: carried, type: simple, source: pays, agg: sum, expr: amount, fill: previous}
  - {name: n, type: simple, source: pays, agg: count}
  - {name: mean, type: ratio, numerator: total, denominator: {metric: n, filter: amount > 1}}
  - {name: days_before, type: derived, expr: prev, inputs: {prev: {metric: total, offset: 7d}}}
  - {name: hours_before, type: derived, expr: prev, inputs: {prev: {metric: total, offset: 168h}}}
  - {name: month_before, type: derived, expr: prev, inputs: {prev: {metric: total, offset: 1mo}}}
  - {name: change, type: derived, expr: cur - prev, inputs: {cur: total, prev: {metric: total, offset: 7d}}}
""")
FIRST = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
# an event every 7 hours for 75 days, over the end of March when a day has 23 hours
EVENTS = [(FIRST + dt.timedelta(hours=7 * number), ["DE", "FR", None][number % 3], float(number % 5)) for number in range(257)]
NOW = int(dt.datetime(2026, 6, 1, tzinfo=dt.UTC).timestamp()) * 1_000_000


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("query")
    lines = [json.dumps({"at": at.isoformat(), "country": country, "amount": amount}) + "\n" for at, country, amount in EVENTS]
    (folder / "pays.ndjson").write_text("".join(lines))
    ingest(PROJECT, [str(folder / "pays.ndjson")], folder / "store", IngestOptions(now=NOW))
    return folder / "store"


def values(store: Path, metric: str, grain: str, **options) -> dict:
    frame = query(PROJECT, store, [metric], QueryOptions(grain=Grain.parse(grain), **options)).frames[0]
    return {(dt.datetime.fromtimestamp(time / 1e6, dt.UTC), *key): (value, status) for time, key, value, status in frame.rows()}


def day(at: dt.datetime) -> dt.datetime:
    return at.astimezone(ZONE).replace(hour=0, minute=0, second=0, microsecond=0)


def test_holes_are_filled_as_the_metric_says_where_the_source_has_events_and_the_window_is_over(store: Path) -> None:
    plain = {time: value for (time,), (value, _) in values(store, "total", "1h").items()}
    hours = [FIRST + dt.timedelta(hours=number) for number in range(256 * 7 - 2)]  # the watermark is two hours behind the last event
    zeroed, carried = values(store, "zeroed", "1h", fill=True), values(store, "carried", "1h", fill=True)
    before = None
    for hour in hours:
        before = plain.get(hour, before)
        assert zeroed[hour,] == ((plain[hour], "final") if hour in plain else (0.0, "absent"))
        assert carried[hour,] == ((before, "final") if hour in plain else (before, "absent"))
    assert len(zeroed) == len(carried) == len(hours) + 1, "open windows are not filled"
    assert values(store, "zeroed", "1h").keys() == {(hour,) for hour in plain}
    part = values(store, "zeroed", "1h", fill=True, since="2026-03-10T01:00", until="2026-03-10T05:00", by=("country",))
    assert len(part) == 4 * len({key for _, key in part})


@pytest.mark.parametrize(
    ("metric", "back"),
    [
        ("days_before", lambda local: local - dt.timedelta(days=7)),
        ("month_before", lambda local: local.replace(month=local.month - 1) if local.month > 3 else None),
    ],
)
def test_a_calendar_offset_is_the_same_day_however_long_days_are(store: Path, metric: str, back) -> None:
    sums: dict[dt.datetime, float] = {}
    for at, _, amount in EVENTS:
        sums[day(at)] = sums.get(day(at), 0.0) + amount
    found = values(store, metric, "1d", since="2026-03-20")
    assert len(found) > 25
    for (time,), (value, _) in found.items():
        earlier = back(time.astimezone(ZONE))
        assert value == (sums.get(earlier) if earlier else None), time


def test_an_elapsed_offset_leads_into_the_middle_of_a_day_after_the_clock_change(store: Path) -> None:
    options = QueryOptions(grain=Grain.parse("1d"), since="2026-03-25", until="2026-04-10")
    report = query(PROJECT, store, ["hours_before"], options)
    assert [item.code for item in report.diagnostics] == ["offset"]
    hourly, plain = values(store, "hours_before", "1h", since="2026-03-25"), values(store, "total", "1h")
    assert hourly
    assert all(value == plain[time - dt.timedelta(hours=168),][0] for (time,), (value, _) in hourly.items())


def test_a_difference_needs_both_and_an_input_without_rows_is_zero_in_a_live_window(store: Path) -> None:
    plain, found = values(store, "total", "1d"), values(store, "change", "1d", since="2026-03-20")
    for (time,), (value, _) in found.items():
        earlier = time.astimezone(ZONE) - dt.timedelta(days=7)
        assert value == plain[time,][0] - plain[earlier.astimezone(dt.UTC),][0]


@pytest.mark.parametrize("grain", ["1h", "4h", "1d", "1mo"])
def test_the_shown_sql_gives_the_values(store: Path, grain: str) -> None:
    options = QueryOptions(by=("country",), grain=Grain.parse(grain), since="2026-03-10", where="country <> 'FR'")
    report = shown_sql(PROJECT, store, ["mean", "total"], options)
    assert [item.metrics for item in report.statements] == [("total", "n")]
    assert report.formulas[0].inputs == {"numerator": "total", "denominator": "n where amount > 1"}
    rows = duckdb.connect().execute(report.statements[0].sql)
    names = [column[0] for column in rows.description]
    shown = [dict(zip(names, row, strict=True)) for row in rows.fetchall()]
    assert {(row["bucket"], row["key country"]): row["value total"] for row in shown} == {
        (int(time.timestamp()) * 1_000_000, key): value for (time, key), (value, _) in values(store, "total", **plain_of(options)).items()
    }
    means = values(store, "mean", **plain_of(options))
    for row in shown:
        time = dt.datetime.fromtimestamp(row["bucket"] / 1e6, dt.UTC)
        value = means[time, row["key country"]][0]
        assert value == (pytest.approx(row["value total"] / row["value n"]) if row["value n"] else None)


def plain_of(options: QueryOptions) -> dict:
    return {"grain": str(options.grain), "by": options.by, "since": options.since, "where": options.where}
