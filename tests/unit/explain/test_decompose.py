"""The shares of a change add up to it, whatever the formula."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from metricsctl.explain.decompose import exact, mix_and_rate, shapley, split

NAMES = ("a", "b", "c", "d")
VALUES = st.floats(0.01, 1e6)
POINTS = st.fixed_dictionaries(dict.fromkeys(NAMES, VALUES))


def trees() -> st.SearchStrategy[str]:
    """Expressions over the names and constants."""
    leaves = st.sampled_from([*NAMES, "2.5", "1000"])
    return st.recursive(
        leaves, lambda inner: st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda part: f"({' '.join(part)})"), max_leaves=8
    )


def assert_adds_up(parts, total):
    """To the last digit of the largest part: a float cannot hold more."""
    assert abs(math.fsum([*parts, -total])) <= math.ulp(max(abs(part) for part in (*parts, total)))


def evaluator(text: str):
    code = compile(text, "formula", "eval")

    def evaluate(columns):
        with np.errstate(all="ignore"):
            try:
                value = eval(code, {"__builtins__": {}}, dict(columns))
            except ZeroDivisionError:  # of numbers in the text, which are Python's
                value = math.nan
        size = len(next(iter(columns.values())))
        return np.where(np.isfinite(value), value, np.nan) * np.ones(size)

    return evaluate


@given(trees(), POINTS, POINTS)
def test_parts_of_any_formula_add_up_to_the_last_digit(text, before, after):
    evaluate = evaluator(text)
    start, end = (float(evaluate({name: np.array([value]) for name, value in point.items()})[0]) for point in (before, after))
    assume(math.isfinite(start) and math.isfinite(end) and abs(start) < 1e12 and abs(end) < 1e12)
    parts = split(evaluate, None, before, after)
    assert set(parts) == set(NAMES)
    assert_adds_up(parts.values(), end - start)


@given(POINTS, POINTS)
def test_parts_of_a_product_of_powers_add_up(before, after):
    evaluate = evaluator("1000 * a * b / (c * d)")
    parts = split(evaluate, {"a": 1.0, "b": 1.0, "c": -1.0, "d": -1.0}, before, after)
    start, end = (float(evaluate({name: np.array([value]) for name, value in point.items()})[0]) for point in (before, after))
    assert_adds_up(parts.values(), end - start)
    for name, power in {"a": 1, "b": 1, "c": -1, "d": -1}.items():
        if abs(parts[name]) > 1e-9 * max(abs(part) for part in parts.values()):
            assert np.sign(parts[name]) == np.sign(power * (after[name] - before[name]))


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=8), st.floats(-1e9, 1e9))
def test_exact_parts_add_up(parts, total):
    assert_adds_up(exact(parts, total), total)


def test_an_input_that_did_not_move_adds_nothing():
    parts = shapley(evaluator("a * b + c"), {"a": 1, "b": 2, "c": 3, "d": 4}, {"a": 2, "b": 2, "c": 3, "d": 4})
    assert parts == {"a": 2.0, "b": 0.0, "c": 0.0, "d": 0.0}


def test_many_inputs_add_up_as_well():
    names = [f"x{number}" for number in range(12)]
    before, after = dict.fromkeys(names, 1.0), {name: 1.0 + number for number, name in enumerate(names)}
    parts = split(lambda x: np.prod([x[name] for name in names], axis=0), None, before, after)
    assert math.fsum(parts.values()) == math.factorial(12) - 1


def test_a_formula_without_a_value_has_no_parts():
    assert all(math.isnan(part) for part in split(evaluator("a / b"), None, {"a": 1, "b": 1}, {"a": 1, "b": 0}).values())


SEGMENTS = st.lists(st.tuples(*[st.floats(0, 1e4)] * 4), min_size=1, max_size=6)


@given(SEGMENTS)
def test_mix_and_rate_add_up_to_the_change_of_the_rate(rows):
    top0, bottom0, top1, bottom1 = (np.array(column) for column in zip(*rows, strict=True))
    top0, top1 = np.where(bottom0 > 0, top0, 0), np.where(bottom1 > 0, top1, 0)
    assume(
        bottom0.sum() > 1 and bottom1.sum() > 1 and np.all((bottom0 == 0) | (bottom0 > 1e-3)) and np.all((bottom1 == 0) | (bottom1 > 1e-3))
    )
    found = mix_and_rate((top0, bottom0), (top1, bottom1))
    change = top1.sum() / bottom1.sum() - top0.sum() / bottom0.sum()
    scale = max(top0.sum(), top1.sum(), 1.0)
    assert found.mix.sum() + found.rate.sum() == pytest.approx(change, abs=1e-9 * scale)


def test_a_pure_shift_of_mix_has_no_rate_effect():
    found = mix_and_rate((np.array([40.0, 7.0]), np.array([100.0, 100.0])), (np.array([8.0, 12.6]), np.array([20.0, 180.0])))
    assert found.rate.sum() == pytest.approx(0.0)
    assert found.mix.sum() < 0
