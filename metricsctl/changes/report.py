"""Change events as results: what was added, and what there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TypedDict

from metricsctl.changes.event import ChangeEvent, EventData
from metricsctl.changes.log import ChangeLog
from metricsctl.changes.match import matches
from metricsctl.changes.read import read_file
from metricsctl.core.diagnostics import Diagnostic
from metricsctl.definition.project import Project

__all__ = ["ChangeList", "ChangesAdded", "Matched", "add", "list_changes"]


@dataclass(frozen=True, slots=True)
class Matched:
    """A change event, and the ids of the nodes that it is about."""

    event: ChangeEvent
    matches: tuple[str, ...]


class MatchedData(EventData):
    """A change event in JSON, with the ids of the nodes that it is about."""

    matches: list[str]


class ListData(TypedDict):
    """The log in JSON, by time."""

    changes: list[MatchedData]


class AddedData(TypedDict):
    """What was added, in JSON; `known` are the ids that the log had already, `malformed` counts what could not be read."""

    added: list[MatchedData]
    known: list[str]
    malformed: int
    ignored: int


def _data(item: Matched) -> MatchedData:
    return {**item.event.to_dict(), "matches": list(item.matches)}


def _matched(project: Project, events: Sequence[ChangeEvent]) -> tuple[Matched, ...]:
    return tuple(Matched(event, matches(project, event)) for event in events)


@dataclass(frozen=True, slots=True)
class ChangeList:
    """The change events of a store by time; `malformed` says which lines of its log cannot be read."""

    name: ClassVar[str] = "changes"
    version: ClassVar[int] = 1
    changes: tuple[Matched, ...]
    malformed: tuple[Diagnostic, ...] = ()

    @property
    def unmatched(self) -> int:
        """How many events are about nothing in the project."""
        return sum(not item.matches for item in self.changes)

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """The lines that cannot be read."""
        return self.malformed

    @property
    def stats(self) -> Mapping[str, Any]:
        """Counts."""
        return {"changes": len(self.changes), "unmatched": self.unmatched, "malformed": len(self.malformed)}

    def to_dict(self) -> ListData:
        """The events as plain data."""
        return {"changes": [_data(item) for item in self.changes]}


@dataclass(frozen=True, slots=True)
class ChangesAdded:
    """What was added to a log, and what of the file was not: known already, malformed, or about no change."""

    name: ClassVar[str] = "changes-add"
    version: ClassVar[int] = 1
    added: tuple[Matched, ...]
    known: tuple[str, ...]
    malformed: tuple[Diagnostic, ...]
    ignored: tuple[Diagnostic, ...]

    @property
    def unmatched(self) -> int:
        """How many of the new events are about nothing in the project."""
        return sum(not item.matches for item in self.added)

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """What could not be read, and what is about no change."""
        return (*self.malformed, *self.ignored)

    @property
    def stats(self) -> Mapping[str, Any]:
        """Counts."""
        return {
            "added": len(self.added),
            "known": len(self.known),
            "unmatched": self.unmatched,
            "malformed": len(self.malformed),
            "ignored": len(self.ignored),
        }

    def to_dict(self) -> AddedData:
        """The new events as plain data, and counts of the rest."""
        return {
            "added": [_data(item) for item in self.added],
            "known": list(self.known),
            "malformed": len(self.malformed),
            "ignored": len(self.ignored),
        }


def add(project: Project, store: Path, file: Path) -> ChangesAdded:
    """Add the events of a file to the log of a store; those that can be read are stored, whatever else is in it.

    Raises UsageError if the file cannot be opened, StoreError if the log cannot be written.
    """
    found = read_file(file)
    appended = ChangeLog(store).append(found.events)
    known = tuple(event.id for event in appended.known)
    return ChangesAdded(_matched(project, appended.added), known, found.malformed, found.ignored)


def list_changes(project: Project, store: Path) -> ChangeList:
    """The change events of a store, each with the nodes that it is about."""
    found = ChangeLog(store).read()
    return ChangeList(_matched(project, found.events), found.malformed)
