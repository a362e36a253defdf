"""How many false alarms are accepted, and what that means for a single point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from metricsctl.core.durations import Duration
from metricsctl.core.errors import UsageError

__all__ = ["Budget"]

_MOST = 1 / 50  # few points a day: more than one point in fifty is never odd
_YEAR = Duration(365, "d")
_NAMES = {"hour": Duration(1, "h"), "day": Duration(1, "d"), "week": Duration(1, "w"), "month": Duration(1, "mo"), "year": _YEAR}


@dataclass(frozen=True, slots=True)
class Budget:
    """So many false alarms in a period, over all series of a metric."""

    alarms: float = 1.0
    period: Duration = _YEAR

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `1/week`, `2/30d` ...; UsageError says what is allowed.

        >>> Budget.parse("1/week").rate(3_600_000_000, 1) * 168
        1.0
        """
        number, _, period = text.partition("/")
        try:
            alarms = float(number)
            length = _NAMES.get(period.strip()) or Duration.parse(period.strip())
        except ValueError:
            alarms, length = 0.0, _YEAR
        if not 0 < alarms < 1e6:
            raise UsageError(f"'{text}' is not a budget of false alarms", hint="for example 1/week, 1/year, 3/30d")
        return cls(alarms, length)

    def __str__(self) -> str:
        name = next((name for name, period in _NAMES.items() if period == self.period), str(self.period))
        return f"{self.alarms:g}/{name}"

    def rate(self, window: int, series: int) -> float:
        """The probability below which one window of a series is an anomaly; `window` is its length in microseconds.

        Where there is no cadence (length 0) a period is taken for ten thousand points.
        """
        if not window:
            window = self.period.microseconds // 10_000
        return min(self.alarms * window / (self.period.microseconds * max(series, 1)), _MOST)
