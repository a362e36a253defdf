"""How sure a hypothesis is, and which comes first.

    confidence = clarity * fit * fit / (fit + the fits of its rivals + 0.1)

clarity = z^2 / (z^2 + 9) says how surely anything happened at all (z: how far the metric is out, in standard deviations); fit, from 0 to 1,
how well the cause fits; the last factor that its rivals do not fit as well, 0.1 standing for a cause that nobody wrote down. It is a
documented measure that orders hypotheses, not a probability: it has not been fitted to outcomes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

__all__ = ["Level", "clarity", "confidences", "level_of"]

Level = Literal["high", "medium", "low"]
_UNKNOWN = 0.1
_HIGH, _MEDIUM = 0.7, 0.4


def clarity(score: float) -> float:
    """How surely anything happened, from a score in standard deviations.

    >>> clarity(3.0), round(clarity(9.0), 2)
    (0.5, 0.9)
    """
    square = min(score * score, 1e12)
    return square / (square + 9.0)


def confidences(fits: Sequence[float], sure: float) -> list[float]:
    """The confidence of each of some rivals.

    >>> [round(value, 2) for value in confidences([0.9, 0.1], 1.0)]
    [0.74, 0.01]
    """
    whole = sum(fits) + _UNKNOWN
    return [sure * fit * fit / whole for fit in fits]


def level_of(confidence: float) -> Level:
    """Confidence in a word."""
    return "high" if confidence >= _HIGH else "medium" if confidence >= _MEDIUM else "low"
