"""How much speaks for a step of a series at a given time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Steps", "steps_of"]

FloatArray = npt.NDArray[np.float64]
_SIZE = 3.0  # standard deviation of the steps that are expected, in those of the noise
_CLIP = 6.0
_EDGE = 2  # points on either side of a step at least
_FEWEST = 8
_ANY = 0.1  # prior chance that a series stepped at some time at all
_MOST = 100.0  # nats


@dataclass(frozen=True, slots=True)
class Steps:
    """Logarithm of the Bayes factor of "a step before point k" against "no step", by k, -inf near the ends; `anytime`: of any k or none."""

    times: FloatArray
    evidence: FloatArray
    anytime: float

    def at(self, time: float) -> float | None:
        """The evidence for a step at `time`, which shows in the window that holds it or in the next; None outside of what is known."""
        place = int(np.searchsorted(self.times, time, side="left"))
        near = [value for value in self.evidence[max(0, place - 1) : place + 2].tolist() if np.isfinite(value)]
        return float(np.logaddexp.reduce(near) - np.log(len(near))) if near else None


def steps_of(times: FloatArray, values: FloatArray) -> Steps | None:
    r"""The evidence for a step at each point of a series, times in order, shape (n,); None with fewer than eight points.

    $$ \ln B_k = -\tfrac12 \ln(1 + \tau^2 n_k) + \tfrac{\tau^2 n_k}{2 (1 + \tau^2 n_k)} n_k d_k^2, \qquad n_k = \frac{k (n - k)}{n} $$

    d_k is the difference of the means after and before k in standard deviations of the noise, tau the size of steps that are expected. The
    noise is taken from differences of neighbours, where a step shows once; points further out than six of it count as six. n_k is made
    smaller where neighbours are alike: (1 - rho) / (1 + rho) of it, rho being their correlation about the best step.

    References
    ----------
    Kass and Raftery (1995), Bayes factors. Journal of the American Statistical Association 90.
    """
    n = len(values)
    if n < _FEWEST:
        return None
    differences = np.abs(np.diff(values))
    noise = 1.4826 * float(np.median(differences)) / np.sqrt(2)
    noise = noise if noise > 0 else float(differences.mean()) / np.sqrt(2)
    if noise <= 0:
        return Steps(times, np.full(n, -np.inf), 0.0)
    standard = np.clip((values - np.median(values)) / noise, -2 * _CLIP, 2 * _CLIP)
    place = np.arange(_EDGE, n - _EDGE + 1)
    sums = np.cumsum(standard)
    before = sums[place - 1] / place
    difference = (sums[-1] - sums[place - 1]) / (n - place) - before
    weight = place * (n - place) / n
    alike = _alike(standard, int(place[int(np.argmax(weight * difference**2))]))
    weight = weight * (1 - alike) / (1 + alike)
    spread = 1 + _SIZE**2 * weight
    evidence = np.full(n, -np.inf)
    found = -0.5 * np.log(spread) + _SIZE**2 * weight / (2 * spread) * weight * difference**2
    evidence[place[place < n]] = np.minimum(found, _MOST)[place < n]
    mean = float(np.logaddexp.reduce(np.minimum(found, _MOST)) - np.log(len(found)))
    return Steps(times, evidence, float(np.logaddexp(np.log(1 - _ANY), np.log(_ANY) + mean)))


def _alike(standard: FloatArray, step: int) -> float:
    """Correlation of neighbours, about the means before and after a step; 0 to 0.9."""
    rest = standard.copy()
    rest[:step] -= rest[:step].mean()
    rest[step:] -= rest[step:].mean()
    square = float(np.sum(rest * rest))
    return float(np.clip(np.sum(rest[1:] * rest[:-1]) / square, 0.0, 0.9)) if square > 0 else 0.0
