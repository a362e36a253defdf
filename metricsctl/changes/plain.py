"""Change events as plain JSON: the keys of `ChangeEvent`; `time` is needed, all else may be left out."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from metricsctl.changes.event import ChangeEvent

__all__ = ["event_of", "moment"]

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_TEXTS = ("service", "repo", "sha", "env", "actor", "title")
_LISTS = ("paths", "related_metrics")


def event_of(record: Mapping[str, Any]) -> ChangeEvent:
    """The event that a JSON object says; ValueError says what is wrong with it. Further keys are left alone.

    >>> event_of({"time": "2026-11-06T11:54:00Z", "kind": "deploy", "service": "payments"}).service
    'payments'
    """
    if record.get("time") is None:
        raise ValueError("no 'time'")
    kind = _text(record, "kind") or "change"
    texts = {name: _text(record, name) for name in _TEXTS}
    lists = {name: _texts(record, name) for name in _LISTS}
    time = moment(record["time"])
    found = _text(record, "id") or _digest([time, kind, *texts.values(), *lists.values()])
    said: dict[str, Any] = {**texts, **lists}
    return ChangeEvent(found, time, kind.lower(), **said)


def moment(value: Any) -> int:
    """A time (ISO 8601; UTC where it has no offset) in microseconds since 1970; ValueError else."""
    if not isinstance(value, str):
        raise ValueError("'time' is not a text in ISO 8601")  # noqa: TRY004 - the one error of this form
    try:
        found = dt.datetime.fromisoformat(value)
    except ValueError:
        raise ValueError(f"'time' is not ISO 8601: '{value}'") from None
    return ((found if found.tzinfo else found.replace(tzinfo=dt.UTC)) - _EPOCH) // dt.timedelta(microseconds=1)


def _text(record: Mapping[str, Any], name: str) -> str | None:
    value = record.get(name)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"'{name}' is not a text")
    return value or None


def _texts(record: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = record.get(name) or []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError(f"'{name}' is not a list of texts")
    return tuple(value)


def _digest(parts: list[Any]) -> str:
    """An id for an event that has none: the same for the same event."""
    return hashlib.blake2b(json.dumps(parts).encode(), digest_size=6).hexdigest()
