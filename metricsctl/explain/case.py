"""One case: everything that is known of the metric, its windows and its baseline before the search begins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from metricsctl.definition.project import Project
from metricsctl.definition.schema import Metric
from metricsctl.detect.base import Band
from metricsctl.detect.noise import Kind
from metricsctl.explain.algebra import Algebra, algebra_of
from metricsctl.explain.baseline import Move, expected, kind_of, move_of
from metricsctl.explain.onset import step_start, stretch_at
from metricsctl.explain.panel import Axis, Panel, PanelReader
from metricsctl.explain.subject import Asked
from metricsctl.plan.types import Base, Computation

__all__ = ["Case", "open_case"]

Mask = npt.NDArray[np.bool_]
_STANDS_OUT = 3.0
_MANY = 50  # windows that show how far they usually deviate
_AFTER = 28 * 86_400_000_000  # how long after the asked time its episode may last


@dataclass(frozen=True)
class Case:
    """A metric in the windows [first, last] of an axis that ends with the episode."""

    project: Project
    reader: PanelReader
    metric: Metric
    computation: Computation
    algebra: Algebra
    axis: Axis
    panel: Panel
    band: Band
    first: int
    last: int

    @property
    def name(self) -> str:
        """Of the metric."""
        return self.metric.name.name

    @property
    def node(self) -> str:
        """Of the metric in the lineage graph."""
        kind = "metric" if self.name in self.project.all_metrics else "series"
        return f"{kind}:{self.name}"

    @property
    def inside(self) -> Mask:
        """The windows of the episode."""
        places = np.arange(len(self.axis))
        inside: Mask = (places >= self.first) & (places <= self.last)
        return inside

    @property
    def adds_up(self) -> bool:
        """Whether its windows can be added: counts and sums, each of the rows of its own window."""
        base = self.computation
        return isinstance(base, Base) and base.of_its_window and base.aggregate in {"count", "sum"}

    @property
    def end(self) -> int:
        """The end of the episode, microseconds."""
        return self.axis.windows.next(int(self.axis.times[self.last]))

    @property
    def relative(self) -> npt.NDArray[np.float64]:
        """Each window's deviation as a share of what was expected."""
        level = self.band.expected[0]
        values = np.where(np.isnan(self.panel.values[0]) & self.adds_up, 0.0, self.panel.values[0])
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(level != 0, (values - level) / np.abs(level), np.nan)

    def move(self) -> Move | None:
        """What the metric did, window by window."""
        return move_of(self.panel.values[0], self.band, self.inside, total=self.adds_up)

    @property
    def is_mean(self) -> bool:
        """Whether its value over the episode is the mean of its windows: not of totals, and not of formulas of totals."""
        return isinstance(self.computation, Base) and not self.adds_up and self.computation.aggregate != "avg"


def open_case(project: Project, reader: PanelReader, asked: Asked, span: tuple[int, int], *, refine: bool) -> Case:
    """Read the metric and settle which windows are its episode; `refine`: let it grow around the asked time, and find where it began."""
    metric = project.metric(asked.metric)
    computation = reader.plan.computations[asked.metric]
    algebra = algebra_of(computation)
    grain, zone = reader.grain_of(computation), project.zone_of(metric)
    offset = max((leaf.offset.microseconds for leaf in algebra.leaves.values() if leaf.offset is not None), default=0)
    end = asked.until + (_AFTER if refine and not asked.exact else 0)
    axis = reader.axis(span, grain, zone, asked.since, end, offset)
    kind = kind_of(computation.aggregate if isinstance(computation, Base) and computation.of_its_window else None)
    panel = reader.metric(computation, axis)
    inside = np.flatnonzero(axis.between(asked.since, asked.until))
    first, last = int(inside[0]), int(inside[-1])
    if refine and not asked.exact:
        first, last = _stretch(reader, algebra, axis, (panel, kind), first, last)
    if refine and last > first:
        first = min(_started(panel, axis, kind, first, last), last if asked.exact else int(inside[0]))
    axis = Axis(axis.times[: last + 1], grain, zone)
    panel = Panel(panel.keys, panel.values[:, : last + 1], panel.counts[:, : last + 1])
    hidden = np.arange(len(axis)) >= first
    return Case(project, reader, metric, computation, algebra, axis, panel, expected(panel, axis, hidden, kind), first, last)


def _stretch(reader: PanelReader, algebra: Algebra, axis: Axis, own: tuple[Panel, Kind], first: int, last: int) -> tuple[int, int]:
    """The episode around the windows that were asked for: in the metric, else in the first of its inputs that shows one."""
    leaves = (leaf for leaf in algebra.leaves.values() if leaf.offset is None and leaf.part == "value")
    for panel, kind in (own, *((reader.leaf(leaf, axis), kind_of(leaf.aggregate)) for leaf in leaves)):
        found = stretch_at(_deviation(panel, axis, kind, first), first, last)
        if found != (first, last):
            return stretch_at(_deviation(panel, axis, kind, found[0]), first, last)
    return first, last


def _started(panel: Panel, axis: Axis, kind: Kind, first: int, last: int) -> int:
    """The window with which an episode began, if it stands out window by window."""
    deviation = _deviation(panel, axis, kind, first)
    return step_start(deviation, first, last) if np.nanmax(np.abs(deviation[first : last + 1]), initial=0.0) > _STANDS_OUT else first


def _deviation(panel: Panel, axis: Axis, kind: Kind, first: int) -> npt.NDArray[np.float64]:
    """Each window's deviation in standard deviations, as the past shows them; what begins with window `first` teaches nothing."""
    band = expected(panel, axis, np.arange(len(axis)) >= first, kind)
    values = np.where(np.isnan(panel.values[0]) & (kind != "level"), 0.0, panel.values[0])
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.where(band.scale[0] > 0, (values - band.expected[0]) / band.scale[0], 0.0)
    past = found[:first][np.isfinite(found[:first])]
    seen = 1.4826 * float(np.median(np.abs(past - np.median(past)))) if len(past) >= _MANY else 1.0
    return np.asarray(found / np.clip(seen, 0.5, 1.5), dtype=np.float64)
