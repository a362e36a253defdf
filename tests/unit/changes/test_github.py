"""Deployments of GitHub, as its webhooks and its API say them."""

import json

import pytest

from metricsctl.changes.match import matches, unknown_metrics
from metricsctl.changes.read import read_events
from metricsctl.definition.load import load_text

DEPLOYMENT = {
    "url": "https://api.github.com/repos/shop/pay/deployments/42",
    "id": 42,
    "sha": "a84d88e7554fc1fa21bcbc4efae3c782a70d2b9d",
    "ref": "main",
    "task": "deploy",
    "payload": {"service": "payments", "related_metrics": ["rev*", "tag:gold", "nothing"]},
    "environment": "production",
    "description": "Deploy of cards",
    "creator": {"login": "mara"},
    "created_at": "2026-07-20T01:19:13Z",
    "repository_url": "https://api.github.com/repos/shop/pay",
}
STATUS = {
    "action": "created",
    "deployment_status": {"id": 1, "state": "success", "created_at": "2026-07-20T01:25:00Z"},
    "deployment": DEPLOYMENT,
    "repository": {"full_name": "shop/pay"},
}


def test_an_item_of_the_api() -> None:
    (event,) = read_events(json.dumps([DEPLOYMENT]), "d.json").events
    assert (event.id, event.kind, event.service, event.repo, event.env, event.actor) == (
        "github-42",
        "deploy",
        "payments",
        "shop/pay",
        "production",
        "mara",
    )
    assert event.title == "Deploy of cards"


def test_a_webhook_counts_from_its_success() -> None:
    found = read_events(json.dumps(STATUS), "d.json")
    assert [event.to_dict()["time"][:19] for event in found.events] == ["2026-07-20T01:25:00"]
    waiting = {**STATUS, "deployment_status": {"state": "in_progress", "created_at": "2026-07-20T01:20:00Z"}}
    quiet = read_events(json.dumps(waiting), "d.json")
    assert quiet.events == ()
    assert "in_progress is about no change" in quiet.ignored[0].message


@pytest.mark.parametrize("payload", ['{"service": "payments"}', "", "no json", None])
def test_a_payload_may_be_a_text(payload: str | None) -> None:
    (event,) = read_events(json.dumps({**DEPLOYMENT, "payload": payload}), "d.json").events
    assert event.service == ("payments" if payload and "service" in payload else None)


def test_one_without_a_time_is_malformed() -> None:
    found = read_events(json.dumps({"deployment": {"id": 1, "sha": "a"}}), "d.json")
    assert (found.events, len(found.malformed)) == ((), 1)


def test_what_it_is_about() -> None:
    project = load_text("""
version: 1
sources: [{name: log, time: ts, produced_by: {service: payments, repo: shop/pay}, columns: [{name: ts, type: timestamp}]}]
metrics:
  - {name: revenue, type: simple, source: log, agg: count}
  - {name: sales, type: simple, source: log, agg: count, tags: [gold]}
""")
    (event,) = read_events(json.dumps(STATUS), "d.json").events
    assert matches(project, event) == ("source:log", "metric:revenue", "metric:sales")
    assert unknown_metrics(project, event) == ("nothing",)
