"""Few false alarms on clean data, and real changes found."""

import numpy as np
import pytest

from metricsctl.detect.base import Band
from metricsctl.detect.budget import Budget
from metricsctl.detect.detectors.seasonal_robust_z import Season, SeasonalRobustZ
from metricsctl.detect.judge import judge
from metricsctl.detect.noise import widened
from metricsctl.detect.registry import create

DETECTOR = SeasonalRobustZ((Season(168),))
RATE = Budget().rate(3_600_000_000, 1)


def counted(values: np.ndarray, rate: float = RATE):
    def widen(band: Band) -> Band:
        return widened(band, values, values, "count", 336)

    return judge(values, DETECTOR, rate, widen)


def clean(level: float, series: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    hour = np.arange(6 * 168)
    expected = level * (1 + 0.6 * np.sin(2 * np.pi * (hour % 24 - 6) / 24)) * np.where((hour // 24) % 7 >= 5, 0.7, 1.0)
    expected *= 1 + 0.02 * hour / 168
    return rng.poisson(expected * np.exp(rng.normal(0, 0.05, (series, len(hour))))).astype(float)


@pytest.mark.parametrize("level", [0.3, 3, 30, 300, 3000])
def test_six_clean_weeks_give_hardly_an_alarm(level: float) -> None:
    found = counted(clean(level, 60, seed=11))
    starts = (found.anomaly[:, 1:] & ~found.anomaly[:, :-1]).sum()
    assert starts <= 6  # one in ten series; the budget of one a year would allow as much


def test_two_weeks_are_needed() -> None:
    found = counted(clean(300, 1, seed=1))
    assert np.isnan(found.score[0, : 2 * 168]).all()
    assert not np.isnan(found.score[0, 2 * 168 + 1 :]).any()


@pytest.mark.parametrize(("level", "change"), [(30, -0.8), (300, -0.3), (300, 0.4), (3000, -0.3)])
def test_a_day_of_change_is_found(level: float, change: float) -> None:
    values = clean(level, 20, seed=5)
    values[:, 800:824] = np.round(values[:, 800:824] * (1 + change))
    found = counted(values)
    assert found.anomaly[:, 800:824].any(axis=1).mean() >= 0.95
    first = found.side[:, 800:824][found.anomaly[:, 800:824]]
    assert (first == np.sign(change)).all()


def test_a_spike_is_found_at_once_and_alarms_once() -> None:
    values = clean(300, 20, seed=6)
    values[:, 700] *= 4
    found = counted(values)
    assert found.anomaly[:, 700].all()
    assert found.anomaly[:, 701:730].mean() < 0.02


def test_a_few_events_at_night_are_no_alarm() -> None:
    values = np.tile(np.repeat([0.0, 40.0], [8, 16]), 42)[None] + np.random.default_rng(0).poisson(3, 1008)
    values[0, np.arange(1008) % 24 < 8] = 0
    values[0, 24 * 30 + 3] = 2
    assert not counted(values).anomaly[0, 24 * 30 + 3]


def test_a_trend_does_not_alarm() -> None:
    values = clean(300, 20, seed=8) * (1 + 0.15 * np.arange(6 * 168) / 168)
    assert counted(np.round(values)).anomaly.any(axis=1).sum() <= 2


def test_negative_values_have_an_additive_season() -> None:
    rng = np.random.default_rng(2)
    hour = np.arange(6 * 168)
    values = (5 * np.sin(2 * np.pi * hour / 24) + rng.normal(0, 1, (20, len(hour))))[:, :]
    values[:, 900] -= 15
    found = judge(values, DETECTOR, RATE)
    assert found.anomaly[:, 900].all()
    assert found.anomaly.sum() <= 30


def test_gaps_are_not_judged() -> None:
    values = clean(300, 1, seed=3)
    values[0, 600:610] = np.nan
    found = counted(values)
    assert np.isnan(found.score[0, 600:610]).all()
    assert not found.anomaly[0, 600:640].any()


def test_few_rows_make_a_ratio_unsure() -> None:
    rng = np.random.default_rng(4)
    values, counts = rng.normal(0.5, 0.01, (1, 1008)), np.full((1, 1008), 1000.0)
    values[0, 900], counts[0, 900] = 1.0, 3.0
    values[0, 950] = 0.6
    found = judge(values, DETECTOR, RATE, lambda band: widened(band, values, counts, "level", 336))
    assert not found.anomaly[0, 900]
    assert found.anomaly[0, 950]


def test_a_sum_is_no_surer_than_its_rows() -> None:
    band = Band(np.array([[100.0]]), np.array([[1.0]]))
    history = np.full((1, 100), 100.0)
    found = widened(Band(np.full((1, 100), 100.0), np.ones((1, 100))), history, np.full((1, 100), 4.0), "sum", 24)
    assert found.scale[0, -1] == pytest.approx(25 * np.sqrt(5))
    assert widened(band, np.array([[100.0]]), np.array([[4.0]]), "level", 24).scale[0, 0] == 1.0


def test_isolation_forest_finds_a_spike() -> None:
    values = np.sin(np.arange(1500) / 4)[None] + np.random.default_rng(0).normal(0, 0.05, (1, 1500))
    values[0, 1400] = 8
    found = judge(values, create("isolation_forest", trees=20), 1e-3)
    assert found.anomaly[0, 1400]
    assert found.anomaly.sum() < 10


def test_a_share_of_few_rows_may_well_be_lower_once() -> None:
    rng = np.random.default_rng(9)
    counts = np.full((20, 1008), 6.0)
    values = rng.binomial(6, 0.97, counts.shape) / 6
    values[0, 1000:] = 0.0
    found = judge(values, DETECTOR, RATE, lambda band: widened(band, values, counts, "level", 336))
    assert found.anomaly[1:].sum() <= 2
    assert found.anomaly[0, 1000:].any()
