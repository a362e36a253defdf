"""From a case to the segments that carry its change, and to how its mix shifted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from metricsctl.explain.carriers import Carrier, Cells, search
from metricsctl.explain.case import Case
from metricsctl.explain.decompose import mix_and_rate
from metricsctl.explain.read import Breakdown, Totals, breakdown
from metricsctl.plan.types import bases

__all__ = ["Located", "Mix", "dimensions_of", "locate"]

FloatArray = npt.NDArray[np.float64]
Segment = Mapping[str, str | None]
_MAX_DIMENSIONS = 3
_LEAST_FIT, _LEAST_SHARE = 0.3, 0.5  # below them a change is not carried by a segment
_AGAINST = 0.3  # share of the change by which segments must have moved against it to be called a reversal
_MIX = 0.6  # share of the change from which on it is a shift of mix


@dataclass(frozen=True, slots=True)
class Mix:
    """A shift of weight between the values of a dimension: which lost and which gained most, their weights before and after.

    `share` of the change is due to it; `value` is the metric with the usual weights. `reversal`: all large segments moved against it.
    """

    dimension: str
    lost: str | None
    gained: str | None
    lost_weights: tuple[float, float]
    gained_weights: tuple[float, float]
    share: float
    value: float
    reversal: bool


@dataclass(frozen=True)
class Located:
    """Where a change lies: the best carrier (None: everywhere alike, or nowhere in particular), the metric without it, and the mix."""

    carrier: Carrier | None
    everywhere: bool
    counterfactual: float | None
    contribution: Mapping[str, float]
    mix: Mix | None


def dimensions_of(case: Case) -> tuple[str, ...]:
    """The dimensions that all inputs of a metric are stored by, without those that the segment fixes."""
    rollups = [case.reader.plan.rollups[base.rollup].dimensions for base in bases(case.computation)]
    common = [name for name in rollups[0] if all(name in other for other in rollups) and name not in case.reader.key]
    return tuple(common[:_MAX_DIMENSIONS])


def locate(case: Case, totals: Totals, parts: Mapping[str, float]) -> Located | None:
    """Search the segments; None where the metric does not add up over them, or has no dimensions."""
    dimensions = dimensions_of(case)
    if not dimensions or not all(leaf.adds_up for leaf in case.algebra.leaves.values()):
        return None
    found = breakdown(case.algebra, case.reader, case.axis, totals, dimensions)
    slopes = {name: _slope(case, totals, name, part) for name, part in parts.items()}
    contribution = sum((slopes[name] * (found.actual[name] - found.expected[name]) for name in parts), np.zeros(len(found.keys)))
    main = max(parts, key=lambda name: abs(parts[name]))
    carriers = search(Cells(dimensions, found.keys, contribution, np.abs(found.expected[main])))
    if not carriers:
        return None
    mix = _mix(case, totals, found) if case.algebra.is_ratio else None
    if mix is not None and (mix.share >= _MIX or mix.reversal):
        members = ({mix.dimension: mix.lost}, {mix.dimension: mix.gained})
        fit = next((item.fit for item in carriers if item.dimensions == (mix.dimension,)), 0.0)
        carrier: Carrier | None = Carrier(members, mix.share, max(fit, min(mix.share, 1.0)))
        return Located(carrier, False, mix.value, slopes, mix)
    best = carriers[0]
    named = bool(best.members) and best.fit >= _LEAST_FIT and best.share >= _LEAST_SHARE
    if not named:
        return Located(None, not best.members and best.fit >= _LEAST_FIT, None, slopes, None)
    return Located(best, False, _without(case, totals, found, best, dimensions), slopes, None)


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


def _without(case: Case, totals: Totals, found: Breakdown, carrier: Carrier, dimensions: tuple[str, ...]) -> float | None:
    """The metric as it would have been with the carrier at its normal."""
    cells = Cells(dimensions, found.keys, np.zeros(len(found.keys)), np.zeros(len(found.keys)))
    inside = cells.inside(carrier.members)
    normal = {
        name: totals.actual[name] - float(found.actual[name][inside].sum()) + float(found.expected[name][inside].sum())
        for name in totals.actual
    }
    value = case.algebra.one(case.reader.states, normal) / (int(totals.windows.sum()) if case.is_mean else 1)
    return value if np.isfinite(value) else None


def _mix(case: Case, totals: Totals, found: Breakdown) -> Mix | None:
    """The dimension whose weights explain most of the change of a ratio."""
    assert case.algebra.powers is not None  # noqa: S101 - it is a ratio
    top, bottom = (next(name for name, power in case.algebra.powers.items() if power == sign) for sign in (1.0, -1.0))
    if any(float(found.actual[name].min()) < 0 or float(found.expected[name].min()) < 0 for name in (top, bottom)):
        return None
    start, end = (totals.expected[top] / totals.expected[bottom], totals.actual[top] / totals.actual[bottom])
    if end == start:
        return None
    mixes = [_mix_of(found, place, (top, bottom), (start, end), case) for place in range(len(found.dimensions))]
    return max(mixes, key=lambda mix: (mix.share, mix.dimension))


def _mix_of(found: Breakdown, place: int, names: tuple[str, str], ends: tuple[float, float], case: Case) -> Mix:
    values = [key[place] for key in found.keys]
    labels = sorted(set(values), key=lambda value: (value is not None, value or ""))
    number = np.array([labels.index(value) for value in values], dtype=np.int64)
    top, bottom = names
    before, after = ((_grouped(one[top], number), _grouped(one[bottom], number)) for one in (found.expected, found.actual))
    split = mix_and_rate(before, after)
    moved = split.weight_after - split.weight_before
    lost, gained = int(np.argmin(moved)), int(np.argmax(moved))
    change = ends[1] - ends[0]
    total = float(split.mix.sum() + split.rate.sum())
    share = float(split.mix.sum()) / total if total else 0.0
    large = (split.weight_before + split.weight_after) / 2 >= 0.05
    against = float(split.rate.sum()) * change < -_AGAINST * change * change
    reversal = bool(large.sum() >= 2 and against and np.all(split.rate[large] * change < 0))
    actual = case.algebra.one(case.reader.states, {top: after[0].sum(), bottom: after[1].sum()})
    return Mix(
        found.dimensions[place],
        labels[lost],
        labels[gained],
        (float(split.weight_before[lost]), float(split.weight_after[lost])),
        (float(split.weight_before[gained]), float(split.weight_after[gained])),
        share,
        actual * (1 - float(split.mix.sum()) / ends[1]) if ends[1] else actual,
        reversal,
    )


def _grouped(values: FloatArray, number: npt.NDArray[np.int64]) -> FloatArray:
    """Sums by group."""
    return np.asarray(np.bincount(number, values), dtype=np.float64)
