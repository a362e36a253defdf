import pytest
from hypothesis import given
from hypothesis import strategies as st

from metricsctl.core.durations import US, Duration


@given(st.integers(0, 2400), st.sampled_from(["ms", "s", "m", "h", "d", "w", "mo"]))
def test_what_is_written_is_read(amount: int, unit: str) -> None:
    duration = Duration(amount, unit)
    assert Duration.parse(str(duration)) == duration


@pytest.mark.parametrize("text", ["", "7", "d", "-7d", "1.5h", "7 days", "1M", "1y", "7d ", "٣d x"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        Duration.parse(text)


@pytest.mark.parametrize("text", ["201000w", "9" * 400 + "d", "2500mo"])
def test_nothing_lasts_longer_than_200_years(text: str) -> None:
    with pytest.raises(ValueError, match="is longer than 200 years"):
        Duration.parse(text)


@pytest.mark.parametrize(("text", "unit"), [("second", "s"), ("minute", "m"), ("hour", "h"), ("day", "d"), ("week", "w"), ("month", "mo")])
def test_words(text: str, unit: str) -> None:
    assert Duration.parse(text) == Duration(1, unit)


def test_a_week_of_hours_is_elapsed_time_and_a_week_of_days_is_not() -> None:
    days, hours = Duration.parse("7d"), Duration.parse("168h")
    assert days.microseconds == hours.microseconds
    assert days.is_calendar
    assert not hours.is_calendar


@pytest.mark.parametrize("unit", list(US))
def test_lengths(unit: str) -> None:
    assert Duration(3, unit).microseconds == 3 * US[unit]


def test_a_month_is_nominally_thirty_days() -> None:
    assert Duration.parse("2mo").microseconds == 60 * US["d"]
