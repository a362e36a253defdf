"""The right change comes first, and no decoy is accused."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metricsctl.changes.event import ChangeEvent
from metricsctl.definition.load import load
from metricsctl.explain.suspects import Onset, judge_changes
from metricsctl.lineage.graph import build

HOUR = 3_600_000_000
SPEC = Path(__file__).parents[2] / "fixtures" / "spec" / "metrics.yml"
PROJECT = load([SPEC])
GRAPH = build(PROJECT)
ONSET = Onset(1000 * HOUR, 1000 * HOUR + HOUR // 2, 1000 * HOUR + 3 * HOUR // 4, 2 * HOUR)


def event(name, hours, service="ad-server", **more):
    return ChangeEvent(name, int(hours * HOUR), more.pop("kind", "deploy"), service, **more)


def judged(*events, metric="metric:ctr", moved=("metric:ctr", "metric:ad_clicks")):
    return judge_changes(PROJECT, GRAPH, metric, ONSET, events, moved)


@given(st.floats(1000.8, 2000), st.floats(900, 1000.5))
def test_a_change_after_the_onset_never_outranks_one_before(after, before):
    found = judged(event("late", after), event("early", before))
    assert found[0].event.id == "early"
    assert found[-1].verdict == "after"
    assert found[-1].fit == 0


@given(st.floats(900, 1000.5), st.floats(900, 1000.5))
def test_a_change_of_an_unrelated_service_is_no_candidate(near, far):
    found = judged(event("elsewhere", near, "payments"), event("ours", far))
    assert [(item.event.id, item.verdict) for item in found] == [("ours", "candidate"), ("elsewhere", "elsewhere")]


@given(st.floats(0.1, 90), st.floats(0.1, 9))
def test_of_two_the_nearer_is_first(lag, further):
    found = judged(event("far", 1000.5 - lag - further), event("near", 1000.5 - lag))
    assert found[0].event.id == "near"


def test_a_change_that_reaches_more_of_what_moved_is_first():
    moved = ("metric:rpm", "metric:revenue", "metric:buyers")
    found = judged(event("ads", 1000), event("pay", 1000, "payments"), metric="metric:rpm", moved=moved)
    assert [item.event.id for item in found] == ["pay", "ads"]
    assert found[0].contrast == 1


@pytest.mark.parametrize(
    ("item", "verdict"),
    [
        (event("x", 700), "long before"),
        (event("x", 1000, kind="incident"), "no change"),
        (event("x", 1000, "search"), "elsewhere"),
        (event("x", 1000, related_metrics=("ad_clicks",)), "candidate"),
    ],
)
def test_why_an_event_counts_or_not(item, verdict):
    assert judged(item)[0].verdict == verdict


def test_another_environment_counts_less():
    found = judged(event("staging", 1000.4, env="staging"), event("live", 999.9, env="production"))
    assert [item.event.id for item in found] == ["live", "staging"]
