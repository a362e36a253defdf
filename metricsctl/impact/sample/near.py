"""Which sample rows a point stands on, as far as their times and dimensions tell: where to look for a witness first."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from metricsctl.core.timegrid import TimeGrid, zone_of
from metricsctl.definition.project import Project
from metricsctl.impact.sample.moves import Comparison
from metricsctl.impact.sample.rows import MOST, Row

__all__ = ["Labelled", "Near"]

Labelled = tuple[str, Row]
"""A row, and the source that it is of."""
_PLACES = 1_000  # points that are compared by how many rows they have
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)


class Near:
    """The rows of a sample by source and window of a metric."""

    def __init__(self, comparison: Comparison, project: Project, metric: str, rows: Sequence[Labelled]) -> None:
        self.comparison = comparison
        self.metric = metric
        self.grid = TimeGrid(comparison.grain(metric), comparison.head.zone(metric))
        self.windows: dict[tuple[str, int], list[Labelled]] = {}
        counts = Counter(source for source, _ in rows)
        self.cut = {source: 0 for source, count in counts.items() if count >= MOST}  # the last window there is of a source that goes on
        times = {name: (source.time_column.name, project.zone_of(source)) for name, source in project.sources.items() if source.time_column}
        for source, row in rows:
            column, zone = times.get(source, ("", "UTC"))
            moment = _moment(row.get(column), zone)
            if moment is not None:
                window = self.grid.floor(moment)
                self.windows.setdefault((source, window), []).append((source, row))
                if source in self.cut:
                    self.cut[source] = max(self.cut[source], window)

    def candidates(self, places: Sequence[tuple[int, tuple[str | None, ...]]], most: int) -> Iterator[list[Labelled]]:
        """Rows under points, the points with the fewest rows first, at most `most` of them: those with the point's dimensions, then all."""
        by = self.comparison.common(self.metric)
        found: list[tuple[int, int, list[Labelled], list[Labelled]]] = []
        for start, key in places[:_PLACES]:
            windows = sorted(self._windows_of(start))
            if any(window >= self.cut.get(source, window + 1) for source, window in windows):
                continue
            rows = [row for window in windows for row in self.windows.get(window, ())]
            like = [item for item in rows if _has(item[1], dict(zip(by, key, strict=True)))]
            found.append((len(like), len(found), like, rows))
        for _, _, like, rows in sorted(item for item in found if item[3])[:most]:
            if like:
                yield like
            if len(like) < len(rows):
                yield rows

    def _windows_of(self, start: int) -> set[tuple[str, int]]:
        return {item for side in (self.comparison.base, self.comparison.head) for item in side.reads(self.metric, start, self.grid)}


def _has(row: Row, key: Mapping[str, str | None]) -> bool:
    """Whether a row has the values of a point's dimensions, as far as they are columns of it."""
    return all(name not in row or _text(row[name]) == value for name, value in key.items())


def _text(value: Any) -> str | None:
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _moment(value: Any, zone: str) -> int | None:
    """An event time in microseconds; None for what is no ISO time."""
    if not isinstance(value, str):
        return None
    try:
        found = dt.datetime.fromisoformat(value)
    except ValueError:
        return None
    aware = found if found.tzinfo else found.replace(tzinfo=zone_of(zone))
    return (aware - _EPOCH) // _MICROSECOND
