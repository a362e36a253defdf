"""How alarms did against what was known to be wrong."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["EventScore"]


@dataclass(frozen=True, slots=True)
class EventScore:
    """Events found, events missed, false alarms, and alarms `again` in an event that was found already.

    Each event counts once, however many alarms lie in it; each false alarm counts. Scores are None where there is nothing to score.
    """

    found: int
    missed: int
    false: int
    again: int = 0

    @property
    def precision(self) -> float | None:
        """The share of found events in them and the false alarms."""
        return _share(self.found, self.found + self.false)

    @property
    def recall(self) -> float | None:
        """The share of events that were found."""
        return _share(self.found, self.found + self.missed)

    @property
    def f1(self) -> float:
        """2 found / (2 found + false + missed)."""
        return 2 * self.found / max(2 * self.found + self.false + self.missed, 1)

    @property
    def strict(self) -> float:
        """The same where an alarm that comes again is a false one."""
        return 2 * self.found / max(2 * self.found + self.false + self.again + self.missed, 1)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
