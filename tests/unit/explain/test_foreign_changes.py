"""`explain.changes`: the guilty change of six, and nobody where nothing happened."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metricsctl import explain
from metricsctl.core.errors import UsageError

EDGES = [("ads", "clicks"), ("ads", "shows"), ("pay", "orders"), ("clicks", "ctr"), ("shows", "ctr"), ("orders", "revenue")]
NODES = ["clicks", "shows", "orders", "ctr", "revenue"]
CHANGES = [
    {"id": "guilty", "time": 80, "node": "pay"},
    {"id": "other service", "time": 79, "node": "ads"},
    {"id": "long before", "time": 30, "node": "pay"},
    {"id": "after", "time": 100, "node": "pay"},
    {"id": "unrelated", "time": 80, "node": "mail"},
    {"id": "early ads", "time": 55, "node": "ads"},
]


def made(seed=0, size=1.5, hit=("orders", "revenue")):
    chance = np.random.default_rng(seed)
    rows = pd.DataFrame({node: 50 + chance.standard_normal(120) for node in NODES})
    for node in hit:
        rows.loc[80:, node] -= size
    return rows


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("onset", [80, 84, None])
def test_the_guilty_change_is_first(seed, onset):
    result = explain.changes(CHANGES, EDGES, made(seed, size=2.0), onset)
    assert result.ranked[0].change == "guilty"
    assert result.ranked[0].score > 0.5
    assert sum(item.score for item in result.ranked) + result.nobody == pytest.approx(1)


def test_nobody_is_accused_when_nothing_happened():
    accused = [explain.changes(CHANGES, EDGES, made(seed, hit=()), 80).ranked[0].score > 0.5 for seed in range(40)]
    assert sum(accused) <= 1


@settings(max_examples=20, deadline=None)
@given(st.permutations(CHANGES), st.permutations(EDGES))
def test_the_order_does_not_matter(changes, edges):
    rows = made()
    assert explain.changes(changes, edges, rows, 80).to_dict() == explain.changes(CHANGES, EDGES, rows, 80).to_dict()


def test_frames_and_times():
    rows = made(size=3.0)
    rows.index = pd.date_range("2026-01-01", periods=120, freq="h")
    frame = pd.DataFrame(CHANGES)
    frame["time"] = [rows.index[place] for place in frame["time"]]
    assert explain.changes(frame, EDGES, rows, "2026-01-04T08:00").ranked[0].change == "guilty"


def test_reasons_are_said():
    said = {item.change: item.reason for item in explain.changes(CHANGES, EDGES, made(size=4.0), 80).ranked}
    assert said["after"] == "it came after the onset"
    assert said["unrelated"] == "it reaches nothing that has numbers"
    assert said["guilty"] == "2 of the 2 series that it reaches moved at its time"


def test_no_changes_and_five_thousand():
    assert explain.changes([], EDGES, made(), 80).to_dict() == {"ranked": [], "nobody": 1.0}
    chance = np.random.default_rng(4)
    many = [{"id": f"c{n}", "time": float(chance.uniform(0, 120)), "node": "ads"} for n in range(4999)]
    assert explain.changes([*many, CHANGES[0]], EDGES, made(size=4.0), 80).ranked[0].change == "guilty"


@pytest.mark.parametrize("wrong", [{"id": "x", "node": "ads"}, {"id": "x", "time": 3}, {"id": "x", "time": "soon", "node": "ads"}])
def test_mistakes_are_said(wrong):
    with pytest.raises(UsageError):
        explain.changes([wrong], EDGES, made(), 80)
