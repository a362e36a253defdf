"""What is asked of a metric's anomalies before they are told."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from metricsctl.detect.base import FloatArray
from metricsctl.detect.budget import Budget
from metricsctl.detect.rolling import median, over_past

__all__ = ["NOTHING_ASKED", "Care"]

_USUAL = 168  # windows whose rows say what is usual


@dataclass(frozen=True, slots=True)
class Care:
    """`watch:` of a metric: the smallest move that matters, relative and in its unit, and the rows that a value must stand on."""

    relative: float = 0.0
    absolute: float = 0.0
    rows: int = 0
    budget: Budget | None = None
    severity: str | None = None
    runbook: str | None = None

    def matters(self, value: FloatArray, expected: FloatArray, rows: FloatArray, *, adds_up: bool) -> npt.NDArray[np.bool_]:
        """Whether a deviation is large enough, on enough rows, to be told; shape (series, n).

        What adds up may itself have lost its rows: for that the usual number is asked.
        """
        apart = np.abs(value - expected)
        large = np.isnan(apart) | ((apart >= self.relative * np.abs(expected)) & (apart >= self.absolute))
        if not self.rows:
            return large
        usual = over_past(rows, _USUAL, 1, median(1))[0] if adds_up else rows
        return large & (np.fmax(rows, usual) >= self.rows)


NOTHING_ASKED = Care()
