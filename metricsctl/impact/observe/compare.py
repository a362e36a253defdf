"""One series before and after a moment.

What the season leads to expect is taken away, and what is left is compared with itself at earlier moments.

A shift is the median of what is left after the change less that of the day (or days) before it. How large such shifts are without any
change is seen at the same time of earlier days: their spread is the noise, and the shift over it is Student's t. So noise that hangs
together from window to window, nights that are quieter than days, and a slow drift are in the noise and not in the finding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from metricsctl.impact.observe.stats import KOLMOGOROV_MEAN, Floats, ks_distance, ks_p, robust_spread, t_quantile, t_two_sided

__all__ = ["DAY", "EARLY", "LEAST_AFTER", "Comparison", "compared", "compared_soon"]

DAY = 86_400_000_000  # microseconds
EARLY = DAY // 3
LEAST_AFTER, _LEAST_EARLIER = 6, 8  # windows after the change, and earlier moments, below which nothing is said
_WEEKS, _DAYS = 3, 4  # that a season of a week, or of a day, is taken from at least
_ALPHA = 0.05
_POSITIVE = 0.95  # of what is expected must be above 0 where deviations are taken in proportion to it
_CLIP = 4.0  # spreads from the middle at which the earlier shifts are cut: an old incident is not the usual noise
Times = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a series does at a moment.

    `shift` in its unit, `relative` to what was expected (None where that is about 0), `effect` in spreads of single windows; `distance` is
    that of Kolmogorov and Smirnov; `p` of both tests together; `detectable` is the smallest relative shift that would have been significant
    by itself. `early`: the first hours tell more than the whole period.
    """

    shift: float
    relative: float | None
    effect: float | None
    distance: float
    p: float
    detectable: float | None
    before: int
    after: int
    early: bool = False


def compared_soon(times: Times, phases: Times, values: Floats, moment: int, grain: int) -> Comparison | str:
    """The same as `compared`, also for the first hours alone: whichever tells more, with the probability doubled, since two were tried."""
    whole = compared(times, phases, values, moment, grain)
    soon = times + grain <= moment + EARLY
    first = compared(times[soon], phases[soon], values[soon], moment, grain)
    if isinstance(first, str) or isinstance(whole, str) or soon.all():
        return whole
    best, early = (first, True) if first.p < whole.p else (whole, False)
    return replace(best, p=min(1.0, 2 * best.p), early=early)


def compared(times: Times, phases: Times, values: Floats, moment: int, grain: int) -> Comparison | str:
    """A series around `moment` (microseconds), or why nothing can be said.

    `times` are starts of windows, in order; `phases` the microsecond of the week, in the zone of the metric, at which each starts; `values`
    are numbers; `grain` is the length of a window. The window that holds the moment belongs to neither side.
    """
    after, before = times >= moment, times + grain <= moment
    count = int(after.sum())
    if count < LEAST_AFTER:
        return f"{count} windows since, {LEAST_AFTER} are needed"
    season = _season(times, moment)
    if season is None:
        return f"a past of at least {_DAYS} days is needed"
    left, expected = _without_season(phases % season, values, before)
    relative = bool(np.mean(expected[np.isfinite(expected)] > 0) >= _POSITIVE) if np.isfinite(expected).any() else False
    if relative:  # what grows, swings and scatters in proportion to its level does so evenly then
        left = np.divide(left, expected, out=np.full(len(left), np.nan), where=expected > 0)
    around = _Around(times, left, grain, int(times[after][-1]) + grain - moment)
    now = around.changed(moment)
    if now is None:
        return "what is expected is not known for the windows since"
    earlier = around.earlier(moment)
    if len(earlier) < _LEAST_EARLIER:
        return f"the past has room for {len(earlier)} comparisons of this length, {_LEAST_EARLIER} are needed"
    shift, shifts = float(np.median(now)), np.array([np.median(part) for part in earlier])
    noise, freedom = _noise(shifts)
    middle = float(np.median(shifts))
    p_shift = t_two_sided((shift - middle) / noise, freedom) if noise else float(shift == middle)  # what never moves has moved by any shift
    distance, p_ks = _smirnov(now, earlier)
    spread = robust_spread(left[before & np.isfinite(left)])
    level = abs(float(np.nanmedian(expected[after])))
    unit = level if relative else 1.0  # of what is left
    near_zero = not level or level < spread * unit  # a share of it says nothing
    return Comparison(
        shift=shift * unit,
        relative=None if near_zero else shift * unit / level,
        effect=shift / spread if spread else None,
        distance=distance,
        p=min(1.0, 2 * min(p_shift, p_ks)),
        detectable=None if near_zero else t_quantile(_ALPHA / 2, freedom) * noise * unit / level,
        before=int(before.sum()),
        after=count,
    )


