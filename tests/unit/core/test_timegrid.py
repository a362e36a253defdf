# ruff: noqa: DTZ001 - wall clocks are naive
import datetime as dt
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metricsctl.core.durations import US, Duration
from metricsctl.core.timegrid import Grain, TimeGrid, local_to_utc, period_start, shift, to_iso, zone_of
from metricsctl.engine.reference import windows as oracle

ZONES = ["UTC", "Europe/Berlin", "Asia/Kolkata", "America/Havana", "Australia/Lord_Howe"]
GRAINS = [Grain.parse(text) for text in ("250ms", "1s", "5m", "15m", "1h", "2h", "3h", "4h", "6h", "8h", "12h", "1d", "1w", "1mo")]
GRAINS += [Grain(1, "w", week_start=5), Grain(1, "w", week_start=6)]
CALENDAR = [grain for grain in GRAINS if not grain.is_fixed]
EPOCH = dt.datetime(1970, 1, 1)
# where the clocks change: Berlin, Havana (at midnight), Lord Howe (by half an hour)
CHANGES = [
    dt.datetime(2026, 3, 29, 1),
    dt.datetime(2026, 10, 25, 1),
    dt.datetime(2026, 3, 8, 5),
    dt.datetime(2026, 11, 1, 5),
    dt.datetime(2026, 4, 4, 15),
    dt.datetime(2026, 10, 3, 15, 30),
]
LOW, HIGH = 0, 2_500_000_000 * US["s"]

zones = st.sampled_from(ZONES)
near_a_change = st.builds(
    lambda change, off: (change - EPOCH) // dt.timedelta(microseconds=1) + off,
    st.sampled_from(CHANGES),
    st.integers(-50 * US["h"], 50 * US["h"]) | st.integers(-100, 100).map(lambda quarter: quarter * US["m"] * 15),
)
instants = st.integers(LOW, HIGH) | near_a_change


def utc(text: str) -> int:
    return (dt.datetime.fromisoformat(text) - EPOCH) // dt.timedelta(microseconds=1)


@settings(max_examples=400, deadline=None)
@given(instants, st.sampled_from(GRAINS), zones)
def test_a_window_holds_its_instant_and_the_next_begins_where_it_ends(us: int, grain: Grain, zone: str) -> None:
    grid = TimeGrid(grain, zone)
    start, end = grid.floor(us), grid.next(grid.floor(us))
    assert start <= us < end
    assert grid.floor(start) == start
    assert grid.floor(end - 1) == start
    assert grid.floor(end) == end


@settings(max_examples=400, deadline=None)
@given(instants, st.sampled_from(GRAINS), zones)
def test_windows_agree_with_the_reference(us: int, grain: Grain, zone: str) -> None:
    grid = TimeGrid(grain, zone)
    start = grid.floor(us)
    assert start == oracle.window_start(us, grain, zone)
    assert grid.next(start) == oracle.window_end(start, grain, zone)


@settings(max_examples=150, deadline=None)
@given(
    near_a_change, st.integers(0, 70 * US["h"]), st.sampled_from([grain for grain in GRAINS if grain.microseconds >= 5 * US["m"]]), zones
)
def test_starts_tile_time(first: int, length: int, grain: Grain, zone: str) -> None:
    grid = TimeGrid(grain, zone)
    starts = list(grid.starts(first, first + length))
    assert starts[0] == grid.floor(first)
    assert starts[-1] == grid.floor(first + length)
    assert [grid.next(start) for start in starts[:-1]] == starts[1:]


@settings(max_examples=150, deadline=None)
@given(near_a_change, st.integers(0, 60 * US["h"]), st.sampled_from(GRAINS[2:]), st.sampled_from(CALENDAR), zones)
def test_holds_says_whether_windows_add_up(first: int, length: int, finer: Grain, coarser: Grain, zone: str) -> None:
    fine, coarse = TimeGrid(finer, zone), TimeGrid(coarser, zone)
    boundaries = {oracle.window_start(first, coarser, zone)}
    while (following := oracle.window_end(max(boundaries), coarser, zone)) <= first + length:
        boundaries.add(following)
    nested = all(oracle.window_start(boundary, finer, zone) == boundary for boundary in boundaries)
    assert coarse.holds(fine, first, first + length) == nested


