"""Which segments moved: the set that describes most shortly how all leaves deviate."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from metricsctl.explain.spread import leaf_spread, loud_side

__all__ = ["Cuboid", "Found", "Leaves", "find_segments"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
_ANYWHERE = 1e-6  # chance that a leaf of no segment is just anywhere
_OFF = 0.1  # by how much of its spread an expected value may be off: many leaves that are all a little off are no segment
_LEAST = 3.0  # nats: a segment is taken if it is twenty times as likely as noise
_ASIDE = 0.05  # chance that a leaf of a segment did not move with it
_LOOSE = 0.5  # how far the leaves of a segment may scatter about its factor, as a share of it
_TIGHT = 0.02
_SOFT = 0.01  # variance added to a leaf's own when leaves are averaged: a few exact ones do not outvote the rest
_MEMBERS = 24
_TRIED = 8  # segments of a cuboid that are tried in each round
_PRICE = 0.03  # of the movement: what a further dimension must describe more, in the ranking
_FULL_DEPTH = 4  # dimensions up to which all combinations are looked at
_DEPTH = 3
_NOTHING = -math.inf


@dataclass(frozen=True)
class Leaves:
    """The finest cells: codes of their values, shape (n, dimensions), how many values each dimension has, actual and expected numbers.

    `spread` is one standard deviation of each leaf's relative deviation, where the past shows it; None: it is learned from the leaves.
    """

    codes: IntArray
    cardinality: tuple[int, ...]
    actual: FloatArray
    expected: FloatArray
    spread: FloatArray | None = None


@dataclass(frozen=True)
class Cuboid:
    """All segments of some dimensions: the number of each leaf's segment, how many there are, and what naming one of them costs (nats)."""

    dimensions: tuple[int, ...]
    code: IntArray
    size: int
    cost: float


@dataclass(frozen=True)
class Found:
    """A segment by the dimensions that it fixes and its codes in them.

    `change` is the sum of actual less expected in it; `evidence` by how many nats it describes its leaves better than noise does, less what
    naming it costs; `described` the share of all movement that is described by "its leaves moved in step".
    """

    dimensions: tuple[int, ...]
    codes: tuple[int, ...]
    change: float
    evidence: float
    described: float

    @property
    def worth(self) -> float:
        """What it describes, less a price for each dimension beyond the first."""
        return self.described - _PRICE * (len(self.dimensions) - 1)


@dataclass
class _State:
    """What is still to be described: the leaves that are left, and each cuboid's evidence and factors as of now."""

    deviation: FloatArray
    spread: FloatArray
    size: FloatArray
    change: FloatArray
    side: float
    active: Mask
    evidence: list[FloatArray] = field(default_factory=list)
    null: FloatArray = field(init=False)
    peak: FloatArray = field(init=False)
    weight: FloatArray = field(init=False)
    weighted: FloatArray = field(init=False)
    squared: FloatArray = field(init=False)
    single: tuple[npt.NDArray[np.float32], ...] = field(init=False)

    def __post_init__(self) -> None:
        """The null likelihood of each leaf, the most that any segment can gain by it, and sums that are needed again and again."""
        standard = self.deviation * self.side / self.spread
        standard = np.where(standard > 0, np.maximum(standard - _OFF, 0.0), standard)
        normal = np.exp(-0.5 * standard**2) / self.spread
        self.null = np.log((1 - _ANYWHERE) * normal + _ANYWHERE * math.sqrt(2 * math.pi) / 4)
        self.peak = np.maximum(-np.log(self.spread) - self.null, 0.0)
        self.weight = 1 / (self.spread**2 + _SOFT)
        self.weighted = self.weight * self.deviation
        self.squared = self.weighted * self.deviation
        self.single = tuple(one.astype(np.float32) for one in (self.deviation, self.spread**2, self.null))  # exp and log are fast in it


