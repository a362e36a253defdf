"""Deployments of GitHub: the webhooks `deployment` and `deployment_status`, and what its API lists.

https://docs.github.com/webhooks/webhook-events-and-payloads#deployment_status
https://docs.github.com/rest/deployments/deployments

A deployment's `payload` may say more, under the names of `ChangeEvent`: service, paths, related_metrics, title.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from metricsctl.changes.event import ChangeEvent
from metricsctl.changes.plain import event_of

__all__ = ["about_no_change", "event_of_github", "is_github"]

_REPOSITORY = re.compile(r"/repos/([^/]+/[^/]+)")
_EXTRA = ("service", "paths", "related_metrics", "title")


def is_github(record: Mapping[str, Any]) -> bool:
    """Whether a JSON object is a deployment of GitHub, or an event about one."""
    return isinstance(record.get("deployment"), dict) or {"sha", "task", "environment", "created_at"} <= record.keys()


def about_no_change(record: Mapping[str, Any]) -> str | None:
    """Why an event about a deployment changes nothing: it has not come to its end, or failed; None for one that does.

    >>> about_no_change({"deployment": {}, "deployment_status": {"state": "in_progress"}})
    'a deployment that is in_progress'
    """
    status = record.get("deployment_status")
    state = status.get("state") if isinstance(status, dict) else "success"
    return None if state == "success" else f"a deployment that is {state}"


def event_of_github(record: Mapping[str, Any]) -> ChangeEvent:
    """The change event that a deployment is; ValueError says what is wrong with it.

    >>> event_of_github({"id": 7, "sha": "a1", "task": "deploy", "environment": "prod", "created_at": "2026-01-01T00:00:00Z"}).id
    'github-7'
    """
    deployment = record.get("deployment", record)
    status = record.get("deployment_status")
    moment = status.get("created_at") if isinstance(status, dict) else deployment.get("created_at")
    creator = deployment.get("creator")
    found = {
        "id": f"github-{deployment['id']}" if deployment.get("id") is not None else None,
        "time": moment,
        "kind": "rollback" if "rollback" in str(deployment.get("task")) else "deploy",
        "repo": _repository(record, deployment),
        "sha": deployment.get("sha"),
        "env": deployment.get("environment"),
        "actor": creator.get("login") if isinstance(creator, dict) else None,
        "title": deployment.get("description") or None,
    }
    extra = _payload(deployment.get("payload"))
    return event_of({**found, **{name: extra[name] for name in _EXTRA if extra.get(name)}})


def _repository(record: Mapping[str, Any], deployment: Mapping[str, Any]) -> str | None:
    said = record.get("repository")
    if isinstance(said, dict) and isinstance(said.get("full_name"), str):
        return str(said["full_name"])
    match = _REPOSITORY.search(str(deployment.get("repository_url") or deployment.get("url") or ""))
    return match[1] if match else None


def _payload(value: Any) -> Mapping[str, Any]:
    """What whoever deployed has added: an object, or the text of one."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    return value if isinstance(value, dict) else {}
