"""Change points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from metricsctl.detect.base import FloatArray
from metricsctl.detect.rolling import over_past
from metricsctl.detect.windowed import WindowedDetector

__all__ = ["ChangePoint"]

_MOST = 1e9


@dataclass(frozen=True, slots=True)
class ChangePoint(WindowedDetector):
    r"""How clearly the mean of the last points differs from that of those before: the largest of Welch's t over the places of the cut.

    $$ s_t = \max_{w \in W} \frac{|\overline{x}_{t-w+1..t} - \overline{x}_{t-n+1..t-w}|}{\sqrt{v_{new} / w + v_{old} / (n - w)}} $$

    Parameters
    ----------
    window : int, n in the formula
        Points that are looked at.
    cuts : tuple of int, W in the formula
        Points that may be the new ones.
    floor : float
        Smallest standard deviation that counts, as a share of the mean size of the values.

    References
    ----------
    Welch (1947); the scan of cuts: Hinkley (1970), Inference about the Change-Point in a Sequence of Random Variables.

    Examples
    --------
    >>> values = np.random.default_rng(0).normal(10, 1, 300)
    >>> values[200:] += 3
    >>> scores = ChangePoint().score(values)
    >>> np.nanmax(scores[:200]).round(1), scores[210].round(1)
    (np.float64(4.0), np.float64(9.6))
    """

    invariant: ClassVar[frozenset[str]] = frozenset({"scale"})

    window: int = 96
    cuts: tuple[int, ...] = (8, 16, 32)
    floor: float = 0.001

    @property
    def look_back(self) -> int:
        """Points of the past that are looked at."""
        return self.window

    def judged(self, table: FloatArray, begin: int, first: int) -> FloatArray:
        """The largest of Welch's t."""
        # one column more: the statistics before a place are then those up to the place before it
        held = np.concatenate([table, np.full((len(table), 1), np.nan)], axis=1)
        found = over_past(held, self.window, 1, self._clearest, first - begin + 1)[0]
        return np.where(np.isnan(table[:, first - begin :]), np.nan, found)

    def _clearest(self, rows: FloatArray) -> FloatArray:
        known = ~np.isnan(rows)
        filled = np.where(known, rows, 0.0)
        least = (self.floor * np.abs(filled).sum(axis=1) / np.maximum(known.sum(axis=1), 1)) ** 2
        best = np.full(len(rows), np.nan)
        for cut in self.cuts:
            (new, new_variance, new_known), (old, old_variance, old_known) = (
                _moments(filled[:, part], known[:, part]) for part in (slice(-cut, None), slice(None, -cut))
            )
            enough = (new_known >= cut / 2) & (old_known >= self.window / 4)
            spread = np.sqrt((new_variance + least) / np.maximum(new_known, 1) + (old_variance + least) / np.maximum(old_known, 1))
            apart = np.abs(new - old)
            clear = np.where(apart > 0, np.minimum(apart / np.where(spread > 0, spread, 1e-300), _MOST), 0.0)
            best = np.fmax(best, np.where(enough, clear, np.nan))
        return best[:, None]


def _moments(rows: FloatArray, known: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Mean, variance and number of the known values of each row."""
    count = known.sum(axis=1)
    mean = rows.sum(axis=1) / np.maximum(count, 1)
    apart = np.where(known, rows - mean[:, None], 0.0)
    return mean, (apart**2).sum(axis=1) / np.maximum(count - 1, 1), count
