"""Joining change events to the sources and models of whatever they changed."""

import pytest

from metricsctl.changes.event import ChangeEvent
from metricsctl.changes.match import matches
from metricsctl.definition.load import load_text

PROJECT = load_text(
    """
version: 1
sources:
  - {name: ads, time: ts, columns: [{name: ts}], produced_by: {service: ad-server, repo: shop/ads, paths: ["src/**", "config/*.yml"]}}
  - {name: pay, time: ts, columns: [{name: ts}], produced_by: {service: payments}}
  - {name: mono, time: ts, columns: [{name: ts}], produced_by: {repo: shop/mono, paths: ["pay/**"]}}
  - {name: orphan, time: ts, columns: [{name: ts}]}
models:
  - {name: clean, sql: SELECT ts FROM ads, produced_by: {repo: shop/dwh}}
metrics:
  - {name: rows, type: simple, source: pay, agg: count}
"""
)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"service": "ad-server"}, ["source:ads"]),
        ({"service": "/cluster/ns/AD-SERVER"}, ["source:ads"]),
        ({"service": "ad-server", "repo": "https://git.example/Shop/ads.git"}, ["source:ads"]),
        ({"service": "ad-server", "repo": "shop/other"}, []),
        ({"repo": "git@git.example:shop/ads.git"}, ["source:ads"]),
        ({"repo": "shop/ads", "paths": ("src/a/b.go",)}, ["source:ads"]),
        ({"repo": "shop/ads", "paths": ("docs/a.md", "config/x.yml")}, ["source:ads"]),
        ({"repo": "shop/ads", "paths": ("docs/a.md", "config/deep/x.yml")}, []),
        ({"service": "web", "repo": "shop/ads"}, []),
        ({"service": "web", "repo": "shop/mono", "paths": ("pay/x",)}, ["source:mono"]),
        ({"repo": "shop/mono", "paths": ("web/x",)}, []),
        ({"repo": "shop/dwh"}, ["model:clean"]),
        ({"env": "production"}, []),
        ({"paths": ("src/a.go",)}, []),
        ({"service": "payments", "related_metrics": ("rows", "gone")}, ["source:pay", "metric:rows"]),
    ],
)
def test_an_event_is_about(event: dict[str, object], expected: list[str]) -> None:
    assert list(matches(PROJECT, ChangeEvent("e", 0, "deploy", **event))) == expected  # type: ignore[arg-type]
