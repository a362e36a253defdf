"""Delta debugging: what is left shows it, and nothing of it can go."""

import itertools
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from metricsctl.impact.sample.shrink import shrink


@given(st.integers(1, 60), st.lists(st.sets(st.integers(0, 59), min_size=1, max_size=4), min_size=1, max_size=3))
def test_nothing_of_what_is_left_can_go(size: int, causes: list[set[int]]) -> None:
    causes = [{place % size for place in cause} for cause in causes]

    def shows(part: Sequence[int]) -> bool:
        return any(cause <= set(part) for cause in causes)

    left, minimal = shrink(range(size), shows, 10_000)
    assert minimal
    assert left == sorted(left)
    assert set(left) in causes  # a set of causes that holds another is never minimal
    assert not any(shows(part) for part in itertools.combinations(left, len(left) - 1))


def test_after_the_last_question_the_best_so_far_is_given() -> None:
    questions = []

    def shows(part: Sequence[int]) -> bool:
        questions.append(part)
        return {3, 900} <= set(part)

    left, minimal = shrink(range(1000), shows, 12)
    assert not minimal
    assert len(questions) == 12
    assert {3, 900} <= set(left)
    assert len(left) < 1000
