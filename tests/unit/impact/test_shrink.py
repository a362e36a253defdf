"""Delta debugging: what is left shows it, and nothing of it can go."""

import itertools
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from metricsctl.impact.sample.shrink import Shrunk, shrink


@given(st.integers(1, 60), st.lists(st.sets(st.integers(0, 59), min_size=1, max_size=4), min_size=1, max_size=3))
def test_nothing_of_what_is_left_can_go(size: int, causes: list[set[int]]) -> None:
    causes = [{place % size for place in cause} for cause in causes]

    def shows(part: Sequence[int]) -> bool:
        return any(cause <= set(part) for cause in causes)

    found = shrink(range(size), shows, 200)
    left = found.items
    assert found.minimal
    assert left == sorted(left)
    assert set(left) in causes  # a set of causes that holds another is never minimal
    assert not any(shows(part) for part in itertools.combinations(left, len(left) - 1))
    least = min(map(len, causes))
    assert len(left) == least or not found.smallest
    assert found.smallest or len(left) > 1
    assert found.smallest or len(left) > 2  # there are questions left for all single ones


def test_after_the_last_question_the_best_so_far_is_given() -> None:
    questions = []

    def shows(part: Sequence[int]) -> bool:
        questions.append(part)
        return {3, 900} <= set(part)

    found = shrink(range(1000), shows, 12)
    assert not found.minimal
    assert not found.smallest
    assert len(questions) == 12
    assert {3, 900} <= set(found.items)
    assert len(found.items) < 1000


def test_what_cannot_lose_an_item_need_not_be_the_smallest() -> None:
    def shows(part: Sequence[int]) -> bool:
        return 4 in part or {0, 1} <= set(part)

    assert shrink(range(6), shows, 20) == Shrunk([4], minimal=True, smallest=True)
    assert shrink(range(6), shows, 6) == Shrunk([0, 1], minimal=True, smallest=False)
