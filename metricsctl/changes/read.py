"""Files of change events: JSON lines, one JSON object, or a list; plain events, CDEvents and GitHub's may stand side by side."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metricsctl.changes.cdevents import event_of_cdevent, is_cdevent, kind_of
from metricsctl.changes.event import ChangeEvent
from metricsctl.changes.github import about_no_change, event_of_github, is_github
from metricsctl.changes.plain import event_of
from metricsctl.core.diagnostics import Diagnostic, Severity, Span
from metricsctl.core.errors import UsageError

__all__ = ["Events", "read_events", "read_file"]


@dataclass(frozen=True, slots=True)
class Events:
    """The events of a file in its order; `malformed` says what could not be read, `ignored` what is about no change, each with its line."""

    events: tuple[ChangeEvent, ...]
    malformed: tuple[Diagnostic, ...] = ()
    ignored: tuple[Diagnostic, ...] = ()


def read_file(path: Path) -> Events:
    """Read a file; UsageError if it cannot be opened."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}", hint="name a file with change events") from error
    return read_events(raw.decode("utf-8-sig", "replace"), path.as_posix())


def read_events(text: str, path: str) -> Events:
    """Read the events in a text; `path` is its name in findings."""
    events: list[ChangeEvent] = []
    malformed: list[Diagnostic] = []
    ignored: list[Diagnostic] = []
    for line, record in _records(text):
        span = Span(path, line, 1, line, 1)
        try:
            if isinstance(record, _Broken):
                raise ValueError(record.reason)  # noqa: TRY004, TRY301 - one way for all that cannot be read
            quiet = _about_no_change(record)
            if quiet is not None:
                ignored.append(Diagnostic("no-change", Severity.INFO, f"{quiet} is about no change", span))
                continue
            events.append(_event(record))
        except ValueError as error:
            malformed.append(Diagnostic("malformed-change", Severity.ERROR, f"not a change event: {error}", span))
    return Events(tuple(events), tuple(malformed), tuple(ignored))


def _about_no_change(record: dict[str, Any]) -> str | None:
    """What an event is that changes nothing; None for one that does."""
    if is_cdevent(record):
        return f"a CDEvent of type {record['context']['type']}" if kind_of(record) is None else None
    return about_no_change(record) if is_github(record) else None


def _event(record: dict[str, Any]) -> ChangeEvent:
    if is_cdevent(record):
        return event_of_cdevent(record)
    return event_of_github(record) if is_github(record) else event_of(record)


@dataclass(frozen=True, slots=True)
class _Broken:
    reason: str


def _records(text: str) -> Iterator[tuple[int, dict[str, Any] | _Broken]]:
    """Each JSON object with the line it begins on; a whole document first, else line by line."""
    whole = _parsed(text)
    if isinstance(whole, list):
        yield from ((_line_of(text, number), _object(item)) for number, item in enumerate(whole))
    elif isinstance(whole, dict):
        yield _line_of(text, None), whole
    else:
        for number, line in enumerate(text.split("\n"), 1):
            if line.strip():
                yield number, _object(_parsed(line))


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        return _Broken(f"no JSON ({getattr(error, 'msg', 'nested too deep')})")


def _object(value: Any) -> dict[str, Any] | _Broken:
    return value if isinstance(value, dict | _Broken) else _Broken("no JSON object")


def _line_of(text: str, item: int | None) -> int:
    """The line on which a document, or an item of its list, begins."""
    decoder = json.JSONDecoder()
    position = len(text) - len(text.lstrip())
    if item is not None:
        position += 1
        for _ in range(item):
            _, position = decoder.raw_decode(text, _after_space(text, position))
            position = text.index(",", position) + 1
        position = _after_space(text, position)
    return text.count("\n", 0, position) + 1


def _after_space(text: str, position: int) -> int:
    while text[position].isspace():
        position += 1
    return position