def find_segments(leaves: Leaves, most: int = 12, *, whole: bool = False) -> tuple[tuple[Found, ...], tuple[Found, ...]]:
    r"""The set of segments that moved, those that describe most movement first, and a ranking of at most `most` single ones.

    `whole`: that all leaves moved alike is a segment too, one of no dimensions.

    A leaf deviates by d = (v - f) / ((|v| + |f|) / 2), v its actual and f its expected value, so -2 <= d <= 2. A leaf of no segment follows
    N(0, s^2) with the spread of `leaf_spread`; the leaves of a segment follow N(r, s^2 + t^2) with the segment's own factor r and
    scatter t <= |r| / 2, except for one in twenty that did not move with it. The evidence of a segment is the logarithm of the ratio of
    the two likelihoods, less the nats it takes to name one segment of its kind and half a ln n for its factor (minimum description length).

    Segments are taken one by one, the largest change first, if their evidence is clear and no set of segments within describes their
    leaves better; what a segment holds is taken out before the next is looked for. All have moved to the same side.

    The ranking begins with the set and goes on by the movement that a segment describes: sum |x| - |x - m X / M| with x the change and m
    the size of its leaves, X and M their sums.

    References
    ----------
    Kalander (2022), RiskLoc: localization of multi-dimensional root causes by weighted risk (one side, noise from the other side).
    Sun et al. (2018), HotSpot: anomaly localization for additive KPIs with multi-dimensional attributes (leaves of a cause move in step).
    Rissanen (1978), Modeling by shortest data description.
    """
    size = (np.abs(leaves.actual) + np.abs(leaves.expected)) / 2
    known = np.isfinite(size) & (size > 0)
    if not known.any():
        return (), ()
    change = np.where(known, leaves.actual - leaves.expected, 0.0)[known]
    size, codes = size[known], leaves.codes[known]
    deviation = change / size
    spread = leaf_spread(deviation, size) if leaves.spread is None else leaves.spread[known]
    total = float(change.sum())
    side = loud_side(deviation / spread) if np.abs(deviation / spread).max() > 3 else math.copysign(1.0, total)
    state = _State(deviation, spread, size, change, side, np.ones(len(size), dtype=bool))
    cuboids = _cuboids(codes, leaves.cardinality)
    cuboids += [Cuboid((), np.zeros(len(size), dtype=np.int64), 1, 0.0)] if whole else []
    state.evidence = [np.full(cuboid.size, _NOTHING) for cuboid in cuboids]
    everything = np.arange(len(size))
    for place, cuboid in enumerate(cuboids):
        _weigh(state, cuboid, state.evidence[place], everything)
    ranked = _by_described(state, cuboids, codes, most)
    chosen: list[Found] = []
    while len(chosen) < _MEMBERS:
        best = _next(state, cuboids)
        if best is None:
            break
        place, number = best
        cuboid = cuboids[place]
        inside = np.flatnonzero((cuboid.code == number) & state.active)
        chosen.append(_found(state, cuboid, codes, inside, float(state.evidence[place][number])))
        state.active[inside] = False
        _update(state, cuboids, inside)
    chosen.sort(key=_order)
    named = {(item.dimensions, item.codes) for item in chosen}
    return tuple(chosen), (*chosen, *(item for item in ranked if (item.dimensions, item.codes) not in named))[: max(most, len(chosen))]


def _cuboids(codes: IntArray, cardinality: tuple[int, ...]) -> list[Cuboid]:
    """Every combination of dimensions, the shortest first."""
    number = len(cardinality)
    depth = number if number <= _FULL_DEPTH else _DEPTH
    found = []
    for count in range(1, depth + 1):
        combinations = list(itertools.combinations(range(number), count))
        for chosen in combinations:
            code, size = np.zeros(len(codes), dtype=np.int64), 1
            for place in chosen:
                code, size = code * cardinality[place] + codes[:, place], size * cardinality[place]
                if size > 4 * len(codes):
                    labels, code = np.unique(code, return_inverse=True)
                    size = len(labels)
            present = int(np.count_nonzero(np.bincount(code, minlength=size)))
            found.append(Cuboid(chosen, code, size, math.log(present) + math.log(len(combinations)) + math.log(depth)))
    return found


def _weigh(state: _State, cuboid: Cuboid, evidence: FloatArray, leaves: IntArray) -> None:
    """Write the evidence of the segments that `leaves` make up (all active leaves of each of them), as far as it can be positive."""
    code = cuboid.code[leaves]
    whole = np.bincount(code, state.weight[leaves], cuboid.size)
    factor = np.bincount(code, state.weighted[leaves], cuboid.size) / np.maximum(whole, 1e-300)
    can = (factor * state.side > 0) & (np.bincount(code, state.peak[leaves], cuboid.size) > cuboid.cost)
    kept = can[code]
    leaves, code = leaves[kept], code[kept]
    if not len(leaves):
        return
    deviation, own, null = (one[leaves] for one in state.single)
    scatter = np.bincount(code, state.squared[leaves], cuboid.size) / np.maximum(whole, 1e-300) - factor**2
    scatter = np.clip(scatter, (_TIGHT * factor) ** 2, (_LOOSE * factor) ** 2)
    own += scatter.astype(np.float32)[code]
    deviation -= factor.astype(np.float32)[code]
    moved = np.float32(-0.5) * (deviation * deviation / own + np.log(own)) - null
    gain = np.bincount(code, np.log(np.float32(1 - _ASIDE) * np.exp(np.minimum(moved, np.float32(60.0))) + np.float32(_ASIDE)), cuboid.size)
    count = np.bincount(code, minlength=cuboid.size)
    evidence[can] = gain[can] - cuboid.cost - 0.5 * np.log(count[can])


