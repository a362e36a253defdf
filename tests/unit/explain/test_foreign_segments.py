"""`explain.segments` on frames whose truth is known."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metricsctl import explain
from metricsctl.core.errors import UsageError

VALUES = {"country": ["DE", "FR", "GB", "IT", "PL"], "device": ["app", "web", "tv"], "plan": ["free", "paid", None]}


def frame(seed=0, noise=0.05):
    chance = np.random.default_rng(seed)
    rows = pd.DataFrame(list(itertools.product(*VALUES.values())), columns=list(VALUES)).astype(object)
    rows["usual"] = chance.lognormal(4, 1, len(rows))
    rows["now"] = rows["usual"] * (1 + noise * chance.standard_normal(len(rows)))
    return rows


def hit(rows, factor, **where):
    inside = np.logical_and.reduce([rows[name].isna() if value is None else rows[name] == value for name, value in where.items()])
    rows.loc[inside, "now"] *= factor


def found(rows, **options):
    return explain.segments(rows, list(VALUES), "now", "usual", **options)


@pytest.mark.parametrize(
    "wheres",
    [
        [{"country": "DE"}],
        [{"device": "tv"}],
        [{"country": "DE", "device": "app"}],
        [{"plan": None}],
        [{"country": "FR"}, {"country": "IT", "plan": "paid"}],
        [{"country": "FR", "device": "web", "plan": "free"}],
    ],
)
@pytest.mark.parametrize("factor", [0.4, 1.8])
def test_the_set_is_what_was_hit(wheres, factor):
    rows = frame()
    for where in wheres:
        hit(rows, factor, **where)
    result = found(rows)
    assert sorted(map(repr, result.to_dict()["set"])) == sorted(map(repr, wheres))
    assert [dict(item.segment) for item in result.ranked[: len(wheres)]] == result.to_dict()["set"]
    whole = (rows["now"] - rows["usual"]).sum()
    assert all(item.share * whole == pytest.approx(item.change) for item in result.ranked)


@pytest.mark.parametrize("seed", range(12))
def test_noise_has_no_segments(seed):
    assert found(frame(seed, noise=0.1)).set == ()


@settings(max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False), st.sampled_from(["country", "device"]))
def test_the_order_of_rows_and_their_cuts_do_not_matter(random, dimension):
    rows = frame()
    hit(rows, 0.5, **{dimension: VALUES[dimension][1]})
    expected = found(rows).to_dict()
    halves = pd.concat([rows.assign(now=rows["now"] / 2, usual=rows["usual"] / 2)] * 2)
    order = list(range(len(halves)))
    random.shuffle(order)
    again = found(halves.iloc[order]).to_dict()
    assert again["set"] == expected["set"]
    assert [item["segment"] for item in again["ranked"]] == [item["segment"] for item in expected["ranked"]]


def test_scores_fall_along_the_ranking():
    rows = frame()
    hit(rows, 0.4, country="FR")
    hit(rows, 0.6, device="tv", plan="free")
    scores = [item.score for item in found(rows).ranked]
    assert scores == sorted(scores, reverse=True)
    assert len(found(rows, limit=3).ranked) == 3


def test_a_ratio_is_a_pair_of_columns():
    rows = frame()
    rows["usual_clicks"] = rows["usual"] * 0.1
    rows["clicks"] = rows["now"] * 0.1
    rows.loc[rows["country"] == "GB", "clicks"] *= 0.5
    rows.loc[rows["country"] == "DE", ["now", "clicks"]] *= 3  # more of the same rate
    result = explain.segments(rows, list(VALUES), ("clicks", "now"), ("usual_clicks", "usual"))
    assert result.to_dict()["set"] == [{"country": "GB"}]


def test_what_is_not_known_is_left_out_and_counted():
    rows = frame()
    hit(rows, 0.4, country="FR")
    rows.loc[rows.index[:2], "now"] = np.nan
    result = found(rows)
    assert result.left_out == 2
    assert result.to_dict()["set"] == [{"country": "FR"}]


@pytest.mark.parametrize("rows", [frame().iloc[:0], frame().assign(now=0.0, usual=0.0), frame().assign(now=np.nan)])
def test_nothing_to_search_is_an_answer(rows):
    assert found(rows).to_dict() == {"ranked": [], "set": []}


def test_a_change_that_cancels_out_has_no_share():
    rows = frame(noise=0)
    rows.loc[0, "now"], rows.loc[1, "now"] = rows.loc[0, "usual"] + 8.0, rows.loc[1, "usual"] - 8.0
    assert all(item.share is None or math.isfinite(item.share) for item in found(rows).ranked)


@pytest.mark.parametrize(
    ("dimensions", "actual", "expected", "says"),
    [
        (["cuntry"], "now", "usual", "no column 'cuntry'"),
        ([], "now", "usual", "no dimension"),
        (["country", "country"], "now", "usual", "twice"),
        (["country"], "device", "usual", "does not hold numbers"),
        (["country"], ("now", "usual"), "usual", "both pairs"),
    ],
)
def test_mistakes_are_said(dimensions, actual, expected, says):
    with pytest.raises(UsageError, match=says):
        explain.segments(frame(), dimensions, actual, expected)


def test_a_dimension_with_a_million_values():
    count = 1_000_000
    usual = np.full(count, 10.0)
    rows = pd.DataFrame({"user": np.arange(count), "country": np.arange(count) % 7, "usual": usual, "now": usual})
    rows["now"] += np.random.default_rng(1).normal(0, 1, count)
    rows.loc[rows["country"] == 3, "now"] *= 0.5
    assert explain.segments(rows, ["user", "country"], "now", "usual").to_dict()["set"] == [{"country": 3}]
