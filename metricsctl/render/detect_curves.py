"""Which series of a detection are drawn, and where their episodes lie in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from metricsctl.detect.report import AnomalyReport, Episode, ScoredSeries

__all__ = ["Curve", "curves", "title_of"]


@dataclass(frozen=True, slots=True)
class Curve:
    """A series and its episodes, each with the first and the last of its windows as places in the series."""

    series: ScoredSeries
    episodes: tuple[tuple[Episode, int, int], ...]

    @property
    def alerts(self) -> list[int]:
        """The places where an alert is raised."""
        return [int(place) for place in np.flatnonzero(self.series.alert)]

    @property
    def by_row(self) -> bool:
        """Whether its windows are numbered and have no times."""
        rows = self.series.rows
        return rows is not None and np.array_equal(rows, self.series.time)


def curves(report: AnomalyReport, limit: int) -> tuple[list[Curve], int]:
    """The series with the strongest episodes, at most `limit`, in the order of the report, and how many are left out.

    Where nothing was found, it is the first ones.
    """
    by_series: dict[str, list[Episode]] = {}
    for episode in report.episodes:
        by_series.setdefault(_name(episode), []).append(episode)
    found = [Curve(item, _placed(item, by_series.get(_name(item), []))) for item in report.series if len(item.time)]
    asked = [item for item in found if item.episodes] or found
    kept = sorted(asked, key=lambda item: -max((one.score for one, _, _ in item.episodes), default=0.0))[:limit]
    return [item for item in asked if any(item is one for one in kept)], len(asked) - len(kept)


def title_of(series: ScoredSeries) -> str:
    """The name of a series: its metric, its segment, its unit."""
    segment = "".join(f", {name}={'(null)' if value is None else value}" for name, value in series.key.items())
    return f"{series.metric}{segment}{f' ({series.unit})' if series.unit else ''}"


def _name(item: Episode | ScoredSeries) -> str:
    return repr((item.metric, sorted(item.key.items())))


def _placed(series: ScoredSeries, episodes: Sequence[Episode]) -> tuple[tuple[Episode, int, int], ...]:
    last = len(series.time) - 1
    found = []
    for episode in episodes:
        first, after = np.searchsorted(series.time, [episode.onset_us, episode.end_us])
        start = min(int(first), last)
        found.append((episode, start, max(min(int(after) - 1, last), start)))
    return tuple(found)
