"""How much leaves scatter by themselves: learned from the side of the incident on which nothing happened."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import numpy.typing as npt

__all__ = ["leaf_spread", "loud_side", "past_spread"]

FloatArray = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
_FREEDOM = 3.0  # of the t distribution: outliers do not make the noise look large
_STEPS = 5
_SAMPLE = 400  # leaves, of all sizes, that the noise is learned from
_COUNTED = np.array([0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0])  # shares of the variance that is due to small counts, at the median size
_FEWEST = 8  # leaves of a side that say anything
_TAIL = 3  # the how-manyth largest leaf of the quiet side its tail is measured at
_FLOOR = 1e-3
_WEEKS = 2
_DRAWN = 4  # weeks that the scatter of leaves of the same size is worth
_LEAST = 0.04  # of their variance: a leaf is not thought to be calmer than that
_NORMAL = 1.4826  # median absolute deviation to standard deviation


def leaf_spread(deviation: FloatArray, size: FloatArray) -> FloatArray:
    r"""One standard deviation of each leaf's relative deviation, by its size; all arrays have shape (n,).

    $$ \sigma_i^2 = a + b / m_i $$

    a: noise in proportion to the size m; b: noise of counts. Both are the maximum likelihood under Student's t with three degrees of
    freedom of the leaves that moved to one side, of the side on which they scatter less: an incident moves leaves to one side, so the
    other shows how they scatter by themselves (what did not move at all counts on both). If the quiet side has heavier tails than a
    normal distribution, all is stretched to fit.

    Leaves with size 0 say nothing and are to be left out.
    """
    sides = [side for side in (deviation >= 0, deviation <= 0) if int(side.sum()) >= _FEWEST] or [np.ones(len(deviation), dtype=bool)]
    fits = [_fitted(deviation[side], size[side]) for side in sides]
    spreads = [np.sqrt(np.maximum(level + counts / size, _FLOOR**2)) for level, counts in fits]
    spread = min(spreads, key=lambda found: float(np.median(found)))
    return spread * _stretch(deviation / spread)


def past_spread(rest: FloatArray, size: FloatArray) -> FloatArray | None:
    """The same where it is known how leaves scattered in earlier weeks: `rest`, shape (weeks, n), each week's deviation from their middle.

    A leaf's own scatter (by its median) is drawn towards that of leaves of its size, on a logarithmic scale. A new week is further from the
    middle than those that it was made of: by the root of (w + 1) / (w - 1). None with too few numbers.
    """
    weeks = len(rest)
    known = np.isfinite(rest) & (size > 0)
    if weeks < _WEEKS or int(known.sum()) < _FEWEST:
        return None
    level, counts = _fitted(rest[known], np.broadcast_to(size, rest.shape)[known])
    square = np.maximum(level + counts / np.maximum(size, 1e-300), _FLOOR**2)
    ordered = np.sort(np.where(known, np.abs(rest), np.inf), axis=0)
    count = known.sum(axis=0)
    middle = np.take_along_axis(ordered, np.maximum(count - 1, 0)[None] // 2, axis=0)[0]
    own = np.maximum((_NORMAL * np.where(count > 0, middle, 0.0)) ** 2, _LEAST * square)
    spread = np.sqrt(square * (own / square) ** (count / (count + _DRAWN)))
    found: FloatArray = spread * _reach(np.abs(rest / spread)[known]) * np.sqrt((weeks + 1) / (weeks - 1))
    return found


def loud_side(standard: FloatArray) -> float:
    """The direction, 1 or -1, in which leaves stand out more; `standard` are deviations in standard deviations."""
    out = np.clip(np.abs(standard) - 3, 0.0, 10.0) * np.sign(standard)
    return 1.0 if float(out.sum()) >= 0 else -1.0


def _fitted(deviation: FloatArray, size: FloatArray) -> tuple[float, float]:
    """The formula's a and b."""
    order = np.argsort(size, kind="stable")
    if len(order) > _SAMPLE:
        order = order[np.linspace(0, len(order) - 1, _SAMPLE).astype(np.int64)]
    square, weight = deviation[order] ** 2, size[order]
    middle = float(np.median(weight))
    shape = (1 - _COUNTED)[:, None] + _COUNTED[:, None] * middle / weight
    scaled = square / shape
    scale = np.median(scaled, axis=1, keepdims=True) / 0.585 + _FLOOR**2
    for _ in range(_STEPS):
        scale = np.mean((_FREEDOM + 1) * scaled / (_FREEDOM + scaled / scale), axis=1, keepdims=True) + _FLOOR**2
    likelihood = -0.5 * np.log(shape * scale).sum(axis=1) - (_FREEDOM + 1) / 2 * np.log1p(scaled / scale / _FREEDOM).sum(axis=1)
    best = int(np.argmax(likelihood))
    return float((1 - _COUNTED[best]) * scale[best, 0]), float(_COUNTED[best] * middle * scale[best, 0])


def _stretch(standard: FloatArray) -> float:
    """How much further out the quiet side reaches than a normal distribution would."""
    quiet = -loud_side(standard) * standard
    quiet = quiet[quiet >= 0]
    if len(quiet) < _FEWEST:
        return 1.0
    return _reach(quiet)


def _reach(sizes: FloatArray) -> float:
    """How much further out some deviations, their sizes in standard deviations, reach than a normal distribution would; at least 1."""
    place = min(_TAIL, len(sizes))
    reached = float(np.partition(sizes, len(sizes) - place)[len(sizes) - place])
    return max(1.0, reached / NormalDist().inv_cdf(1 - (place - 0.5) / len(sizes) / 2))
