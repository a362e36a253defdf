"""What the definitions ask of detection: `watch:` and `calendar:`."""

from __future__ import annotations

import datetime as dt

import numpy as np
import numpy.typing as npt

from metricsctl.core.durations import US
from metricsctl.core.timegrid import Grain
from metricsctl.definition.project import Project
from metricsctl.definition.schema import Metric
from metricsctl.detect.budget import Budget
from metricsctl.detect.care import NOTHING_ASKED, Care
from metricsctl.detect.grid import wall_clock

__all__ = ["care_of", "known_days"]


def care_of(metric: Metric) -> Care:
    """What a metric's `watch:` says."""
    watch = metric.watch
    if watch is None:
        return NOTHING_ASKED
    effect = watch.min_effect
    return Care(
        relative=(effect.rel or 0.0) if effect is not None else 0.0,
        absolute=(effect.abs or 0.0) if effect is not None else 0.0,
        rows=watch.min_sample or 0,
        budget=None if watch.budget is None else Budget(watch.budget.amount, watch.budget.period),
        severity=watch.severity,
        runbook=watch.runbook,
    )


def known_days(project: Project, metric: Metric, times: npt.NDArray[np.int64], grain: Grain) -> npt.NDArray[np.bool_]:
    """Which windows begin on a day that the calendar knows of for this metric; none of those longer than a day."""
    found = np.zeros(len(times), dtype=bool)
    if grain.microseconds > US["d"]:
        return found
    epoch = dt.date(1970, 1, 1)
    for entry in project.calendar.values():
        named = {ref.name for ref in entry.metrics()}
        affected = not entry.affects or metric.name.name in named or any(ref.name in metric.tags for ref in entry.tags())
        if affected:
            days = wall_clock(times, Grain.parse("1d"), entry.timezone or project.zone_of(metric))
            found |= (days >= (entry.from_ - epoch).days) & (days <= (entry.last - epoch).days)
    return found
