"""The onset, seen in the segment that carries the change: there it stands out most."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from metricsctl.explain.baseline import deviation_of, expected, kind_of
from metricsctl.explain.case import Case
from metricsctl.explain.locate import Located, dimensions_of
from metricsctl.explain.onset import onset_of, started, step_start
from metricsctl.explain.panel import Panel
from metricsctl.explain.read import keys_inside
from metricsctl.explain.suspects import Onset

__all__ = ["sharp_onset"]

FloatArray = npt.NDArray[np.float64]
_BEFORE = 8  # windows before the episode in which it may have begun unseen


def sharp_onset(case: Case, located: Located | None) -> Onset:
    """When the change began: in the input of the carrying segments that is furthest out, else in the metric itself."""
    start = max(0, case.first - _BEFORE)
    own = deviation_of(case.panel, case.band, zero=case.adds_up)
    best, strength = onset_of(case.axis, case.relative, case.first, case.last, started(own, start, case.last)), 0.0
    if located is None or located.carrier is None:
        return best
    hidden = np.arange(len(case.axis)) >= start
    for member in located.carrier.members:
        for panel, aggregate in _panels(case, member):
            band = expected(panel, case.axis, hidden, kind_of(aggregate))
            deviation = np.clip(deviation_of(panel, band, zero=False), -8, 8)
            with np.errstate(divide="ignore", invalid="ignore"):
                relative = (panel.values[0] - band.expected[0]) / np.abs(band.expected[0])
            found = abs(float(np.nan_to_num(deviation[case.first : case.last + 1], nan=0.0).sum()))
            if found > strength:
                strength = found
                place = step_start(deviation, start, case.last)
                best = onset_of(case.axis, relative, place, case.last, started(deviation, start, case.last))
    return best


def _panels(case: Case, member: Mapping[str, str | None]) -> list[tuple[Panel, str | None]]:
    """The inputs of a segment, each as one series."""
    dimensions = dimensions_of(case)
    found: list[tuple[Panel, str | None]] = []
    for leaf in case.algebra.leaves.values():
        if leaf.offset is None:
            panel = case.reader.leaf(leaf, case.axis, dimensions)
            rows = keys_inside(dimensions, panel.keys, [member])
            if rows.any():
                present = np.isfinite(panel.values[rows]).any(axis=0)
                total = np.where(present, np.nansum(panel.values[rows], axis=0), np.nan)
                found.append((Panel(((),), total[None], panel.counts[rows].sum(axis=0)[None]), leaf.aggregate))
    return found
