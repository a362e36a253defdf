"""Points to episodes."""

import numpy as np

from metricsctl.detect.episodes import fingerprint, quiet_windows, stretches


def found(deviation: list[float], alarms: list[int], quiet: int = 3) -> list[tuple[int, ...]]:
    values = np.array(deviation)
    anomaly = np.zeros(len(values), dtype=bool)
    anomaly[alarms] = True
    side = np.where(anomaly, np.sign(values), 0).astype(np.int8)
    return [(one.onset, one.alert, one.peak, one.end, one.side) for one in stretches(anomaly, side, np.abs(values), values, quiet)]


def test_one_spike_is_one_episode() -> None:
    assert found([0, 0.2, 9, 0.1, 0], [2]) == [(2, 2, 2, 2, 1)]


def test_an_episode_begins_before_its_alert_and_ends_with_its_last_anomaly() -> None:
    assert found([0, -2.5, -3, -8, -2, -1.5, 0, 0], [3]) == [(1, 3, 3, 3, -1)]
    assert found([0, -2.5, -3, -8, -2, -1.5, 0, 0], [3, 4]) == [(1, 3, 3, 4, -1)]


def test_anomalies_close_together_are_one() -> None:
    assert found([0, 7, 0, 0, 8, 0, 0], [1, 4]) == [(1, 1, 4, 4, 1)]


def test_anomalies_far_apart_or_of_another_side_are_two() -> None:
    assert len(found([7, 0, 0, 0, 0, 8], [0, 5])) == 2
    assert len(found([7, -8], [0, 1])) == 2


def test_what_swings_back_is_no_episode_of_its_own() -> None:
    assert len(found([8, -8], [0, 1])) == 1


def test_an_episode_that_gets_ten_times_worse_is_told_of_again_but_not_at_once() -> None:
    score = np.array([0, 4, 5.5, 4, 4.9, 6.6, 7.5, 9, 4, 0.0])
    anomaly = score > 3
    (one,) = stretches(anomaly, anomaly.astype(np.int8), score, score, 3)
    assert (one.alert, one.again) == (1, (5,))  # 5.5 comes too soon, 7.5 is no more than ten times worse, 9 comes too soon
    assert one.alerts == [1, 5]


def test_what_comes_back_odder_after_a_quarter_of_quiet_is_another_episode() -> None:
    def alerts(second: float, at: int, quiet: int = 40) -> list[int]:
        score = np.zeros(60)
        score[[5, at]] = 5.0, second
        anomaly = score > 3
        return [one.alert for one in stretches(anomaly, anomaly.astype(np.int8), score, score, quiet)]

    assert alerts(6.0, 16) == [5, 16]
    assert alerts(6.0, 15) == [5]  # too soon
    assert alerts(5.0, 16) == [5]  # no odder
    assert alerts(6.0, 8, quiet=3) == [5]  # of days three are one in any case


def test_a_sum_that_stays_high_does_not_prolong_an_episode() -> None:
    assert found([0, 6, 6, 6, 0.2, 0.1, 0], [2, 3, 4, 5]) == [(1, 2, 1, 3, 1)]


def test_gaps_within_are_bridged() -> None:
    assert found([0, 6, float("nan"), 6, 0], [1, 3]) == [(1, 1, 1, 3, 1)]


def test_no_anomaly_no_episode() -> None:
    assert found([0, 1, 2], []) == []


def test_a_fingerprint_tells_episodes_apart_and_is_stable() -> None:
    names = {
        fingerprint("a", {}, 0, 1),
        fingerprint("a", {}, 0, -1),
        fingerprint("a", {}, 1, 1),
        fingerprint("b", {}, 0, 1),
        fingerprint("a", {"x": None}, 0, 1),
        fingerprint("a", {"x": "None"}, 0, 1),
    }
    assert len(names) == 6
    assert fingerprint("a", {"x": "1", "y": "2"}, 0, 1) == fingerprint("a", {"y": "2", "x": "1"}, 0, 1)


def test_days_end_sooner_than_hours() -> None:
    assert quiet_windows(86_400_000_000) < quiet_windows(3_600_000_000)
