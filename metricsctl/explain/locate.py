"""From a case to the segments that carry its change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from metricsctl.explain.case import Case
from metricsctl.explain.leaves import leaves_of
from metricsctl.explain.mix import Mix, mix_of
from metricsctl.explain.read import Breakdown, Totals, breakdown
from metricsctl.explain.search import Found, find_segments
from metricsctl.plan.types import bases

__all__ = ["Carrier", "Located", "dimensions_of", "left_out", "locate"]

FloatArray = npt.NDArray[np.float64]
Segment = Mapping[str, str | None]
_MAX_DIMENSIONS = 3
_MOST_CELLS = 5_000  # combinations of values that are read
_NEARLY_ALL = 0.9  # of the usual size: several segments that hold so much are everything
_LEAST_SHARE = 0.5  # below it a change is not carried by segments


@dataclass(frozen=True, slots=True)
class Carrier:
    """The smallest set of segments that covers what moved.

    `share` of the change lies in them, their explanatory power; it can exceed 1 where the rest moved against it. `fit` is the share of all
    movement, of either direction, that is described by "each of these moved by a factor of its own, nothing else moved": 1 is perfect.
    """

    members: tuple[Segment, ...]
    share: float
    fit: float

    @property
    def dimensions(self) -> tuple[str, ...]:
        """What the segments are of."""
        return tuple(dict.fromkeys(name for member in self.members for name in member))


@dataclass(frozen=True)
class Located:
    """Where a change lies: the best carrier (None: everywhere alike, or nowhere in particular), the metric without it, and the mix."""

    carrier: Carrier | None
    everywhere: bool
    counterfactual: float | None
    contribution: Mapping[str, float]
    mix: Mix | None


def dimensions_of(case: Case) -> tuple[str, ...]:
    """The dimensions that are searched: all inputs are stored by them, the segment does not fix them, they have not too many values."""
    return tuple(name for name, cells in _common(case).items() if cells <= _MOST_CELLS)[:_MAX_DIMENSIONS]


def left_out(case: Case) -> dict[str, str]:
    """The dimensions that are not searched, and why."""
    cells = _common(case)
    chosen = dimensions_of(case)
    many = "it has too many values: {:,} cells"
    return {
        name: many.format(count) if count > _MOST_CELLS else f"only {_MAX_DIMENSIONS} dimensions are searched"
        for name, count in cells.items()
        if name not in chosen
    }


def _common(case: Case) -> dict[str, int]:
    """The dimensions of all inputs, in their order, each with the number of cells that it and those before it that are searched make."""
    found = list(bases(case.computation))
    lists = [case.reader.plan.rollups[base.rollup].dimensions for base in found]
    cells: dict[str, int] = {}
    chosen: tuple[str, ...] = ()
    for name in lists[0]:
        if all(name in other for other in lists) and name not in case.reader.key:
            cells[name] = max(case.reader.cells(base.rollup, (*chosen, name)) for base in found)
            chosen += (name,) if cells[name] <= _MOST_CELLS else ()
    return cells


def locate(case: Case, totals: Totals, parts: Mapping[str, float]) -> Located | None:
    """Search the segments; None where the metric does not add up over them, or has no dimensions."""
    dimensions = dimensions_of(case)
    if not dimensions or not all(leaf.adds_up for leaf in case.algebra.leaves.values()):
        return None
    found = breakdown(case.algebra, case.reader, case.axis, totals, dimensions)
    slopes = {name: _slope(case, totals, name, part) for name, part in parts.items()}
    contribution = sum((slopes[name] * (found.actual[name] - found.expected[name]) for name in parts), np.zeros(len(found.keys)))
    total = float(contribution.sum())
    main = max(parts, key=lambda name: abs(parts[name]))
    if not total or not slopes[main]:
        return None
    mix = mix_of(case, totals, found)
    if mix is not None and mix.is_reason:
        shifted = ({mix.dimension: mix.lost}, {mix.dimension: mix.gained})
        return Located(Carrier(shifted, mix.share, min(mix.share, 1.0)), False, mix.value, slopes, mix)
    leaves, labels = leaves_of(case.algebra, found, slopes, main)
    chosen, _ = find_segments(leaves, whole=True)
    members = tuple(_segment(item, dimensions, labels) for item in chosen)
    inside = found.inside(members)
    size = np.abs(leaves.expected)
    if {} in members or (len(members) > 1 and float(size[inside].sum()) >= _NEARLY_ALL * float(size.sum())):
        return Located(None, True, None, slopes, None)
    share = float(contribution[inside].sum()) / total
    if share < _LEAST_SHARE:
        return Located(None, False, None, slopes, None)
    carrier = Carrier(members, share, min(sum(item.described for item in chosen), 1.0))
    return Located(carrier, False, _without(case, totals, found, carrier), slopes, None)


def _segment(item: Found, dimensions: tuple[str, ...], labels: list[list[str | None]]) -> Segment:
    return {dimensions[place]: labels[place][code] for place, code in zip(item.dimensions, item.codes, strict=True)}


def _slope(case: Case, totals: Totals, name: str, part: float) -> float:
    """What one unit of an input makes: its contribution by its change, or the derivative where it hardly changed."""
    change = totals.actual[name] - totals.expected[name]
    if abs(change) > 1e-6 * (abs(totals.actual[name]) + abs(totals.expected[name])):
        return part / change
    middle = {leaf: (totals.actual[leaf] + totals.expected[leaf]) / 2 for leaf in totals.actual}
    step = 1e-4 * max(abs(middle[name]), 1e-9)
    up, down = ({**middle, name: middle[name] + sign * step} for sign in (1, -1))
    slope = (case.algebra.one(case.reader.states, up) - case.algebra.one(case.reader.states, down)) / (2 * step)
    return slope if np.isfinite(slope) else 0.0


def _without(case: Case, totals: Totals, found: Breakdown, carrier: Carrier) -> float | None:
    """The metric as it would have been with the carrier at its normal."""
    inside = found.inside(carrier.members)
    normal = {
        name: totals.actual[name] - float(found.actual[name][inside].sum()) + float(found.expected[name][inside].sum())
        for name in totals.actual
    }
    value = case.algebra.one(case.reader.states, normal) / (int(totals.windows.sum()) if case.is_mean else 1)
    return value if np.isfinite(value) else None
