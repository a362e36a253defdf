"""How the weights of segments shifted: a ratio can move although no segment did."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from metricsctl.explain.case import Case
from metricsctl.explain.decompose import mix_and_rate
from metricsctl.explain.leaves import encoded
from metricsctl.explain.read import Breakdown, Totals

__all__ = ["Mix", "mix_of"]

FloatArray = npt.NDArray[np.float64]
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

    @property
    def is_reason(self) -> bool:
        """Whether it makes most of the change."""
        return self.share >= _MIX or self.reversal


def mix_of(case: Case, totals: Totals, found: Breakdown) -> Mix | None:
    """The dimension whose weights explain most of the change of a ratio; None of what is no ratio, or of negative numbers."""
    if not case.algebra.is_ratio or case.algebra.powers is None:
        return None
    top, bottom = (next(name for name, power in case.algebra.powers.items() if power == sign) for sign in (1.0, -1.0))
    if min(totals.expected[bottom], totals.actual[bottom]) <= 0 or any(
        float(found.actual[name].min()) < 0 or float(found.expected[name].min()) < 0 for name in (top, bottom)
    ):
        return None
    start, end = (totals.expected[top] / totals.expected[bottom], totals.actual[top] / totals.actual[bottom])
    if end == start:
        return None
    codes, labels = encoded(found)
    mixes = [_mix_of(case, found, (place, codes[:, place], labels[place]), (top, bottom), end - start) for place in range(len(labels))]
    return max(mixes, key=lambda mix: (mix.share, mix.dimension))


def _mix_of(
    case: Case,
    found: Breakdown,
    dimension: tuple[int, npt.NDArray[np.int64], list[str | None]],
    names: tuple[str, str],
    change: float,
) -> Mix:
    place, number, labels = dimension
    top, bottom = names
    before, after = ((_grouped(one[top], number), _grouped(one[bottom], number)) for one in (found.expected, found.actual))
    split = mix_and_rate(before, after)
    moved = split.weight_after - split.weight_before
    lost, gained = int(np.argmin(moved)), int(np.argmax(moved))
    total = float(split.mix.sum() + split.rate.sum())
    share = float(split.mix.sum()) / total if total else 0.0
    large = (split.weight_before + split.weight_after) / 2 >= 0.05
    against = float(split.rate.sum()) * change < -_AGAINST * change * change
    reversal = bool(large.sum() >= 2 and against and np.all(split.rate[large] * change < 0))
    rate = after[0].sum() / after[1].sum()
    actual = case.algebra.one(case.reader.states, {top: after[0].sum(), bottom: after[1].sum()})
    return Mix(
        found.dimensions[place],
        labels[lost],
        labels[gained],
        (float(split.weight_before[lost]), float(split.weight_after[lost])),
        (float(split.weight_before[gained]), float(split.weight_after[gained])),
        share,
        actual * (1 - float(split.mix.sum()) / rate) if rate else actual,
        reversal,
    )


def _grouped(values: FloatArray, number: npt.NDArray[np.int64]) -> FloatArray:
    """Sums by group."""
    return np.asarray(np.bincount(number, values), dtype=np.float64)
