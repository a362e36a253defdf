"""A change event: something that was done to the world which the numbers come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

from metricsctl.core.timegrid import to_iso

__all__ = ["ChangeEvent", "EventData"]


class EventData(TypedDict):
    """A change event in JSON; `time` is ISO 8601 in UTC."""

    id: str
    time: str
    kind: str
    service: str | None
    repo: str | None
    sha: str | None
    paths: list[str]
    env: str | None
    actor: str | None
    related_metrics: list[str]
    title: str | None


@dataclass(frozen=True, slots=True)
class ChangeEvent:
    """What was changed when (`time`: microseconds since 1970, UTC), where, and by whom; None where it does not say.

    `kind` is a word such as deploy, upgrade, rollback, remove, config, environment, merge, flag, incident. `paths` are the changed files
    of `repo`, `related_metrics` the metrics that whoever made the change named.
    """

    id: str
    time: int
    kind: str
    service: str | None = None
    repo: str | None = None
    sha: str | None = None
    paths: tuple[str, ...] = ()
    env: str | None = None
    actor: str | None = None
    related_metrics: tuple[str, ...] = ()
    title: str | None = None

    def to_dict(self) -> EventData:
        """Plain data, as it stands in a line of the log."""
        return {
            "id": self.id,
            "time": to_iso(self.time),
            "kind": self.kind,
            "service": self.service,
            "repo": self.repo,
            "sha": self.sha,
            "paths": list(self.paths),
            "env": self.env,
            "actor": self.actor,
            "related_metrics": list(self.related_metrics),
            "title": self.title,
        }

    def __str__(self) -> str:
        """As in "deploy of ad-server e2b7714: Click beacon v2"."""
        where = self.service or self.repo or self.env
        words = f"{self.kind} of {where}" if where else self.kind
        return f"{words} {self.sha[:12] if self.sha else ''}".rstrip() + (f": {self.title}" if self.title else "")
