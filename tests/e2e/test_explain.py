"""`explain` where the truth is known: the playground's incidents, and two days of a real shop."""

import json

import pytest

from metricsctl.demo.playground import TRUTH, Playground


@pytest.fixture(scope="module")
def incidents(playground: Playground) -> dict[str, dict[str, object]]:
    truth = json.loads((playground.folder / TRUTH).read_text(encoding="utf-8"))
    return {item["id"]: item for item in truth["incidents"]}


@pytest.mark.parametrize(
    ("incident", "metric", "hours"),
    [
        ("lost-clicks", "ctr", 3),
        ("lost-clicks", "ad_clicks", 3),
        ("mix-shift", "ctr", 20),
        ("mix-shift", "ad_clicks", 20),
        ("failed-payments", "payment_success", 2),
        ("failed-payments", "orders", 2),
        ("failed-payments", "revenue", 2),
        ("failed-payments", "rpm", 2),
        ("failed-payments", "revenue_wow", 2),
    ],
)
def test_an_incident_has_its_segment_and_its_change_in_first_place(incident, metric, hours, demo_shop, incidents):
    truth = incidents[incident]
    onset = int(_microseconds(truth["onset"]))
    found = demo_shop.explain(metric, at=onset + hours * 3_600_000_000)
    first = found.hypotheses[0]
    dimension, value = truth["segment"]
    assert first.change == truth["change"]
    assert first.segments[0] == {dimension: value}
    assert [item.change for item in found.hypotheses if item.change] == [truth["change"]]
    assert found.subject is not None
    assert _microseconds(found.subject.onset) == pytest.approx(onset, abs=4 * 3_600_000_000)


def test_the_headline_says_what_it_took_of_the_error_budget(demo_shop, incidents):
    onset = int(_microseconds(incidents["lost-clicks"]["onset"]))
    found = demo_shop.explain("ad_clicks", at=onset + 3 * 3_600_000_000)
    assert found.subject is not None
    end = int(_microseconds(found.subject.end))
    shown = demo_shop.query("ad_impressions", since=end - 28 * 86_400_000_000, until=end).frames[0].value
    (budget,) = [item for item in found.evidence if item.subject == "exposure:ads-slo"]
    assert budget.numbers["used"].value == pytest.approx(-found.subject.change / (0.8 * shown.sum()), rel=1e-6)
    assert f"{budget.numbers['used']} of the 28d error budget of ads-slo" in found.headline


def test_a_shift_of_mix_is_called_so(demo_shop, incidents):
    truth = incidents["mix-shift"]
    first = demo_shop.explain("ctr", at=int(_microseconds(truth["onset"])) + 20 * 3_600_000_000).hypotheses[0]
    assert [item["country"] for item in first.segments] == [truth["segment"][1], truth["moved_to"]]
    assert "mix of country shifted" in (first.where or "")
    assert "usual mix" in (first.counterfactual or "")


QUIET = ("2026-10-22T13:00Z", "2026-10-30T20:00Z")
METRICS = ("ctr", "revenue", "order_value", "ad_impressions", "order_p95", "gmv")


@pytest.mark.parametrize(
    ("metric", "at"),
    [
        pytest.param(metric, at, marks=[pytest.mark.slow] if (number + turn) % 2 else [])
        for number, metric in enumerate(METRICS)
        for turn, at in enumerate(QUIET)
    ],
)
def test_nobody_is_accused_when_nothing_happened(metric, at, demo_shop):
    found = demo_shop.explain(metric, at=at)
    assert [item.cause for item in found.hypotheses if item.confidence > 0.5] == []


def _microseconds(text: object) -> int:
    import datetime as dt

    return int(dt.datetime.fromisoformat(str(text)).timestamp()) * 1_000_000


@pytest.mark.parametrize(("day", "amount"), [("2011-01-18", "77,184 gbp"), ("2011-12-09", "168,470 gbp")])
def test_one_huge_order_that_was_cancelled_on_the_same_day(day, amount, retail):
    net = retail.explain("revenue", at=day)
    assert "as usual" in net.headline
    assert net.hypotheses[0].kind == "row"
    assert "gross_revenue" in net.hypotheses[0].cause
    assert amount in net.hypotheses[0].cause
    gross = retail.explain("gross_revenue", at=day)
    assert gross.hypotheses[0].kind == "row"
    assert amount in gross.hypotheses[0].cause


def test_closed_over_christmas_there_are_no_events(retail):
    found = retail.explain("revenue", at="2010-12-27")
    assert found.hypotheses[0].kind == "data"
    assert "fell silent" in found.hypotheses[0].cause
