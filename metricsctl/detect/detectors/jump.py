"""Jump."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from metricsctl.detect.base import FloatArray
from metricsctl.detect.blocks import Memory, Tape
from metricsctl.detect.past import typical_size
from metricsctl.detect.stream import BlockDetector

__all__ = ["Jump"]

_DAYS = 5
_NEIGHBOURS = 96  # a 96th of a season on either side counts as the same time


@dataclass(frozen=True, slots=True)
class Jump(BlockDetector):
    r"""The step from the last value, set against the usual size of steps; with a season, of steps at this time of it.

    $$ s_t = \frac{|x_t - x_{t-1}|}{\sigma_t + f\,\ell}, \quad \sigma_t = \max(0.8\,\overline{|d|}_{\text{same time}},\; 0.7\,\sigma) $$

    sigma is the typical size of the last `window` steps, l that of the values; without a season sigma_t is sigma.

    Parameters
    ----------
    season : int
        Points of a season; 0 where there is none.
    window : int
        Points of the past that are looked at.
    floor : float, f in the formula
        Smallest step that counts, as a share of the typical value.
    minimum : int
        Steps of the past that must be known.

    References
    ----------
    Von Neumann (1941), Distribution of the Ratio of the Mean Square Successive Difference to the Variance.

    Examples
    --------
    >>> values = np.append(np.tile([10.0, 11.0, 10.0, 9.0], 20), 15.0)
    >>> Jump().score(values)[-1].round(1)
    np.float64(4.0)
    """

    invariant: ClassVar[frozenset[str]] = frozenset({"scale"})

    season: int = 0
    window: int = 1440
    floor: float = 1e-3
    minimum: int = 16

    @property
    def reach(self) -> int:
        """Points of the past that are looked at."""
        return max(self.window, _DAYS * self.season + self._half) + 1

    @property
    def _half(self) -> int:
        return max(self.season // _NEIGHBOURS, 1)

    def model(self, tape: Tape, first: int, memory: Memory) -> tuple[FloatArray, FloatArray, FloatArray] | None:
        """Typical step, smallest step that counts, and the step beyond which one is no ordinary one."""
        del memory
        past = tape.past(first, self.window)
        if past.shape[1] <= self.minimum:
            return None
        known = ~np.isnan(tape.observed(first - past.shape[1], first))
        usual = typical_size(np.where(known[:, 1:], np.diff(past, axis=1), np.nan))[:, None]
        return usual, self.floor * typical_size(past)[:, None], 10 * usual

    def judge(self, model: tuple[FloatArray, FloatArray, FloatArray] | None, tape: Tape, first: int, last: int) -> FloatArray:
        """Steps in typical steps."""
        steps = np.abs(np.diff(tape.span(first - 1, last), axis=1))
        if model is None:
            return np.full(steps.shape, np.nan)
        usual, least, most = model
        scale = usual
        if self.season:
            own = self._same_time(tape, first, last, most)
            scale = np.where(np.isnan(own), usual, np.maximum(0.8 * own, 0.7 * usual))
        below = scale + least
        return np.where(steps > 0, np.minimum(steps / np.where(below > 0, below, 1e-300), 1e9), steps)

    def _same_time(self, tape: Tape, first: int, last: int, most: FloatArray) -> FloatArray:
        """Mean step around this time in the last seasons; NaN while none is known."""
        half, total, known = self._half, np.zeros((1, last - first)), np.zeros((1, last - first))
        for back in range(1, _DAYS + 1):
            begin = first - back * self.season - half
            if last - back * self.season <= tape.offset:
                break
            steps = np.abs(np.diff(tape.span(begin - 1, last - back * self.season + half), axis=1))
            absent = np.isnan(steps)
            sums = np.cumsum(np.where(absent, 0.0, np.minimum(steps, most)), axis=1)
            counts = np.cumsum(~absent, axis=1)
            width = 2 * half
            own, number = sums[:, width:].copy(), counts[:, width:].copy()
            own[:, 1:] -= sums[:, : -width - 1]
            number[:, 1:] -= counts[:, : -width - 1]
            full = number == width + 1
            total = total + np.where(full, own / (width + 1), 0.0)
            known = known + full
        return np.where(known > 0, total / np.maximum(known, 1), np.nan)
