"""So many in a period, as people write it: `1/week`, `3/30d`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from metricsctl.core.durations import Duration

__all__ = ["Rate"]

_PERIODS = {"hour": "1h", "day": "1d", "week": "1w", "month": "1mo", "year": "365d"}


@dataclass(frozen=True, slots=True)
class Rate:
    """An amount in a period."""

    amount: float
    period: Duration
    text: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `1/week`, `2/30d` ...; ValueError says what is allowed.

        >>> Rate.parse("3/week").period
        Duration(amount=1, unit='w')
        """
        number, _, period = text.partition("/")
        try:
            amount = float(number)
            length = Duration.parse(_PERIODS.get(period.strip(), period.strip()))
        except ValueError:
            amount, length = 0.0, Duration(0, "d")
        if not 0 < amount < 1e6 or not length.amount:
            message = f"'{text}' is not an amount in a period"
            raise ValueError(message)
        return cls(amount, length, text)

    def __str__(self) -> str:
        return self.text
