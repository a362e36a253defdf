"""Tail probabilities mean what they say."""

import numpy as np
import pytest

from metricsctl.detect.calibrate import calibrate

NORMAL = np.abs(np.random.default_rng(1).normal(size=(40, 4000)))
HEAVY = np.abs(np.random.default_rng(1).standard_t(4, size=(40, 4000)))


@pytest.mark.parametrize("scores", [NORMAL, HEAVY, NORMAL * 5], ids=["normal", "heavy", "noisier than thought"])
@pytest.mark.parametrize("rate", [0.01, 1e-3, 1e-4])
def test_alarms_come_about_as_often_as_asked(scores: np.ndarray, rate: float) -> None:
    late = slice(1500, None)  # the well-behaved start is forgotten by then
    share = (calibrate(scores).probability[:, late] < rate).mean()
    assert share < 3 * rate
    assert share > 0.1 * rate or rate * scores[:, late].size < 20


def test_a_large_score_is_odd_and_an_ordinary_one_is_not() -> None:
    scores = np.append(NORMAL[0, :500], [0.7, 30.0])
    ordinary, odd = calibrate(scores[None]).probability[0, -2:]
    assert ordinary > 0.1
    assert odd < 1e-6


def test_an_incident_does_not_hide_the_next_one() -> None:
    scores = NORMAL[0, :2000].copy()
    scores[1000:1030] = 40.0
    scores[1500] = 12.0
    assert calibrate(scores[None]).probability[0, 1500] < 3e-4


def test_missing_scores_stay_missing_and_teach_nothing() -> None:
    scores = NORMAL[:1, :400].copy()
    scores[0, ::3] = np.nan
    found = calibrate(scores).probability
    assert np.isnan(found[0, ::3]).all()
    assert not np.isnan(np.delete(found[0], np.arange(0, 400, 3))).any()


def test_without_a_reference_nothing_is_judged_too_early() -> None:
    found = calibrate(NORMAL[:1, :300], reference=False).probability[0]
    assert np.isnan(found[:64]).all()
    assert not np.isnan(found[-1])


def test_a_flat_past_makes_any_move_odd() -> None:
    found = calibrate(np.append(np.zeros(2000), 1.0)[None]).probability[0]
    assert found[-2] > 0.05
    assert found[-1] < 1e-4