def _season(times: Times, moment: int) -> int | None:
    """A week where there are enough of them before the moment, else a day, else none."""
    past = moment - int(times[0])
    if past >= _WEEKS * 7 * DAY:
        return 7 * DAY
    return DAY if past >= _DAYS * DAY else None


def _without_season(phases: Times, values: Floats, before: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """What is left of each value without the median of the others of its phase before the change, and those medians.

    A value is left out of its own median, so that what is left of the past is as large as what is left of what comes.
    """
    expected = np.full(len(values), np.nan)
    order = np.argsort(phases, kind="stable")
    for group in np.split(order, np.flatnonzero(np.diff(phases[order])) + 1):
        past, rest = group[before[group]], group[~before[group]]
        if len(past):
            expected[rest] = np.median(values[past])
        if len(past) > 1:
            expected[past] = _medians_of_others(values[past])
    return values - expected, expected


def _medians_of_others(values: Floats) -> Floats:
    """For each value the median of the others, of at least one.

    >>> _medians_of_others(np.array([1.0, 5.0, 2.0])).tolist()
    [3.5, 1.5, 3.0]
    """
    ranks = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    ordered, size = np.sort(values), len(values) - 1  # of the others
    low, high = (size - 1) // 2, size // 2  # their middle places, which shift by one behind the value itself
    found: Floats = (ordered[low + (ranks <= low)] + ordered[high + (ranks <= high)]) / 2
    return found


class _Around:
    """What is left of a series after moments, without the median of the time before each: that is what the level was."""

    def __init__(self, times: Times, left: Floats, grain: int, reach: int) -> None:
        known = np.isfinite(left)
        self.times, self.left = times[known], left[known]
        self.ends = self.times + grain
        self.reach = reach
        self.length = math.ceil(reach / DAY) * DAY

    def changed(self, moment: int) -> Floats | None:
        """The values after a moment; None where there are none on one of its sides."""
        after = self.left[(self.times >= moment) & (self.ends <= moment + self.reach)]
        before = self.left[(self.times >= moment - self.length) & (self.ends <= moment)]
        return after - np.median(before) if len(after) and len(before) else None

    def earlier(self, moment: int) -> list[Floats]:
        """The same for the same time of earlier days, as far apart as they are long."""
        first, found = int(self.times[0]) if len(self.times) else moment, []
        start = moment - self.length
        while start - self.length >= first:
            part = self.changed(start)
            if part is not None:
                found.append(part)
            start -= self.length
        return found


def _noise(shifts: Floats) -> tuple[float, int]:
    """The spread of the difference between a shift and those before it, and its degrees of freedom; far ones are cut."""
    middle, spread = float(np.median(shifts)), robust_spread(shifts)
    cut = np.clip(shifts, middle - _CLIP * spread, middle + _CLIP * spread) if spread else shifts
    return float(np.std(cut, ddof=1)) * math.sqrt(1 + 1 / len(shifts)), len(shifts) - 1


def _smirnov(now: Floats, earlier: list[Floats]) -> tuple[float, float]:
    """Kolmogorov and Smirnov's distance to all earlier values, each part around its own median, and its probability.

    So it tells another spread or shape; where the middle lies is the shift's to tell. Values that hang together make it larger than their
    number says. By how much is measured: each earlier part has a distance to the others too, and the mean of those is put where it should
    be.
    """

    def told(part: Floats, others: list[Floats]) -> tuple[float, float]:
        rest = np.concatenate(others)
        return ks_distance(part, rest), math.sqrt(len(part) * len(rest) / (len(part) + len(rest)))

    now, earlier = now - np.median(now), [part - np.median(part) for part in earlier]
    distance, size = told(now, earlier)
    usual = [told(part, earlier[:place] + earlier[place + 1 :]) for place, part in enumerate(earlier)]
    times_too_large = max(float(np.mean([found * root for found, root in usual])) / KOLMOGOROV_MEAN, 1.0)
    return distance, ks_p(distance, size / times_too_large)