@pytest.mark.parametrize(
    ("coarse", "fine", "zone", "nests"),
    [
        ("1h", "15m", "UTC", True),
        ("15m", "1h", "UTC", False),
        ("15m", "10m", "UTC", False),
        ("1d", "1h", "Europe/Berlin", True),
        ("1d", "1h", "Asia/Kolkata", False),
        ("1d", "30m", "Asia/Kolkata", True),
        ("1mo", "1w", "UTC", False),
        ("1w", "1d", "Europe/Berlin", True),
        ("12h", "6h", "UTC", True),
        ("12h", "8h", "UTC", False),
    ],
)
def test_which_windows_nest(coarse: str, fine: str, zone: str, nests: bool) -> None:
    first, last = utc("2026-10-20"), utc("2026-12-01")
    assert TimeGrid(Grain.parse(coarse), zone).holds(TimeGrid(Grain.parse(fine), zone), first, last) is nests


def test_a_grain_of_another_zone_may_nest_by_chance() -> None:
    day = TimeGrid(Grain.parse("1d"), "Europe/Berlin")
    assert day.holds(TimeGrid(Grain.parse("1d"), "Europe/Paris"), utc("2026-01-01"), utc("2026-12-01"))
    assert not day.holds(TimeGrid(Grain.parse("1d"), "UTC"), utc("2026-01-01"), utc("2026-01-03"))


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-07-01", 24)])
def test_the_length_of_a_day_in_berlin(day: str, hours: int) -> None:
    grid = TimeGrid(Grain.parse("1d"), "Europe/Berlin")
    start = grid.floor(utc(f"{day}T12:00"))
    assert grid.next(start) - start == hours * US["h"]
    six = TimeGrid(Grain.parse("6h"), "Europe/Berlin")
    starts = list(six.starts(start, grid.next(start) - 1))
    assert [later - earlier for earlier, later in itertools.pairwise(starts)] == [6 * US["h"]] * 3
    assert grid.next(start) - starts[-1] == (hours - 18) * US["h"]


def test_the_two_hours_of_an_autumn_night_stay_two() -> None:
    grid = TimeGrid(Grain.parse("1h"), "Europe/Berlin")
    first, second = utc("2026-10-25T00:30"), utc("2026-10-25T01:30")
    assert to_iso(first, "Europe/Berlin")[11:16] == to_iso(second, "Europe/Berlin")[11:16] == "02:30"
    assert grid.floor(first) != grid.floor(second)


def test_a_day_that_begins_after_its_midnight() -> None:
    day = TimeGrid(Grain.parse("1d"), "America/Havana")
    assert to_iso(day.floor(utc("2026-03-08T12:00")), "America/Havana") == "2026-03-08T01:00:00-04:00"


def test_weeks_begin_on_monday() -> None:
    grid = TimeGrid(Grain.parse("1w"), "UTC")
    assert to_iso(grid.floor(utc("2026-01-04T23:59"))) == "2025-12-29T00:00:00Z"
    assert to_iso(grid.next(grid.floor(utc("2026-01-04")))) == "2026-01-05T00:00:00Z"


# -- shifts


