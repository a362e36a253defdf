"""The metric in the windows of its episode: leaf totals, expected and actual, in total and by segment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from metricsctl.detect.base import Band
from metricsctl.explain.algebra import Algebra, Leaf
from metricsctl.explain.baseline import expected, kind_of, usual_totals
from metricsctl.explain.panel import Axis, Panel, PanelReader

__all__ = ["Breakdown", "Key", "Totals", "breakdown", "keys_inside", "leaf_totals"]

FloatArray = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Key = tuple[str | None, ...]


@dataclass(frozen=True)
class Totals:
    """Each leaf's actual and expected total over the windows in which all of them are known; all means if any of them has no total.

    `scale` is what a sum over these windows is multiplied by: 1 for totals.
    """

    actual: Mapping[str, float]
    expected: Mapping[str, float]
    windows: Mask
    scale: float = 1.0


@dataclass(frozen=True)
class Breakdown:
    """The same by cell: arrays in the order of `keys`, made to add up to the totals.

    `weeks`: the leaves in the same windows of earlier weeks, one mapping a week, made to add up to the expected totals.
    """

    dimensions: tuple[str, ...]
    keys: tuple[Key, ...]
    actual: Mapping[str, FloatArray]
    expected: Mapping[str, FloatArray]
    weeks: tuple[Mapping[str, FloatArray], ...] = ()

    def inside(self, members: Sequence[Mapping[str, str | None]]) -> Mask:
        """Which cells lie in any of some segments."""
        return keys_inside(self.dimensions, self.keys, members)


def leaf_totals(algebra: Algebra, reader: PanelReader, axis: Axis, inside: Mask) -> Totals | None:
    """The leaves over an episode; None if there is no window in which all are known."""
    values: dict[str, FloatArray] = {}
    levels: dict[str, FloatArray] = {}
    known = inside.copy()
    for name, leaf in algebra.leaves.items():
        panel = reader.leaf(leaf, axis)
        band = expected(panel, axis, inside, kind_of(leaf.aggregate))
        values[name], levels[name] = _placed(leaf, panel, band, axis)
        known &= np.isfinite(levels[name]) & np.isfinite(values[name])
    if not known.any():
        return None
    scale = 1.0 if all(leaf.adds_over_time for leaf in algebra.leaves.values()) else 1.0 / float(known.sum())
    return Totals(
        {name: float(found[known].sum()) * scale for name, found in values.items()},
        {name: float(found[known].sum()) * scale for name, found in levels.items()},
        known,
        scale,
    )


def _placed(leaf: Leaf, panel: Panel, band: Band, axis: Axis) -> tuple[FloatArray, FloatArray]:
    """A leaf's values and expected values at the windows of the metric: an offset looks the earlier window up."""
    values = np.where(np.isnan(panel.values[0]) & leaf.adds_over_time, 0.0, panel.values[0])
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
    weeks: dict[str, dict[int, FloatArray]] = {}
    for name, leaf in algebra.leaves.items():
        panel = panels[name]
        rows = np.array([place[key] for key in panel.keys], dtype=np.int64)
        windows = np.flatnonzero(totals.windows)
        if leaf.offset is not None:
            windows = axis.earlier(leaf.offset)[windows]
        found = np.nansum(panel.values[:, windows], axis=1) * totals.scale
        known = usual_totals(panel, axis, totals.windows, windows)
        actual[name] = _adjusted(_spread(found, rows, len(keys)), totals.actual[name])
        usual[name] = _adjusted(_spread(np.nan_to_num(known.total, nan=0.0) * totals.scale, rows, len(keys)), totals.expected[name])
        weeks[name] = {back: _scaled(_spread(one, rows, len(keys)), totals.expected[name]) for back, one in known.weeks.items()}
    common = sorted(set.intersection(*(set(one) for one in weeks.values())))
    return Breakdown(dimensions, tuple(keys), actual, usual, tuple({name: one[back] for name, one in weeks.items()} for back in common))


def keys_inside(dimensions: Sequence[str], keys: Sequence[Key], members: Sequence[Mapping[str, str | None]]) -> Mask:
    """Which keys lie in any of some segments."""
    places = {name: place for place, name in enumerate(dimensions)}
    return np.array(
        [any(all(key[places[name]] == value for name, value in member.items()) for member in members) for key in keys], dtype=bool
    )


def _spread(values: FloatArray, rows: npt.NDArray[np.int64], size: int) -> FloatArray:
    found = np.zeros(size)
    found[rows] = values
    return found


def _scaled(values: FloatArray, total: float) -> FloatArray:
    """Values in the same proportions that add up to `total`, where that is possible."""
    whole = float(values.sum())
    return values * (total / whole) if whole * total > 0 else values


def _adjusted(values: FloatArray, total: float) -> FloatArray:
    """Values that add up to `total`: what is missing, or too much, is laid on each by its size."""
    sizes = np.abs(values)
    whole = float(sizes.sum())
    return values + (total - float(values.sum())) * (sizes / whole if whole else np.full(len(values), 1 / max(len(values), 1)))
