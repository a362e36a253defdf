"""`auto` on ordinary series: about as many false alarms as the budget allows, in the first days too; and what is planted is found."""

import numpy as np
import pytest

from metricsctl.core.durations import US
from metricsctl.detect.base import Status
from metricsctl.detect.budget import Budget
from metricsctl.detect.examine import examine
from metricsctl.detect.grid import Grid
from metricsctl.detect.noise import Kind
from metricsctl.detect.series import Series, SeriesSet, Traits

HOUR = np.arange(8 * 168)
SEASON = 1 + 0.5 * np.sin(2 * np.pi * HOUR / 24) * np.where(HOUR // 24 % 7 >= 5, 0.5, 1.0)
SERIES = 60
ORDINARY = {
    "seasonal": lambda rng: 100 * SEASON + 5 * rng.normal(size=(SERIES, len(HOUR))),
    "trending": lambda rng: 100 + 0.05 * HOUR + 3 * rng.normal(size=(SERIES, len(HOUR))),
    "count": lambda rng: rng.poisson(20 * SEASON, (SERIES, len(HOUR))).astype(float),
    "intermittent": lambda rng: rng.poisson(0.3, (SERIES, len(HOUR))) * rng.integers(1, 5, (SERIES, len(HOUR))).astype(float),
    "random walk": lambda rng: 1000 + np.cumsum(rng.normal(size=(SERIES, len(HOUR))), axis=1),
}


def alerts(values: np.ndarray, budget: str, *, bare: bool = True, kind: Kind | None = None) -> np.ndarray:
    places = np.arange(values.shape[1])
    grid = Grid.of(places * US["h"], places, US["h"])
    status = np.full(values.shape[1], Status.WARMING_UP, dtype=np.uint8)
    rows = tuple(Series({"row": str(place)}, row, row if kind else np.zeros(len(row)), status) for place, row in enumerate(values))
    item = SeriesSet(Traits("value", kind=kind), grid, rows)
    return np.stack([one.alert for one in examine(item, "auto", Budget.parse(budget).rate(US["h"], 1), None, weekly_only=not bare).series])


@pytest.mark.parametrize("kind", ORDINARY)
def test_one_a_week_is_between_half_and_twice_of_it(kind: str) -> None:
    found = alerts(ORDINARY[kind](np.random.default_rng(3)), "1/week")
    assert 0.4 <= found[:, 2 * 168 :].sum() / SERIES / 6 <= 2  # of 360 weeks: half of it less what chance takes away
    assert found[:, :72].sum() / SERIES / 3 * 7 <= 2
    assert found[:, 72 : 2 * 168].sum() / SERIES / 11 * 7 <= 2.2


def test_growing_counts_at_one_a_year_give_hardly_any() -> None:
    rng = np.random.default_rng(7)
    expected = 300 * SEASON[: 6 * 168] * (1 + 0.02 * HOUR[: 6 * 168] / 168)
    values = rng.poisson(expected * np.exp(rng.normal(0, 0.05, (SERIES, 6 * 168)))).astype(float)
    assert alerts(values, "1/year", bare=False, kind="count").sum() <= 10  # 4.6 are allowed


@pytest.mark.parametrize("at", [100, 1000])
def test_a_spike_and_a_step_are_found(at: int) -> None:
    values = ORDINARY["seasonal"](np.random.default_rng(4))[:20]
    spiked, stepped = values.copy(), values.copy()
    spiked[:, at] += 120
    stepped[:, at:] += 120
    for changed, within in ((spiked, 1), (stepped, 2)):
        assert alerts(changed, "1/week")[:, at : at + within].any(axis=1).mean() >= 0.9


def test_an_outage_every_four_weeks_is_told_each_time() -> None:
    """At one alarm a year: it is no habit yet."""
    places = np.arange(26 * 168)
    values = 100 + 30 * np.sin(2 * np.pi * places / 24) + np.random.default_rng(3).normal(0, 3, (1, len(places)))
    outages = [week * 168 + week * 37 % 168 for week in range(3, 26, 4)]
    for place in outages:
        values[0, place : place + 3] = 0
    assert alerts(values, "1/year")[0, outages].all()
