"""Data first: a broken pipe looks like a broken business."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from metricsctl.explain.baseline import expected
from metricsctl.explain.panel import Axis, PanelReader
from metricsctl.plan.types import Computation
from metricsctl.store.head import SourceState

__all__ = ["Health", "health"]

Mask = npt.NDArray[np.bool_]
_MANY_REJECTS = 0.01
_LATE = 3600.0  # seconds
_MANY_SILENT = 0.25  # of the windows that usually have events
_FEWEST = 3.0  # events that a window usually has, below which none is no sign


@dataclass(frozen=True, slots=True)
class Health:
    """A source of the metric in the windows of the episode.

    `silent` of the `windows` that usually have events had none; `open` of them the watermark has not passed. `behind`: seconds that its
    latest event is behind that of the source that is furthest; `rejected` is the share of its events that were rejected.
    """

    source: str
    windows: int
    silent: int
    open: int
    behind: float
    rejected: float

    @property
    def is_broken(self) -> bool:
        """Whether so many windows are without any event that it matters."""
        return self.silent >= _MANY_SILENT * max(self.windows, 1)

    @property
    def is_incomplete(self) -> bool:
        """Whether events may still come for the episode."""
        return self.open > 0

    @property
    def is_late(self) -> bool:
        """Whether events may still come because it is behind other sources."""
        return self.is_incomplete and self.behind >= _LATE

    @property
    def has_rejects(self) -> bool:
        """Whether more of its events were rejected than is ordinary."""
        return self.rejected > _MANY_REJECTS


def health(reader: PanelReader, computation: Computation, axis: Axis, inside: Mask) -> tuple[Health, ...]:
    """The health of each source of a metric."""
    states = reader.store.head.sources
    latest = max((state.max_time for state in states.values() if state.max_time is not None), default=None)
    return tuple(_health(reader, name, states.get(name), latest, axis, inside) for name in sorted(reader.plan.sources_of(computation)))


def _health(reader: PanelReader, name: str, state: SourceState | None, latest: int | None, axis: Axis, inside: Mask) -> Health:
    heartbeat = reader.plan.sources[name].heartbeat
    fetcher = reader.fetcher(axis.grain, axis.zone, everywhere=True)
    windows = np.flatnonzero(inside)
    pending = sum(not fetcher.is_over(heartbeat, int(axis.times[window])) for window in windows)
    silent, judged = 0, len(windows)
    if heartbeat.id in reader.store.head.tables:
        panel = reader.rows(heartbeat, axis)
        level = expected(panel, axis, inside, "count").expected[0]
        usual = inside & (np.nan_to_num(level, nan=0.0) >= _FEWEST)
        judged = int(usual.sum())
        silent = int(np.count_nonzero(usual & ~(np.nan_to_num(panel.values[0], nan=0.0) > 0)))
    behind = 0.0 if state is None or state.max_time is None or latest is None else (latest - state.max_time) / 1e6
    rejected = 0.0 if state is None else state.rejected / max(state.rows + state.rejected, 1)
    return Health(name, judged, silent, pending, behind, rejected)
