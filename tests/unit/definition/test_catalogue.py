"""Lists and descriptions."""

from pathlib import Path

import pytest

from metricsctl.core.errors import UnknownName, UsageError
from metricsctl.definition.catalogue import catalogue, describe, kind_of
from metricsctl.definition.load import load, load_text
from metricsctl.definition.references import bases_of

SPEC = Path(__file__).parents[2] / "fixtures" / "spec" / "metrics.yml"


def test_a_list_of_one_kind_and_of_all() -> None:
    project = load([SPEC])
    assert [entry.name for entry in catalogue(project, "sources").entries] == ["ad_log", "payment_log"]
    assert catalogue(project).stats == {
        "metrics": 12,
        "sources": 2,
        "models": 2,
        "dimensions": 2,
        "exposures": 3,
        "calendar": 1,
        "series": 1,
        "tests": 1,
    }
    assert (kind_of("metric"), kind_of("Models"), kind_of(None)) == ("metrics", "models", None)
    with pytest.raises(UsageError, match="unknown kind 'rivers'"):
        kind_of("rivers")


def test_a_metric_knows_what_it_stands_on_and_who_stands_on_it() -> None:
    found = describe(load([SPEC]), "revenue")
    assert found.inputs == ("model:paid_orders",)
    assert found.used_by == (
        "calendar:black-friday",
        "exposure:exec-weekly",
        "exposure:exp-free-ship",
        "metric:gmv",
        "metric:revenue.de",
        "metric:revenue_mtd",
        "metric:revenue_wow",
        "metric:rpm",
        "series:revenue_dwh",
        "test:revenue counts paid orders only",
    )
    assert found.dimensions == ("country", "order_size")
    assert found.defaults["grain"] == "1h"
    assert "owner" in found.defaults
    assert "tier" not in found.defaults


def test_a_ratio_has_the_dimensions_that_all_inputs_have() -> None:
    assert describe(load([SPEC]), "rpm").dimensions == ("country",)


def test_sources_models_dimensions_and_exposures_too() -> None:
    project = load([SPEC])
    assert describe(project, "payment_log").used_by == ("model:paid_orders", "test:revenue counts paid orders only")
    assert describe(project, "paid_orders").inputs == ("source:payment_log",)
    assert describe(project, "dimension:country").used_by == (
        "exposure:exec-weekly",
        "metric:revenue",
        "model:paid_orders",
        "source:ad_log",
    )
    assert describe(project, "ads-slo").inputs == ("metric:ad_clicks", "metric:ad_impressions")


def test_names_that_mean_nothing_or_too_much() -> None:
    project = load_text("version: 1\nsources: [{name: x, time: t}]\nmetrics: [{name: x, type: simple, source: x, agg: count}]\n")
    with pytest.raises(UsageError, match="'x' means several things") as caught:
        describe(project, "x")
    assert caught.value.hint == "write metric:x or source:x"
    assert describe(project, "source:x").kind == "source"
    with pytest.raises(UnknownName, match="unknown metric 'y'"):
        describe(project, "metric:y")
    with pytest.raises(UnknownName, match="left out"):
        describe(load_text("version: 1\nmetrics: [{name: a, type: simple, source: s, agg: nope}]\n"), "a")


def test_the_simple_metrics_under_a_metric() -> None:
    project = load([SPEC])
    assert set(bases_of(project.metrics, "rpm")) == {"revenue", "ad_impressions"}
    assert set(bases_of(project.metrics, "gmv")) == {"revenue"}
    assert bases_of(load_text("version: 1\nmetrics: [{name: a, type: derived, expr: a}]\n").metrics, "a") == {}
