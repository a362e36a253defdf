"""What is expected of windows: by weeks before them, whatever one odd week did."""

import numpy as np
import pytest

from metricsctl.core.durations import US
from metricsctl.core.timegrid import Grain
from metricsctl.explain.baseline import expected
from metricsctl.explain.panel import Axis, Panel

WEEKS = 11
DAY = 24
HOURS = np.arange(WEEKS * 7 * DAY)
OPEN = (HOURS % DAY >= 8) & (HOURS % DAY < 18)
SHAPE = np.where(OPEN, 100.0 + 50 * np.sin(HOURS % DAY / 3), np.nan)
EPISODE = np.greater_equal(HOURS, len(HOURS) - DAY)  # the last day


def level(factors, *, refunds=False, seed=1):
    """The mean expectation of the last day over that of an ordinary one; `factors`: each week's level."""
    chance = np.random.default_rng(seed)
    values = SHAPE * np.repeat(factors, 7 * DAY) * np.exp(chance.normal(0, 0.1, len(HOURS)))
    if refunds:
        hit = np.flatnonzero(OPEN & ~EPISODE)[10::37]
        values[hit] = -values[hit]
    axis = Axis(HOURS.astype(np.int64) * US["h"], Grain.parse("1h"), "UTC")
    panel = Panel(((),), values[None], np.where(np.isnan(values), 0.0, 10.0)[None])
    found = expected(panel, axis, EPISODE, "sum").expected[0]
    return float(np.nanmean(found[EPISODE]) / np.nanmean(SHAPE[EPISODE]))


@pytest.mark.parametrize("refunds", [False, True])
def test_one_weak_week_does_not_drag_what_is_expected(refunds):
    assert level([1] * 9 + [0.3, 1], refunds=refunds) == pytest.approx(1.0, abs=0.1)
    assert level([1] * 10 + [0.3], refunds=refunds) == pytest.approx(1.0, abs=0.1)


def test_two_weak_weeks_are_a_new_level():
    assert level([1] * 8 + [0.5] * 3) == pytest.approx(0.5, abs=0.1)


def test_growth_goes_on():
    assert level(1.04 ** np.arange(WEEKS)) == pytest.approx(1.04 ** (WEEKS - 1), rel=0.05)


def test_what_comes_after_is_not_looked_at():
    axis = Axis(HOURS.astype(np.int64) * US["h"], Grain.parse("1h"), "UTC")
    values = SHAPE.copy()
    first = expected(Panel(((),), values[None], np.ones((1, len(HOURS)))), axis, EPISODE, "sum")
    values[EPISODE] *= 7
    second = expected(Panel(((),), values[None], np.ones((1, len(HOURS)))), axis, EPISODE, "sum")
    assert np.array_equal(first.expected, second.expected, equal_nan=True)
    assert np.array_equal(first.scale, second.scale, equal_nan=True)
