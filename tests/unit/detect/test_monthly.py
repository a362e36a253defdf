"""What comes back every month is expected; what came once or twice is not."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from metricsctl.detect.base import Status
from metricsctl.detect.detectors.seasonal_robust_z import Season, SeasonalRobustZ
from metricsctl.detect.examine import examine
from metricsctl.detect.grid import Grid
from metricsctl.detect.monthly import Monthly, is_dated
from metricsctl.detect.series import Series, SeriesSet, Traits
from metricsctl.detect.stream import Stream

DAY, HOUR = 86_400_000_000, 3_600_000_000
FIRST = dt.date(2025, 1, 1)
DATES = [FIRST + dt.timedelta(days=day) for day in range(500)]


def grid_of(size: int, length: int = DAY) -> Grid:
    start = (FIRST - dt.date(1970, 1, 1)).days * DAY
    return Grid.of(start + np.arange(size) * length, np.arange(size), length)


def is_last(date: dt.date) -> bool:
    return (date + dt.timedelta(days=1)).day == 1


def noise(seed: int, size: int = 500) -> np.ndarray:
    return 100 + np.random.default_rng(seed).normal(0, 3, size)


def monthly(seasons: tuple[Season, ...] = (Season(7, 8, 3),), size: int = 500, length: int = DAY) -> SeasonalRobustZ:
    return SeasonalRobustZ(seasons, monthly=Monthly(grid_of(size, length)))


BILLING = {
    "last day": np.array([is_last(date) for date in DATES]),
    "first day": np.array([date.day == 1 for date in DATES]),
    "fifteenth": np.array([date.day == 15 for date in DATES]),
}


@pytest.mark.parametrize("day", BILLING)
def test_a_day_of_the_month_is_expected_after_three_months(day: str) -> None:
    odd = BILLING[day]
    values = noise(1) + np.where(odd, 60.0, 0.0)
    places = np.flatnonzero(odd)
    plain, dated = SeasonalRobustZ((Season(7, 8, 3),)).score(values), monthly().score(values)
    assert np.nanmin(plain[places[2:]]) > 8
    assert np.nanmax(dated[places[5:]]) < 10
    assert np.nanmedian(dated[places[5:]]) < 2


def test_a_month_that_misses_its_day_is_an_anomaly() -> None:
    odd = BILLING["last day"]
    values = noise(2) + np.where(odd, 60.0, 0.0)
    missed = int(np.flatnonzero(odd)[8])
    values[missed] -= 60
    assert monthly().score(values)[missed] > 8
    band = monthly().band(values[None])
    assert values[missed] < band.expected[0, missed] - 30


def test_what_was_odd_in_two_months_is_no_season() -> None:
    values = noise(3)
    places = np.flatnonzero(BILLING["fifteenth"])
    values[places[[8, 9]]] += 60
    assert monthly().band(values[None]).expected[0, places[10]] < 110


def test_ordinary_noise_is_hardly_moved() -> None:
    values = np.stack([noise(seed) for seed in range(40)])
    plain, dated = SeasonalRobustZ((Season(7, 8, 3),)).band(values), monthly().band(values)
    off = [np.nanstd((values - band.expected)[:, 150:]) for band in (plain, dated)]
    assert off[1] < 1.08 * off[0]
    same = plain.expected[:, 150:] == dated.expected[:, 150:]
    assert 0.3 < same.mean() < 0.45  # of four of noise three have one sign in ten of sixteen cases


def test_hours_are_set_against_the_same_hour() -> None:
    hours = np.arange(500 * 24)
    odd = np.repeat(BILLING["first day"], 24) & (hours % 24 == 3)
    values = np.random.default_rng(4).normal(100, 3, len(hours)) + np.where(odd, 80.0, 0.0)
    dated = monthly((Season(168),), len(hours), HOUR)
    places = np.flatnonzero(odd)
    band = dated.band(values[None]).expected[0]
    assert (band[places[5:]] > 150).all()
    assert (band[places[5:] + 1] < 120).all()


def test_no_score_sees_the_future() -> None:
    values = noise(5) + np.where(BILLING["last day"], 60.0, 0.0)
    other = values.copy()
    other[400:] = 7.0
    np.testing.assert_array_equal(monthly().score(values)[:400], monthly().score(other)[:400])


@pytest.mark.parametrize("value", [np.nan, 100.0])
def test_one_month_without_it_does_not_end_it(value: float) -> None:
    values = noise(6) + np.where(BILLING["first day"], 60.0, 0.0)
    places = np.flatnonzero(BILLING["first day"])
    values[places[8]] = value
    expected = monthly().band(values[None]).expected[0]
    assert (expected[places[9:12]] > 150).all()


@pytest.mark.parametrize(
    ("length", "dated"), [(DAY, True), (HOUR, True), (6 * HOUR, True), (HOUR // 4, False), (7 * DAY, False), (0, False)]
)
def test_windows_with_a_day_of_the_month(length: int, dated: bool) -> None:
    assert is_dated(grid_of(10, length)) is dated


def test_detect_tells_of_a_month_without_its_bills() -> None:
    odd = np.flatnonzero(BILLING["last day"])
    values = noise(7)
    values[odd] += 60
    values[odd[9]] -= 60
    status = np.full(500, np.uint8(Status.WARMING_UP))
    item = SeriesSet(Traits("billed"), grid_of(500), (Series({}, values, np.zeros(500), status),))
    found = examine(item, "auto", 1 / 365, None, weekly_only=True)
    assert found.series[0].alert[odd[9]]
    missed = next(episode for episode in found.episodes if episode.alert.startswith(str(DATES[odd[9]])))
    assert missed.direction == "down"
    assert missed.expected is not None
    assert missed.expected > 140


def test_days_that_arrive_in_pieces_are_scored_as_all_of_them() -> None:
    values = noise(6) + np.where(BILLING["last day"], 60.0, 0.0)
    stream, parts = Stream(monthly(), 1), []
    for first, last in ((0, 200), (200, 201), (201, 420), (420, 500)):
        parts.append(stream.push(values[None, first:last]))
        state, stream = stream.save(), Stream(monthly(), 1)
        stream.load(state)
    np.testing.assert_array_equal(np.concatenate(parts, axis=1)[0], monthly().score(values))
    np.testing.assert_array_equal(monthly().score(values[:450]), monthly().score(values)[:450])
