"""How much leaves scatter by themselves: learned from the side of the incident on which nothing happened."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import numpy.typing as npt

__all__ = ["leaf_spread", "loud_side"]

FloatArray = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
_FREEDOM = 3.0  # of the t distribution: outliers do not make the noise look large
_STEPS = 5
_SAMPLE = 400  # leaves, of all sizes, that the noise is learned from
_COUNTED = np.array([0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0])  # shares of the variance that is due to small counts, at the median size
_FEWEST = 8  # leaves of a side that say anything
_TAIL = 3  # the how-manyth largest leaf of the quiet side its tail is measured at
_FLOOR = 1e-3


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
    place = min(_TAIL, len(quiet))
    reached = float(np.partition(quiet, len(quiet) - place)[len(quiet) - place])
    return max(1.0, reached / NormalDist().inv_cdf(1 - (place - 0.5) / len(quiet) / 2))
