"""A surprise set against how often such ones came before it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import gamma

from metricsctl.detect.pace import Pace, least_rate

DAY = 288


def repeated(score: float, every: int = DAY, days: int = 30) -> np.ndarray:
    """The same surprise again and again."""
    scores = np.zeros((1, every * days))
    scores[0, every // 2 :: every] = score
    return scores


@pytest.mark.parametrize("score", [6.0, 8.0, 20.0, 132.0])
def test_what_comes_every_day_is_no_rarer_than_that(score: float) -> None:
    found = Pace(1).push(repeated(score))[0, DAY // 2 :: DAY]
    assert (found[:2] > score - 0.5).all()  # once and again may be an incident and the next one
    assert found[10:].max() <= np.log10(DAY) + 0.5


def test_one_that_is_larger_than_those_that_come_is_told() -> None:
    scores = repeated(6.0)
    scores[0, -1] = 11.0
    assert Pace(1).push(scores)[0, -1] > 5


def test_surprises_within_reach_of_ranks_are_not_cut() -> None:
    scores = repeated(4.9)
    assert (np.diff(Pace(1).push(scores)[0, DAY // 2 :: DAY]) > -0.5).all()


@settings(max_examples=50, deadline=None)
@given(st.integers(2, 500), st.integers(500, 100_000))
def test_the_least_rate_is_the_exact_bound(count: int, seen: int) -> None:
    exact = gamma.ppf(0.05, count) / seen
    assert least_rate(np.array([float(count)]), np.array([float(seen)]))[0] == pytest.approx(exact, rel=0.03)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.lists(st.integers(1, 700), min_size=1, max_size=6))
def test_bit_by_bit_is_all_at_once(seed: int, sizes: list[int]) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.exponential(1.0, (2, sum(sizes))) * rng.choice([1.0, 5.0], (2, sum(sizes)), p=[0.98, 0.02])
    scores[0, rng.random(scores.shape[1]) < 0.1] = np.nan
    whole, pace, parts, first = Pace(2).push(scores), Pace(2), [], 0
    for size in sizes:
        parts.append(pace.push(scores[:, first : first + size]))
        first += size
        other = Pace(2)
        other.load(pace.save())
        pace = other
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)
