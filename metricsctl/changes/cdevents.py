"""CDEvents: the events of the Continuous Delivery Foundation, https://cdevents.dev, of which those about changes are read.

`customData` may say more, under the names of `ChangeEvent`: paths, related_metrics, actor, title, repo, sha, service.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from metricsctl.changes.event import ChangeEvent
from metricsctl.changes.plain import event_of

__all__ = ["event_of_cdevent", "is_cdevent", "kind_of"]

_TYPE = re.compile(r"dev\.cdevents\.(\w+)\.(\w+)\.\d")
_KINDS = {
    "service.deployed": "deploy",
    "service.upgraded": "upgrade",
    "service.rolledback": "rollback",
    "service.removed": "remove",
    "environment.modified": "environment",
    "change.merged": "merge",
    "incident.detected": "incident",
    "incident.reported": "incident",
    "incident.resolved": "incident-resolved",
}


def is_cdevent(record: Mapping[str, Any]) -> bool:
    """Whether a JSON object is a CDEvent."""
    context = record.get("context")
    return isinstance(context, dict) and str(context.get("type", "")).startswith("dev.cdevents.")


def kind_of(record: Mapping[str, Any]) -> str | None:
    """The kind of change that a CDEvent is about; None for one that is about something else.

    >>> kind_of({"context": {"type": "dev.cdevents.service.rolledback.0.3.0"}})
    'rollback'
    """
    found = _TYPE.match(str(record["context"].get("type")))
    return _KINDS.get(f"{found[1]}.{found[2]}") if found else None


def event_of_cdevent(record: Mapping[str, Any]) -> ChangeEvent:
    """The change event that a CDEvent of one of the known types says; ValueError says what is wrong with it."""
    context, subject = record["context"], record.get("subject")
    if not isinstance(subject, dict) or not isinstance(subject.get("id"), str):
        raise ValueError("a CDEvent without 'subject.id'")  # noqa: TRY004 - the one error of this form
    content = subject.get("content") or {}
    if not isinstance(content, dict):
        raise ValueError("'subject.content' is not a mapping")  # noqa: TRY004
    kind = kind_of(record)
    subject_kind = str(context["type"]).split(".")[2]
    found = {
        "id": context.get("id"),
        "time": context.get("timestamp"),
        "kind": kind,
        "service": subject["id"] if subject_kind == "service" else _id(content, "service"),
        "env": (content.get("name") or subject["id"]) if subject_kind == "environment" else _id(content, "environment"),
        "repo": _id(content, "repository"),
        "sha": _version(content.get("artifactId")),
        "title": content.get("description") or (f"change {subject['id']}" if subject_kind == "change" else None),
    }
    extra = record.get("customData")
    more = {name: value for name, value in extra.items() if name in _EXTRA} if isinstance(extra, dict) else {}
    return event_of({**more, **{name: value for name, value in found.items() if value is not None}})


_EXTRA = {"service", "repo", "sha", "paths", "actor", "related_metrics", "title"}


def _id(content: Mapping[str, Any], name: str) -> Any:
    found = content.get(name)
    return found.get("id") if isinstance(found, dict) else None


def _version(artifact: Any) -> str | None:
    """The version in a package URL, as in `pkg:oci/app@sha256%3A0b31`."""
    if not isinstance(artifact, str) or "@" not in artifact:
        return None
    return re.sub(r"^\w+(:|%3[aA])", "", artifact.partition("@")[2].partition("?")[0]) or None
