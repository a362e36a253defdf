"""What was done with each metric: by what it was judged, what its budget allowed, and how many alarms its past gave."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from metricsctl.core.durations import US
from metricsctl.detect.budget import Budget

__all__ = ["MetricSummary", "summary_of", "together"]


@dataclass(frozen=True, slots=True)
class MetricSummary:
    """How one metric was judged, over its whole past, whatever `since` leaves out of the result.

    `window_us` is the length of a window in microseconds, 0 where there is no cadence; `seasons` those that were tried, in windows (1:
    none); `families` the kinds of evidence that `auto` asked. A window is an anomaly from the score `threshold` on. `judged` windows of all
    series together are `weeks` weeks of each series on average (0 without a cadence); in them `allowed` false alarms were accepted, and
    `alarms` were raised.
    """

    metric: str
    series: int
    window_us: int
    seasons: tuple[int, ...]
    families: tuple[str, ...]
    budget: str
    threshold: float
    judged: int
    weeks: float
    allowed: float
    alarms: int

    @property
    def alarms_a_week(self) -> float | None:
        """Alarms of all series a week; None where nothing was judged, or there is no cadence."""
        return self.alarms / self.weeks if self.weeks else None


def summary_of(
    metric: str,
    window: int,
    budget: Budget,
    rate: float,
    counts: tuple[int, int, int],
    method: tuple[tuple[int, ...], tuple[str, ...]] = ((), ()),
) -> MetricSummary:
    """The summary of some series of a metric; `counts` are series, judged windows and alarms, `method` the seasons and the families.

    >>> summary_of("visits", US["h"], Budget.parse("1/week"), 1 / 336, (2, 672, 3)).weeks
    2.0
    """
    series, judged, alarms = counts
    weeks = judged * window / US["w"] / series if series else 0.0
    return MetricSummary(metric, series, window, *method, str(budget), float(-np.log10(rate)), judged, weeks, rate * judged, alarms)


def together(parts: Iterable[MetricSummary]) -> tuple[MetricSummary, ...]:
    """One summary a metric, where its series were judged apart because they have grids of their own; the longest window stands for all."""
    found: dict[str, MetricSummary] = {}
    for part in parts:
        one = found.get(part.metric)
        if one is None:
            found[part.metric] = part
            continue
        series = one.series + part.series
        longest = max(one, part, key=lambda item: item.window_us)
        found[part.metric] = replace(
            longest,
            series=series,
            judged=one.judged + part.judged,
            weeks=(one.weeks * one.series + part.weeks * part.series) / series,
            allowed=one.allowed + part.allowed,
            alarms=one.alarms + part.alarms,
        )
    return tuple(found.values())
