"""Durations as people write them: `15m`, `168h` (elapsed), `7d`, `2w`, `1mo` (calendar)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

__all__ = ["US", "Duration"]

US = {"ms": 1_000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000, "w": 604_800_000_000}
"""Microseconds of each unit; a day and a week are nominal ones."""

_FORM = re.compile(r"(\d+)\s*(ms|s|m|h|d|w|mo)\Z")
_LONGEST = 200 * 366 * US["d"]
_MAX_DIGITS = 18
_WORDS = {"second": "1s", "minute": "1m", "hour": "1h", "day": "1d", "week": "1w", "month": "1mo"}


@dataclass(frozen=True, slots=True)
class Duration:
    """An amount of one unit. Days, weeks and months follow the calendar, shorter units the clock."""

    amount: int
    unit: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `15m` or `day`; ValueError says what is allowed.

        >>> Duration.parse("90m"), Duration.parse("day")
        (Duration(amount=90, unit='m'), Duration(amount=1, unit='d'))
        """
        match = _FORM.match(_WORDS.get(text, text))
        if match is None:
            message = f"'{text}' is not a duration"
            raise ValueError(message)
        found = cls(int(match[1][:_MAX_DIGITS]), match[2])
        if len(match[1]) > _MAX_DIGITS or found.microseconds > _LONGEST:
            message = f"'{text[:40]}' is longer than 200 years"
            raise ValueError(message)
        return found

    @property
    def is_calendar(self) -> bool:
        """Whether its length depends on the calendar and the zone."""
        return self.unit in {"d", "w", "mo"}

    @property
    def microseconds(self) -> int:
        """Its length; a calendar unit has its nominal one (a month 30 days)."""
        return self.amount * (30 * US["d"] if self.unit == "mo" else US[self.unit])

    def __str__(self) -> str:
        return f"{self.amount}{self.unit}"
