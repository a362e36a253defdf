"""The parts of any formula of the expression language add up to its change: zero, negative and missing values included."""

import contextlib
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metricsctl.engine.duckdb.read import StateReader
from metricsctl.explain.algebra import Algebra, Leaf, _Node
from metricsctl.explain.decompose import split
from metricsctl.plan.types import ROWS, Base

NAMES = ("a", "b", "c", "d")
VALUES = st.one_of(st.sampled_from([0.0, 1.0, -1.0, 3.0]), st.floats(-1e6, 1e6).map(lambda value: round(value, 3)))
POINTS = st.fixed_dictionaries(dict.fromkeys(NAMES, VALUES))


def formulas() -> st.SearchStrategy[str]:
    """Expressions with operators, functions and cases, as they may stand in `expr:` of a derived metric."""

    def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return st.one_of(
            st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda part: f"({' '.join(part)})"),
            inner.map(lambda part: f"abs({part})"),
            inner.map(lambda part: f"(-{part})"),
            st.tuples(st.sampled_from(["greatest", "least", "coalesce"]), inner, inner).map(
                lambda part: f"{part[0]}({part[1]}, {part[2]})"
            ),
            st.tuples(inner, inner, inner).map(lambda part: f"CASE WHEN {part[0]} > 0 THEN {part[1]} ELSE {part[2]} END"),
        )

    return st.recursive(st.sampled_from([*NAMES, "2.5", "1000"]), larger, max_leaves=7)


def algebra(text: str, on_zero: str = "absent") -> Algebra:
    leaves = {name: Leaf(name, Base(name, "rollup", ROWS, "count")) for name in NAMES}
    tree = _Node(text=text, on_zero=on_zero, inputs={name: _Node(leaf=name) for name in NAMES})
    return Algebra(leaves, tree, tree.powers())


@pytest.fixture(scope="module")
def states():
    with contextlib.closing(StateReader()) as reader:
        yield reader


@settings(max_examples=60, deadline=None)
@given(formulas(), st.sampled_from(["absent", "zero"]), POINTS, POINTS)
def test_parts_of_any_expression_add_up(states, text, on_zero, before, after):
    made = algebra(text, on_zero)
    start, end = made.one(states, before), made.one(states, after)
    parts = split(lambda columns: made.value(states, columns), made.powers, before, after)
    if not (math.isfinite(start) and math.isfinite(end)):
        assert all(math.isnan(part) for part in parts.values())
        return
    largest = max(*(abs(part) for part in parts.values()), abs(end - start))
    assert abs(math.fsum(parts.values()) - (end - start)) <= 1e-9 * max(largest, 1e-300)
    still = [name for name in NAMES if before[name] == after[name]]
    assert all(abs(parts[name]) <= 1e-9 * max(largest, 1e-300) for name in still)


@pytest.mark.parametrize(
    ("before", "after"), [((4, 2), (0, 2)), ((0, 2), (4, 2)), ((-4, 2), (4, 2)), ((4, 2), (4, -2)), ((0, 2), (0, 5)), ((4, 2), (8, 4))]
)
def test_a_ratio_through_zero_and_below_it(states, before, after):
    made = algebra("a / b")
    points = [{"a": float(point[0]), "b": float(point[1]), "c": 1.0, "d": 1.0} for point in (before, after)]
    parts = split(lambda columns: made.value(states, columns), made.powers, *points)
    change = after[0] / after[1] - before[0] / before[1]
    assert math.fsum(parts.values()) == pytest.approx(change, rel=1e-9, abs=1e-12)
    assert np.isfinite(list(parts.values())).all()


def test_a_division_by_zero_is_what_the_metric_says_it_is(states):
    before, after = ({"a": 4.0, "b": bottom, "c": 1.0, "d": 1.0} for bottom in (2.0, 0.0))
    zero, absent = algebra("a / b", "zero"), algebra("a / b")
    assert zero.one(states, after) == 0.0
    assert math.isnan(absent.one(states, after))
    parts = split(lambda columns: zero.value(states, columns), zero.powers, before, after)
    assert math.fsum(parts.values()) == pytest.approx(-2.0, rel=1e-12)
    assert parts["a"] == 0.0