def _update(state: _State, cuboids: list[Cuboid], gone: IntArray) -> None:
    """Weigh the segments anew that lost leaves."""
    for place, cuboid in enumerate(cuboids):
        hit = np.zeros(cuboid.size, dtype=bool)
        hit[cuboid.code[gone]] = True
        state.evidence[place][hit] = _NOTHING
        left = np.flatnonzero(hit[cuboid.code] & state.active)
        if len(left):
            _weigh(state, cuboid, state.evidence[place], left)


def _next(state: _State, cuboids: list[Cuboid]) -> tuple[int, int] | None:
    """The segment (its cuboid and its number) with the largest change of those that are evident and no set within describes better."""
    leaves = np.flatnonzero(state.active)
    change = state.change[leaves] * state.side
    candidates: list[tuple[float, int, int]] = []
    for place, cuboid in enumerate(cuboids):
        evident = np.flatnonzero(state.evidence[place] > _LEAST)
        if len(evident):
            sums = np.asarray(np.bincount(cuboid.code[leaves], change, cuboid.size)[evident], dtype=np.float64)
            candidates += [(-float(sums[item]), place, int(evident[item])) for item in _largest(sums, _TRIED)]
    for _, place, number in sorted(candidates):
        cuboid, value = cuboids[place], float(state.evidence[place][number])
        inside = np.flatnonzero((cuboid.code == number) & state.active)
        finer = (other for other, item in enumerate(cuboids) if set(cuboid.dimensions) < set(item.dimensions))
        if not any(_together(state.evidence[other][np.unique(cuboids[other].code[inside])]) > value for other in finer):
            return place, number
    return None


def _largest(values: FloatArray, count: int) -> list[int]:
    """The places of the largest values, the largest first; of equal ones the first."""
    if len(values) > 4 * count:
        least = np.partition(values, len(values) - count)[len(values) - count]
        places = np.flatnonzero(values >= least)
        return [int(place) for place in places[np.argsort(-values[places], kind="stable")][:count]]
    return [int(place) for place in np.argsort(-values, kind="stable")[:count]]


def _together(evidence: FloatArray) -> float:
    return float(evidence[evidence > 0].sum())


def _described(state: _State, cuboid: Cuboid, leaves: IntArray) -> tuple[FloatArray, FloatArray]:
    """For each segment the movement that is described by its leaves' moving in step, and its change."""
    code, change, size = cuboid.code[leaves], state.change[leaves], state.size[leaves]
    sums = np.bincount(code, change, cuboid.size)
    whole = np.maximum(np.bincount(code, size, cuboid.size), 1e-300)
    left = np.abs(change - size * (sums / whole)[code])
    described = np.bincount(code, np.abs(change) - left, cuboid.size)
    return described.astype(np.float64), sums.astype(np.float64)


def _by_described(state: _State, cuboids: list[Cuboid], codes: IntArray, most: int) -> list[Found]:
    """Single segments by the movement that they describe, less a price for each dimension beyond the first."""
    everything = np.arange(len(codes))
    movement = float(np.abs(state.change).sum())
    made: list[Found] = []
    if not movement:
        return []
    for place, cuboid in enumerate(cuboids):
        described, sums = _described(state, cuboid, everything)
        value = np.where(sums * state.side > 0, described / movement - _PRICE * (len(cuboid.dimensions) - 1), _NOTHING)
        for number in _largest(value, most):
            if value[number] > 0:
                inside = np.flatnonzero(cuboid.code == number)
                made.append(_found(state, cuboid, codes, inside, float(state.evidence[place][number])))
    return sorted(made, key=_order)[:most]


def _order(item: Found) -> tuple[float, int, tuple[int, ...], tuple[int, ...]]:
    return -round(item.worth, 12), len(item.dimensions), item.dimensions, item.codes


def _found(state: _State, cuboid: Cuboid, codes: IntArray, inside: IntArray, evidence: float) -> Found:
    change, size = state.change[inside], state.size[inside]
    sums = float(change.sum())
    described = float((np.abs(change) - np.abs(change - sums * (size / max(float(size.sum()), 1e-300)))).sum())
    movement = float(np.abs(state.change).sum())
    values = tuple(int(codes[inside[0], place]) for place in cuboid.dimensions)
    return Found(cuboid.dimensions, values, sums, evidence, described / movement if movement else 0.0)
