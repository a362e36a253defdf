"""The metric in the windows of its episode: leaf totals, expected and actual, in total and by segment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from metricsctl.detect.base import Band
from metricsctl.explain.algebra import Algebra, Leaf
from metricsctl.explain.baseline import expected, kind_of, usual_totals
from metricsctl.explain.panel import Axis, Panel, PanelReader

__all__ = ["Breakdown", "Totals", "breakdown", "leaf_totals"]

FloatArray = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Key = tuple[str | None, ...]


@dataclass(frozen=True)
class Totals:
    """Each leaf's actual and expected total (of what does not add up: its mean) over the windows in which all of them are known."""

    actual: Mapping[str, float]
    expected: Mapping[str, float]
    windows: Mask


@dataclass(frozen=True)
class Breakdown:
    """The same by cell: arrays in the order of `keys`, made to add up to the totals."""

    dimensions: tuple[str, ...]
    keys: tuple[Key, ...]
    actual: Mapping[str, FloatArray]
    expected: Mapping[str, FloatArray]


def leaf_totals(algebra: Algebra, reader: PanelReader, axis: Axis, inside: Mask) -> Totals | None:
    """The leaves over an episode; None if there is no window in which all are known."""
    values: dict[str, FloatArray] = {}
    levels: dict[str, FloatArray] = {}
    known = inside.copy()
    for name, leaf in algebra.leaves.items():
        panel = reader.leaf(leaf, axis)
        band = expected(
            panel, axis, inside, kind_of("sum" if leaf.part == "weighted" else "count" if leaf.part == "rows" else leaf.base.aggregate)
        )
        values[name], levels[name] = _placed(leaf, panel, band, axis)
        known &= np.isfinite(levels[name]) & np.isfinite(values[name])
    if not known.any():
        return None
    scale = {name: 1.0 if leaf.adds_up else 1.0 / float(known.sum()) for name, leaf in algebra.leaves.items()}
    return Totals(
        {name: float(found[known].sum()) * scale[name] for name, found in values.items()},
        {name: float(found[known].sum()) * scale[name] for name, found in levels.items()},
        known,
    )


def _placed(leaf: Leaf, panel: Panel, band: Band, axis: Axis) -> tuple[FloatArray, FloatArray]:
    """A leaf's values and expected values at the windows of the metric: an offset looks the earlier window up."""
    values = np.where(np.isnan(panel.values[0]) & leaf.adds_up, 0.0, panel.values[0])
    level = np.where(band.expected[0] < 0, np.minimum(band.expected[0], 0.0), band.expected[0])
    if leaf.offset is None:
        return values, level
    places = axis.earlier(leaf.offset)
    return tuple(np.where(places >= 0, one[places], np.nan) for one in (values, level))  # type: ignore[return-value]


def breakdown(algebra: Algebra, reader: PanelReader, axis: Axis, totals: Totals, dimensions: tuple[str, ...]) -> Breakdown:
    """The leaves by cell of some dimensions."""
    panels = {name: reader.leaf(leaf, axis, dimensions) for name, leaf in algebra.leaves.items()}
    keys = sorted(
        {key for panel in panels.values() for key in panel.keys}, key=lambda key: tuple((part is not None, part or "") for part in key)
    )
    place = {key: number for number, key in enumerate(keys)}
    actual, usual = {}, {}
    for name, leaf in algebra.leaves.items():
        panel = panels[name]
        rows = np.array([place[key] for key in panel.keys], dtype=np.int64)
        windows = np.flatnonzero(totals.windows)
        if leaf.offset is not None:
            windows = axis.earlier(leaf.offset)[windows]
        found = np.nansum(panel.values[:, windows], axis=1)
        known = np.nan_to_num(usual_totals(panel, axis, totals.windows, windows), nan=0.0)
        actual[name] = _adjusted(_spread(found, rows, len(keys)), totals.actual[name])
        usual[name] = _adjusted(_spread(known, rows, len(keys)), totals.expected[name])
    return Breakdown(dimensions, tuple(keys), actual, usual)


def _spread(values: FloatArray, rows: npt.NDArray[np.int64], size: int) -> FloatArray:
    found = np.zeros(size)
    found[rows] = values
    return found


def _adjusted(values: FloatArray, total: float) -> FloatArray:
    """Values that add up to `total`: what is missing, or too much, is laid on each by its size."""
    sizes = np.abs(values)
    whole = float(sizes.sum())
    return values + (total - float(values.sum())) * (sizes / whole if whole else np.full(len(values), 1 / max(len(values), 1)))
