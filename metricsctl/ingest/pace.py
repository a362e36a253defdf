"""How far a run of `ingest` is, told to an observer: bytes of the files, events, events a second."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from metricsctl.core.progress import Progress

__all__ = ["Pace"]


@dataclass(slots=True)
class Pace:
    """Counts what is read of the files as they lie on the disk, and reports it when the rows are worked on."""

    progress: Progress
    began: float = 0.0
    events: int = 0
    _size: int = 0  # of the file being read
    _offset: int = 0  # what is read of it
    _unsaid: int = 0  # what is read of it and before, and not reported yet

    def start(self, files: Sequence[Path]) -> None:
        """The run begins."""
        self.began = time.monotonic()
        self.progress.start("ingest", sum(map(_size_of, files)), "B")

    def open(self, file: Path) -> None:
        """The next file begins."""
        self._size, self._offset = _size_of(file), 0

    def read(self, offset: int) -> None:
        """The file is read up to there."""
        reached = min(max(offset, self._offset), self._size)
        self._unsaid += reached - self._offset
        self._offset = reached

    def close(self) -> None:
        """The file is at its end, skipped or read."""
        self.read(self._size)
        self.say()

    def say(self, events: int = 0) -> None:
        """So many more events are worked on."""
        self.events += events
        speed = self.events / max(time.monotonic() - self.began, 1e-3)
        self.progress.advance(self._unsaid, f"{self.events:,} events, {speed:,.0f} events/s" if self.events else "")
        self._unsaid = 0


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # who reads it says so
        return 0
