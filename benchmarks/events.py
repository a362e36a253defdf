"""Event F1: each labelled segment counts once, each alert counts once, one threshold for all series."""

from __future__ import annotations

import numpy as np

from metricsctl.detect.scoring import EventScore


def segments(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First point of each labelled segment and the one behind its last."""
    steps = np.diff(np.concatenate([[0], labels.astype(np.int64), [0]]))
    return np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)


def score(alerts: list[np.ndarray], labels: list[np.ndarray]) -> EventScore:
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
    return EventScore(found, missed, false, again)
