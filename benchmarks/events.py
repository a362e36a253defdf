"""Event F1: each labelled segment counts once, each alert counts once, one threshold for all series."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Score:
    """Segments found, segments missed, alerts outside of any segment, and alerts again in a segment that was found already."""

    found: int
    missed: int
    false: int
    again: int

    @property
    def f1(self) -> float:
        """2 found / (2 found + false + missed)."""
        return 2 * self.found / max(2 * self.found + self.false + self.missed, 1)

    @property
    def strict(self) -> float:
        """The same where an alert that comes again is a false one."""
        return 2 * self.found / max(2 * self.found + self.false + self.again + self.missed, 1)


def segments(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First point of each labelled segment and the one behind its last."""
    steps = np.diff(np.concatenate([[0], labels.astype(np.int64), [0]]))
    return np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)


def score(alerts: list[np.ndarray], labels: list[np.ndarray]) -> Score:
    """The score of alerts (a boolean array a series) against labelled points."""
    found = missed = false = again = 0
    for own, truth in zip(alerts, labels, strict=True):
        first, last = segments(truth)
        count = np.concatenate([[0], np.cumsum(own)])
        hits = count[last] - count[first]
        found += int((hits > 0).sum())
        missed += int((hits == 0).sum())
        again += int(np.maximum(hits - 1, 0).sum())
        false += int((own & (truth == 0)).sum())
    return Score(found, missed, false, again)
