"""When an episode began, also within its first window."""

import numpy as np
import pytest

from metricsctl.core.timegrid import Grain
from metricsctl.explain.onset import onset_of, started, step_start, stretch_at
from metricsctl.explain.panel import Axis

HOUR = 3_600_000_000


@pytest.mark.parametrize("share", [0.25, 0.5, 1.0])
def test_a_window_that_is_hit_in_part_began_within(share):
    axis = Axis(np.arange(20, dtype=np.int64) * HOUR, Grain.parse("1h"), "UTC")
    relative = np.zeros(20)
    relative[10], relative[11:16] = -0.6 * share, -0.6
    found = onset_of(axis, relative, 10, 15)
    assert found.time == pytest.approx((11 - share) * HOUR, abs=1)
    assert found.earliest == 10 * HOUR
    assert found.time <= found.latest < 11 * HOUR


def test_a_single_window_does_not_tell():
    axis = Axis(np.arange(5, dtype=np.int64) * HOUR, Grain.parse("1h"), "UTC")
    found = onset_of(axis, np.array([0, 0, -0.5, 0, 0]), 2, 2)
    assert (found.time, found.latest) == (2 * HOUR, 3 * HOUR - 1)


def test_a_stretch_grows_over_a_weak_window_and_ends_where_it_ends():
    deviation = np.array([0.2, -0.5, 0.1, -4, -5, -0.9, -4, -3, 0.3, 0.1])
    assert stretch_at(deviation, 4, 4) == (3, 7)
    assert stretch_at(deviation * 0.1, 4, 4) == (4, 4)


def test_noise_before_the_step_is_not_part_of_it():
    assert step_start(np.array([1.5, 0.5, 1.6, -0.2, 6, 7, 6, 6]), 0, 7) == 4


def test_a_start_that_is_not_sure_is_spread_over_windows():
    weak = started(np.array([0.1, -0.2, 0.3, -1.2, -0.8, -1.5, -0.9]), 0, 6)
    assert weak.sum() == pytest.approx(1)
    assert int(np.argmax(weak)) == 3
    assert weak.max() < 0.9
    axis = Axis(np.arange(7, dtype=np.int64) * HOUR, Grain.parse("1h"), "UTC")
    found = onset_of(axis, np.array([0, 0, 0, -0.3, -0.3, -0.3, -0.3]), 3, 6, weak)
    assert sum(weight for _, _, weight in found.others) == pytest.approx(1 - weak[3], abs=0.05)
    assert found.near(2 * HOUR) > max(found.near(-20 * HOUR), found.near(6 * HOUR))
    assert not found.is_past(2 * HOUR)
    assert found.is_past(100 * HOUR)
