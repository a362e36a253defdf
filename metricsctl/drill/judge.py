"""What of a replay is due to a planted fault: alerts that were not there before, and metrics that moved without any."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from metricsctl.core.durations import US
from metricsctl.definition.project import Project
from metricsctl.definition.schema import Alias
from metricsctl.detect.report import AnomalyReport, Episode, ScoredSeries
from metricsctl.drill.report import Blind
from metricsctl.engine.duckdb.planted import Disturbance
from metricsctl.plan.types import Plan, bases

__all__ = ["Replay", "highest_tier"]

FloatArray = npt.NDArray[np.float64]
Name = tuple[str, str]
_LEAST = 0.01  # share by which a metric must move to count as moved
_SAME = 1e-9  # of a value: what arithmetic may make of it


def highest_tier(project: Project, plan: Plan) -> tuple[int | None, list[str]]:
    """The smallest number of a tier that metrics have, and the metrics of that tier."""
    named = {name: metric for name, metric in project.metrics.items() if name in plan.computations and not isinstance(metric, Alias)}
    tiers = {name: project.tier_of(metric) for name, metric in named.items()}
    best = min(tiers.values(), default=None)
    return best, sorted(name for name, tier in tiers.items() if tier == best)


class Replay:
    """What `detect` says of a store without faults and of one with some; the same windows of the same series."""

    def __init__(self, plan: Plan, usual: AnomalyReport, found: AnomalyReport) -> None:
        self.plan, self.found = plan, found
        self.usual_series, self.series = _by_name(usual), _by_name(found)
        self.odd: dict[Name, list[tuple[int, int]]] = {}
        for item in usual.episodes:
            self.odd.setdefault(_name(item.metric, item.key), []).append((item.onset_us, item.end_us))

    def caught(self, what: Disturbance, horizon: int) -> list[tuple[float, Episode]]:
        """The episodes that a fault made, each with the seconds from the fault to the end of the window of its alert; the earliest first.

        An episode counts if its alert is within `horizon` (microseconds) of the fault, if the fault moved its series by then, and if the
        same series was calm then without the fault.
        """
        made = []
        for item in self.found.episodes:
            alert, length, name = _time(item.alert), self._length(item.metric), _name(item.metric, item.key)
            before = any(start <= alert < end for start, end in self.odd.get(name, []))
            if what.since < alert + length and alert < what.since + horizon and not before and self._is_hit(item, what, alert + length):
                made.append(((alert + length - what.since) / US["s"], item))
        return sorted(made, key=lambda pair: (pair[0], -pair[1].score, pair[1].metric, str(pair[1].key)))

    def unseen(self, what: Disturbance, names: Sequence[str]) -> tuple[Blind, ...]:
        """Which of some metrics the fault moved, in total."""
        found = []
        for name in names:
            pair = self._values(_name(name, {}), what.since, what.until)
            if pair is None or np.allclose(*pair, rtol=_SAME, atol=0.0, equal_nan=True):
                continue
            moved = _moved(*pair, adds_up=getattr(self.plan.computations[name], "additive", False))
            if moved is None or abs(moved) >= _LEAST:
                found.append(Blind(name, moved))
        return tuple(found)

    def _length(self, metric: str) -> int:
        """Of a window, microseconds."""
        return max(self.plan.rollups[base.rollup].grain.microseconds for base in bases(self.plan.computations[metric]))

    def _is_hit(self, item: Episode, what: Disturbance, until: int) -> bool:
        if item.kind == "missing":
            return True
        pair = self._values(_name(item.metric, item.key), what.since, until)
        return pair is None or not np.allclose(*pair, rtol=_SAME, atol=0.0, equal_nan=True)

    def _values(self, name: Name, since: int, until: int) -> tuple[FloatArray, FloatArray] | None:
        """A series without and with the fault in the windows that lie between two times; None where there is none."""
        before, after = self.usual_series.get(name), self.series.get(name)
        if before is None or after is None:
            return None
        times = np.union1d(before.time, after.time)
        inside = times[(times + self._length(name[0]) > since) & (times < until)]
        return _at(before, inside), _at(after, inside)


def _by_name(report: AnomalyReport) -> dict[Name, ScoredSeries]:
    return {_name(item.metric, item.key): item for item in report.series}


def _name(metric: str, key: Mapping[str, str | None]) -> Name:
    return metric, str(sorted(key.items()))


def _at(series: ScoredSeries, times: npt.NDArray[np.int64]) -> FloatArray:
    """The values at some times, NaN where there is none."""
    places = np.minimum(np.searchsorted(series.time, times), max(len(series.time) - 1, 0))
    return np.where(series.time[places] == times, series.value[places], np.nan) if len(series.time) else np.full(len(times), np.nan)


def _moved(before: FloatArray, after: FloatArray, *, adds_up: bool) -> float | None:
    """The change as a share: of totals where the metric adds up, else of means; None where there is none before or after."""
    known, left = before[np.isfinite(before)], after[np.isfinite(after)]
    if not len(known) or (not len(left) and not adds_up):
        return None
    usual, now = (float(np.sum(one) if adds_up else np.mean(one)) for one in (known, left if len(left) else np.zeros(1)))
    return (now - usual) / abs(usual) if usual else None


def _time(text: str) -> int:
    return round(dt.datetime.fromisoformat(text).timestamp() * US["s"])
