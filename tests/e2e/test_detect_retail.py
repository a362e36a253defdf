"""`detect` over a year of a real shop, as far as the data is at hand."""

import pytest

from metricsctl.detect.report import AnomalyReport


@pytest.mark.parametrize("day", ["2011-01-18", "2011-12-09"])
def test_the_orders_that_were_cancelled_at_once_are_found(year: AnomalyReport, day: str) -> None:
    found = {one.metric for one in year.episodes if one.onset[:10] == day and one.direction == "up" and not one.key}
    assert {"items", "gross_revenue", "largest_line", "line_value_avg"} <= found
    huge = next(one for one in year.episodes if one.metric == "items" and one.onset[:10] == day and not one.key)
    assert huge.value is not None
    assert huge.value > 70_000
    assert huge.windows <= 3


def test_the_closure_over_christmas_is_one_silence(year: AnomalyReport) -> None:
    closed = [one for one in year.episodes if one.kind == "missing"]
    christmas = closed[0]
    assert (christmas.onset[:10], christmas.end[:10]) == ("2010-12-23", "2011-01-04")
    assert len(christmas.also) == len({one.metric for one in year.series}) - 1
    assert {one.onset[:10] for one in closed[1:]} == {"2011-04-22", "2011-04-29", "2011-05-02", "2011-05-30", "2011-08-29"}


def test_saturdays_and_nights_are_no_silence(year: AnomalyReport) -> None:
    assert len([one for one in year.episodes if one.kind == "missing"]) == 6


def test_it_is_no_flood(year: AnomalyReport) -> None:
    assert len(year.episodes) / len(year.series) < 6.5  # a year of heavy-tailed hours
