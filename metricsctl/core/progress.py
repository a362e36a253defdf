"""Progress as an observer: the library reports, somebody else decides whether to draw."""

from __future__ import annotations

from typing import Protocol

__all__ = ["SILENT", "Progress"]


class Progress(Protocol):
    """Told how far a long job is; implementations must be quick and must not raise."""

    def start(self, what: str, total: int | None, unit: str) -> None:
        """A job begins; `total` in `unit`s where it is known."""

    def advance(self, done: int, note: str = "") -> None:
        """`done` more units are finished; `note` is a short text such as `1.2 M events/s`."""

    def finish(self) -> None:
        """The job is over, however it ended."""


class _Silent:
    def start(self, what: str, total: int | None, unit: str) -> None: ...

    def advance(self, done: int, note: str = "") -> None: ...

    def finish(self) -> None: ...


SILENT: Progress = _Silent()
