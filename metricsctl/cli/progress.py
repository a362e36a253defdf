"""Progress on stderr: after 0.4 s, on a terminal only, one line that goes away."""

from __future__ import annotations

import sys
import time

from metricsctl.render.numbers import size

__all__ = ["TerminalProgress"]

_DELAY, _STEP = 0.4, 0.1  # seconds


class TerminalProgress:
    """Draws `what 42% (1.2 GB of 2.9 GB), note, 12 s left` in place."""

    def __init__(self) -> None:
        self._what, self._unit, self._total = "", "", 0
        self._began = self._drawn = 0.0
        self._done, self._visible = 0, False

    def start(self, what: str, total: int | None, unit: str) -> None:
        """A job begins."""
        self._what, self._unit, self._total = what, unit, total or 0
        self._began, self._done = time.monotonic(), 0

    def advance(self, done: int, note: str = "") -> None:
        """`done` more units are finished."""
        self._done += done
        now = time.monotonic()
        if now - self._began >= _DELAY and now - self._drawn >= _STEP:
            self._drawn, self._visible = now, True
            sys.stderr.write(f"\r\x1b[K{self._line(now, note)}")
            sys.stderr.flush()

    def finish(self) -> None:
        """The job is over."""
        if self._visible:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._visible = False

    def _line(self, now: float, note: str) -> str:
        done = self._amount(self._done)
        if not self._total:
            return f"{self._what} {done} {note}".rstrip()
        share = min(self._done / self._total, 1.0)
        left = (now - self._began) * (1 - share) / share if share else 0.0
        said = "".join(f", {part}" for part in (note, f"{left:.0f} s left") if part)
        done = done if self._unit == "B" else f"{self._done:,}"
        return f"{self._what} {share:.0%} ({done} of {self._amount(self._total)}){said}"

    def _amount(self, number: int) -> str:
        return size(number) if self._unit == "B" else f"{number:,} {self._unit}"