@settings(max_examples=400, deadline=None)
@given(instants, st.integers(0, 40), st.sampled_from(["s", "m", "h", "d", "w", "mo"]), zones, st.sampled_from([1, -1]))
def test_shifts_agree_with_the_reference(us: int, amount: int, unit: str, zone: str, sign: int) -> None:
    by = Duration(amount, unit)
    moved = (oracle.shifted_on if sign == 1 else oracle.shifted_back)(us + 10**16 // 4, by, zone)
    assert shift(us + 10**16 // 4, by, zone, sign=sign) == moved


@settings(max_examples=200, deadline=None)
@given(near_a_change, st.sampled_from(["1d", "1w", "1mo"]), zones)
def test_a_window_one_calendar_unit_on_is_the_next(us: int, text: str, zone: str) -> None:
    grid = TimeGrid(Grain.parse(text), zone)
    start = grid.floor(us)
    assert grid.floor(shift(start, Duration.parse(text), zone)) == grid.next(start)
    # an instant that is not in the hour the clocks skip has a way back
    assert grid.floor(shift(grid.next(start), Duration.parse(text), zone, sign=-1)) == start


def test_calendar_days_keep_the_wall_clock_and_hours_do_not() -> None:
    noon = local_to_utc(dt.datetime(2026, 3, 30, 12), "Europe/Berlin")
    assert to_iso(shift(noon, Duration.parse("7d"), "Europe/Berlin", sign=-1), "Europe/Berlin") == "2026-03-23T12:00:00+01:00"
    assert to_iso(shift(noon, Duration.parse("168h"), "Europe/Berlin", sign=-1), "Europe/Berlin") == "2026-03-23T11:00:00+01:00"


def test_the_end_of_a_month_stays_in_the_month() -> None:
    assert to_iso(shift(utc("2024-01-31"), Duration.parse("1mo"), "UTC")) == "2024-02-29T00:00:00Z"
    assert to_iso(shift(utc("2026-03-31"), Duration.parse("1mo"), "UTC", sign=-1)) == "2026-02-28T00:00:00Z"
    assert to_iso(shift(utc("2026-01-15"), Duration.parse("13mo"), "UTC", sign=-1)) == "2024-12-15T00:00:00Z"


# -- wall clocks


@settings(max_examples=300, deadline=None)
@given(
    st.datetimes(dt.datetime(1975, 1, 1), dt.datetime(2049, 1, 1)) | near_a_change.map(lambda us: EPOCH + dt.timedelta(microseconds=us)),
    zones,
)
def test_wall_clocks_agree_with_the_reference(clock: dt.datetime, zone: str) -> None:
    found = local_to_utc(clock, zone)
    assert found == oracle.from_wall_clock(clock, zone)
    if oracle.wall_clock(found, zone) != clock:  # skipped by the clocks: as far after the gap as it is into it
        assert oracle.wall_clock(found, zone) > clock


def test_twice_shown_times_are_the_later_and_skipped_ones_after_the_gap() -> None:
    assert to_iso(local_to_utc(dt.datetime(2026, 10, 25, 2, 30), "Europe/Berlin")) == "2026-10-25T01:30:00Z"
    assert to_iso(local_to_utc(dt.datetime(2026, 3, 29, 2, 30), "Europe/Berlin"), "Europe/Berlin") == "2026-03-29T03:30:00+02:00"


# -- grains


@pytest.mark.parametrize(
    ("text", "shown"), [("60m", "1h"), ("120s", "2m"), ("24h", "1d"), ("7d", "1w"), ("3600s", "1h"), ("500ms", "500ms"), ("week", "1w")]
)
def test_grains_have_one_name(text: str, shown: str) -> None:
    assert str(Grain.parse(text)) == shown


@pytest.mark.parametrize("text", ["0m", "7m", "90m", "5h", "10h", "2d", "2w", "3mo", "14d", "0d", "fortnight", "25h"])
def test_what_is_no_grain(text: str) -> None:
    with pytest.raises(ValueError, match="is not a"):
        Grain.parse(text)


def test_an_unknown_zone() -> None:
    with pytest.raises(ValueError, match="'Mars/Base' is not an IANA time zone"):
        zone_of("Mars/Base")


def test_weeks_begin_on_any_day() -> None:
    sunday = TimeGrid(Grain(1, "w", week_start=6), "Europe/Berlin")
    start = sunday.floor(local_to_utc(dt.datetime(2024, 3, 2, 12), "Europe/Berlin"))
    assert to_iso(start, "Europe/Berlin") == "2024-02-25T00:00:00+01:00"
    assert to_iso(sunday.next(start), "Europe/Berlin") == "2024-03-03T00:00:00+01:00"


@settings(max_examples=60)
@given(
    st.integers(0, 4_000_000_000).map(lambda second: second * 1_000_000)
    | st.sampled_from(CHANGES).map(lambda change: (change - EPOCH) // dt.timedelta(microseconds=1)),
    st.sampled_from(ZONES),
    st.sampled_from(["day", "week", "month", "quarter", "year"]),
    st.integers(0, 6),
)
def test_periods_begin_where_the_oracle_says(instant: int, zone: str, period: str, week_start: int) -> None:
    assert period_start(instant, period, zone, week_start) == oracle.calendar_start(instant, period, zone, week_start)


@pytest.mark.parametrize(
    ("period", "start"),
    [("day", "2024-02-29"), ("week", "2024-02-26"), ("month", "2024-02-01"), ("quarter", "2024-01-01"), ("year", "2024-01-01")],
)
def test_periods_that_hold_a_leap_day(period: str, start: str) -> None:
    noon = local_to_utc(dt.datetime(2024, 2, 29, 12), "Asia/Kolkata")
    assert to_iso(period_start(noon, period, "Asia/Kolkata"), "Asia/Kolkata").startswith(f"{start}T00:00:00")
