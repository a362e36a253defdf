"""The truth file against the data: each incident moved its segment by as much as it says, and left the others alone."""

import datetime as dt

import pytest

from metricsctl.demo.playground import Playground
from metricsctl.demo.story import Incident
from metricsctl.query.frame import SeriesFrame
from metricsctl.store.reader import StoreReader
from metricsctl.workspace import Workspace


@pytest.fixture(scope="module")
def shop(playground: Playground, demo_shop: Workspace) -> Workspace:
    sources = StoreReader.open(demo_shop.store).head.sources
    assert sum(source.rows for source in sources.values()) == sum(playground.events.values())
    return demo_shop


def incident(playground: Playground, kind: str) -> Incident:
    return next(item for item in playground.incidents if item.kind == kind)


def hours_of(found: Incident, weeks_before: int) -> tuple[int, int]:
    """The whole hours of an incident, or the same ones of an earlier week: [first, last) in microseconds."""
    first = found.onset.replace(minute=0) + dt.timedelta(hours=bool(found.onset.minute))
    last, earlier = found.end.replace(minute=0), dt.timedelta(weeks=weeks_before)
    return int((first - earlier).timestamp() * 1e6), int((last - earlier).timestamp() * 1e6)


def change_of(shop: Workspace, metric: str, by: str, found: Incident) -> dict[str, float]:
    """The sum of a metric in the hours of an incident, relative to the same hours of the three weeks before, by dimension value."""
    (frame,) = shop.query(metric, by=[by]).frames

    def total(part: SeriesFrame, weeks_before: int) -> float:
        first, last = hours_of(found, weeks_before)
        return float(part.value[(part.time >= first) & (part.time < last)].sum())

    return {str(key[0]): total(part, 0) / (sum(total(part, week) for week in (1, 2, 3)) / 3) for key, part in frame.series()}


def change_of_share(shop: Workspace, above: str, below: str, by: str, found: Incident) -> dict[str, float]:
    """The same of the ratio of two metrics."""
    upper, lower = (change_of(shop, metric, by, found) for metric in (above, below))
    return {key: upper[key] / lower[key] for key in upper}


def test_a_bad_deploy_loses_clicks_on_one_platform(playground: Playground, shop: Workspace) -> None:
    found = incident(playground, "lost_clicks")
    moved = change_of_share(shop, "ad_clicks", "ad_impressions", "platform", found)
    assert moved.pop(found.segment[1]) == pytest.approx(1 - found.share, abs=0.08)
    assert all(factor == pytest.approx(1, abs=0.25) for factor in moved.values())
    assert change_of(shop, "ad_impressions", "platform", found) == pytest.approx(dict.fromkeys(("android", "ios", "web"), 1), abs=0.1)


def test_a_config_change_moves_ads_between_countries(playground: Playground, shop: Workspace) -> None:
    found = incident(playground, "mix_shift")
    shown = change_of(shop, "ad_impressions", "country", found)
    assert shown.pop(found.segment[1]) == pytest.approx(1 - found.share, abs=0.05)
    assert shown.pop(str(found.moved_to)) > 3
    assert all(factor == pytest.approx(1, abs=0.08) for factor in shown.values())
    rates = change_of_share(shop, "ad_clicks", "ad_impressions", "country", found)
    assert all(factor == pytest.approx(1, abs=0.25) for factor in rates.values()), "within a country the rate stays"
    total = change_of_share(shop, "ad_clicks", "ad_impressions", "platform", found)
    assert all(factor < 0.83 for factor in total.values()), "it falls by the mix"


def test_payments_fail_in_one_country(playground: Playground, shop: Workspace) -> None:
    found = incident(playground, "failed_payments")
    for metric in ("orders", "revenue", "payment_success"):
        moved = change_of(shop, metric, "country", found)
        assert moved.pop(found.segment[1]) == pytest.approx(1 - found.share, abs=0.03)
        assert all(factor == pytest.approx(1, abs=0.25) for factor in moved.values())


def test_every_metric_of_an_incident_is_one(playground: Playground, shop: Workspace) -> None:
    named = {metric for item in playground.incidents for metric in item.metrics}
    assert named <= set(shop.project.metrics)
