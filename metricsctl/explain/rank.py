r"""How sure a hypothesis is, and so which comes first: every confidence is made here.

A confidence is the probability that the hypothesis is the reason, as the simulator's tuning half shows it (`docs/explain.md` has the table
of the other half):

    clarity     c = 1 / (1 + exp(7.6 - 2 |z|))            that anything happened at all
    a change    c * fit^3 / (sum of all fits^3 + 0.007)   0.007 stands for a cause that nobody wrote down
    a place     (c - what all changes got) * accuracy     where it happened, the cause being unknown
    one row     c * min(share, 1 / share)                 how nearly it is the change; not fitted, the simulator has none
    the data    share of the windows that have no events  0.3 of it where the metric rose
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

__all__ = ["Level", "Place", "clarity", "level_of", "of_changes", "of_place", "of_row", "of_silence"]

Level = Literal["high", "medium", "low"]
Place = Literal["segments", "upstream", "input"]
_DOUBTFUL, _STEEPNESS = 3.8, 2.0  # standard deviations at which a move is as likely noise as not, and how fast that becomes clear
_SHARPNESS, _UNKNOWN = 3, 0.007
_ACCURACY: dict[Place, float] = {"segments": 0.9, "upstream": 0.8, "input": 0.5}  # how often a place that is found is the right one
_ROSE = 0.3  # a source that falls silent hardly makes a number rise
_HIGH, _MEDIUM = 0.7, 0.4


def clarity(score: float) -> float:
    """How surely anything happened, from a score in standard deviations.

    >>> clarity(-3.8), round(clarity(6.0), 2)
    (0.5, 0.99)
    """
    return 1 / (1 + math.exp(min(_STEEPNESS * (_DOUBTFUL - abs(score)), 50.0)))


def of_changes(fits: Sequence[float], sure: float) -> list[float]:
    """The confidence of each of some rival changes, from how well each fits (0 to 1); they add up to less than `sure`.

    >>> [round(value, 2) for value in of_changes([0.9, 0.1], 1.0)], [round(value, 2) for value in of_changes([0.1], 1.0)]
    ([0.99, 0.0], [0.13])
    """
    whole = sum(fit**_SHARPNESS for fit in fits) + _UNKNOWN
    return [sure * fit**_SHARPNESS / whole for fit in fits]


def of_place(kind: Place, sure: float, taken: float) -> float:
    """The confidence of a place, `taken` being the sum of what the changes got."""
    return max(sure - taken, 0.0) * _ACCURACY[kind]


def of_row(share: float, sure: float) -> float:
    """The confidence that one row is the reason, `share` of the change being its."""
    return sure * min(share, 1 / share) if share > 0 else 0.0


def of_silence(share: float, *, rose: bool) -> float:
    """The confidence that it is a source without events in a share of the windows."""
    return min(share, 1.0) * (_ROSE if rose else 1.0)


def level_of(confidence: float) -> Level:
    """Confidence in a word."""
    return "high" if confidence >= _HIGH else "medium" if confidence >= _MEDIUM else "low"
