"""The log of change events in a store's folder: `changes.jsonl`, one event a line, only ever added to."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from metricsctl.changes.event import ChangeEvent
from metricsctl.changes.read import Events, read_events
from metricsctl.core.errors import StoreError

__all__ = ["LOG_FILE", "Appended", "ChangeLog"]

LOG_FILE = "changes.jsonl"
_LOCK_FILE = "changes.lock"
_PATIENCE = 10.0  # seconds to wait for another process that adds events


@dataclass(frozen=True, slots=True)
class Appended:
    """The events that are new in the log, and those that it had already, by their ids."""

    added: tuple[ChangeEvent, ...]
    known: tuple[ChangeEvent, ...]


class ChangeLog:
    """The log in the folder `store`; whoever adds to it waits for others who do, whoever reads never waits."""

    def __init__(self, store: Path) -> None:
        self.folder = store
        self.path = store / LOG_FILE

    def read(self) -> Events:
        """The events by time; empty if there is no log yet. A line that is still being written is not there yet."""
        try:
            raw = self.path.read_bytes()
        except FileNotFoundError:
            return Events(())
        except OSError as error:
            raise StoreError(f"cannot read {self.path}: {error.strerror}") from error
        found = read_events(raw[: raw.rfind(b"\n") + 1].decode("utf-8", "replace"), self.path.as_posix())
        return Events(tuple(sorted(found.events, key=lambda event: (event.time, event.id))), found.malformed, found.ignored)

    def append(self, events: Iterable[ChangeEvent]) -> Appended:
        """Add the events whose ids the log does not have; all of them are on the disk when this returns. StoreError if they cannot be."""
        added: dict[str, ChangeEvent] = {}
        known: list[ChangeEvent] = []
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with self._lock():
                seen = {event.id for event in self.read().events}
                for event in events:
                    if event.id in seen or event.id in added:
                        known.append(event)
                    else:
                        added[event.id] = event
                self._write("".join(json.dumps(event.to_dict(), ensure_ascii=False) + "\n" for event in added.values()).encode())
        except OSError as error:
            raise StoreError(f"cannot add to {self.path}: {error.strerror}", hint="check the folder and its permissions") from error
        return Appended(tuple(added.values()), tuple(known))

    def _write(self, lines: bytes) -> None:
        """Add whole lines at the end of the last whole one; what a killed process left of a line is written over."""
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
        with os.fdopen(handle, "r+b") as stream:
            end = stream.read().rfind(b"\n") + 1
            stream.seek(end)
            stream.truncate()
            stream.write(lines)
            stream.flush()
            os.fsync(stream.fileno())

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        handle = os.open(self.folder / _LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            deadline = time.monotonic() + _PATIENCE
            while not _taken(handle):
                if time.monotonic() > deadline:
                    raise StoreError(f"another process adds change events to {self.folder}", hint="try again when it has finished")
                time.sleep(0.02)
            yield
        finally:
            os.close(handle)


def _taken(handle: int) -> bool:
    """Whether the lock could be had; it goes with the handle."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
