"""What is said of how a metric was judged: the evidence that alarmed, and what its budget allowed."""

import numpy as np
import pandas as pd
import pytest

from metricsctl.detect.budget import Budget
from metricsctl.detect.detectors.seasonal_robust_z import Season, SeasonalRobustZ
from metricsctl.detect.judge import judge
from metricsctl.detect.run import DetectOptions, detect_frame
from metricsctl.detect.summary import summary_of, together

HOUR = 3_600_000_000


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """Two hosts, six weeks of hours; one of them loses half of its load for a day."""
    hours = np.arange(6 * 168)
    rng = np.random.default_rng(3)
    load = [200 + 80 * np.sin(hours * np.pi / 12) + rng.normal(0, 4, len(hours)) for _ in "ab"]
    load[1][800:824] *= 0.5
    times = pd.Timestamp("2026-01-05") + pd.to_timedelta(hours, unit="h")
    return pd.concat([pd.DataFrame({"time": times, "host": host, "load": own}) for host, own in zip("ab", load, strict=True)])


def test_the_budget_is_counted_over_the_whole_past(frame: pd.DataFrame) -> None:
    whole = detect_frame(frame, options=DetectOptions(budget=Budget.parse("1/week")))
    late = detect_frame(frame, options=DetectOptions(budget=Budget.parse("1/week"), since="2026-02-14"))
    (said,) = whole.metrics
    assert late.metrics == whole.metrics
    assert len(late.episodes) < said.alarms
    assert (said.metric, said.series, said.budget, said.window_us, said.seasons) == ("load", 2, "1/week", HOUR, (168, 24))
    assert said.judged == whole.stats["windows_normal"] + whole.stats["windows_anomaly"]
    assert said.weeks == pytest.approx(said.judged / 168 / 2)
    assert said.allowed == pytest.approx(said.weeks)  # one a week and metric
    assert said.threshold == pytest.approx(np.log10(2 * 168))
    assert said.alarms == len(whole.episodes) == sum(int(one.alert.sum()) for one in whole.series)
    assert said.alarms_a_week == pytest.approx(said.alarms / said.weeks)


def test_an_episode_says_which_evidence_alarmed(frame: pd.DataFrame) -> None:
    found = detect_frame(frame).episodes
    lost = max(found, key=lambda one: one.windows)
    assert (lost.key, lost.family) == ({"host": "b"}, "season")
    assert {one.family for one in detect_frame(frame, options=DetectOptions(detector="robust_z")).episodes} <= {None}


@pytest.mark.parametrize("place", [0, 1])
def test_the_family_is_that_of_the_largest_evidence(place: int) -> None:
    values = np.random.default_rng(0).normal(100, 5, (1, 400))
    beside = np.zeros((1, 400, 2))
    beside[0, 350, place] = 9.0
    values[0, 350] += 12
    found = judge(values, SeasonalRobustZ((Season(24),)), 1e-4, None, beside)
    assert found.family[0, 350] == place + 1
    assert found.side[0, 350] == 1
    assert not found.family[0, :48].any()


def test_series_judged_apart_are_summed_up_by_metric() -> None:
    budget = Budget.parse("2/30d")
    parts = [summary_of("x", HOUR, budget, 0.001, (1, 336, 2)), summary_of("x", 24 * HOUR, budget, 0.02, (1, 28, 1))]
    (one,) = together(parts)
    assert (one.series, one.judged, one.alarms, one.window_us, one.budget) == (2, 364, 3, 24 * HOUR, "2/30d")
    assert one.weeks == pytest.approx((2 + 4) / 2)
    assert one.allowed == pytest.approx(0.336 + 0.56)


def test_without_a_cadence_there_is_no_rate_a_week() -> None:
    assert summary_of("x", 0, Budget(), 1e-4, (1, 100, 1)).alarms_a_week is None
