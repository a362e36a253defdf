"""Residual of an autoregression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from metricsctl.detect.base import FloatArray
from metricsctl.detect.blocks import Memory, Tape
from metricsctl.detect.past import typical_size
from metricsctl.detect.stream import BlockDetector

__all__ = ["ArResidual"]

Model = tuple[FloatArray, FloatArray, FloatArray]


@dataclass(frozen=True, slots=True)
class ArResidual(BlockDetector):
    r"""Distance from what the last values let expect, by an autoregression that is learned as the series goes on.

    $$ s_t = \frac{|x_t - w^\top (x_{t-1}, \ldots, x_{t-p}, \ell)|}{\sigma + f\,\ell}, \quad
       G \leftarrow \lambda^k G + X^\top X, \quad w = (G + \rho \tfrac{\operatorname{tr} G}{p + 1} I)^{-1} X^\top y $$

    The normal equations are added up block by block of k points, forget by lambda and leak by rho: the plain recursive least squares divide
    by what they have forgotten and go unstable on long series.

    Parameters
    ----------
    order : int, p in the formula
        Past values that a value is explained by.
    forget : float, lambda in the formula
        What is left of a point's weight after one more point.
    leak : float, rho in the formula
        Ridge, as a share of the mean square.
    window : int
        Residuals of the past that sigma is the typical size of.
    floor : float, f in the formula
        Smallest deviation that counts, as a share of the typical value.
    minimum : int
        Points of the past that must be known.

    References
    ----------
    Ljung (1999), System Identification, 2nd ed., 11.2 (recursive least squares with forgetting); leakage: Sayed (2008), Adaptive Filters.

    Examples
    --------
    >>> values = np.sin(np.arange(200.0) / 3) + np.random.default_rng(0).normal(0, 0.01, 200)
    >>> values[150] += 1
    >>> int(np.nanargmax(ArResidual().score(values)))
    150
    """

    invariant: ClassVar[frozenset[str]] = frozenset({"scale"})

    order: int = 8
    forget: float = 0.9995
    leak: float = 1e-4
    window: int = 1024
    floor: float = 1e-3
    minimum: int = 64

    @property
    def reach(self) -> int:
        """Points of the past that are looked at."""
        return max(self.window, self.order) + 1

    def begin(self, series: int) -> Memory:
        """Empty normal equations, and no residual yet."""
        size = self.order + 1
        return {
            "gram": np.zeros((series, size, size)),
            "moment": np.zeros((series, size)),
            "level": np.zeros((series, 1)),
            "residuals": np.full((series, 0), np.nan),
        }

    def model(self, tape: Tape, first: int, memory: Memory) -> Model | None:
        """Weights, the level that stands for the constant, and one standard deviation."""
        if first < self.minimum:
            return None
        gram, level = memory["gram"], memory["level"]
        size = self.order + 1
        ridge = self.leak * np.trace(gram, axis1=1, axis2=2) / size
        regular = gram + np.where(ridge > 0, ridge, 1.0)[:, None, None] * np.eye(size)
        weights = np.asarray(np.linalg.solve(regular, memory["moment"][:, :, None])[:, :, 0], dtype=np.float64)
        past = memory["residuals"]
        spread = typical_size(past) if past.shape[1] >= 16 else np.full(len(past), np.nan)
        return weights, level, (spread + self.floor * typical_size(tape.past(first, self.window)))[:, None]

    def judge(self, model: Model | None, tape: Tape, first: int, last: int) -> FloatArray:
        """Residuals in standard deviations."""
        if model is None:
            return np.full((len(tape.values), last - first), np.nan)
        apart = np.abs(self._residuals(model, tape, first, last))
        scale = model[2]
        found = np.where(apart > 0, np.minimum(apart / np.where(scale > 0, scale, np.where(scale == 0, 1e-300, np.nan)), 1e9), apart)
        # the last digits depend on the processor, and would rank the points of a flat series
        return found.astype(np.float32).astype(np.float64)

    def _residuals(self, model: Model, tape: Tape, first: int, last: int) -> FloatArray:
        weights, level, _ = model
        expected = weights[:, -1:] * level
        for back in range(1, self.order + 1):
            expected = expected + weights[:, back - 1 : back] * tape.span(first - back, last - back)
        return tape.span(first, last) - expected

    def learn(self, model: Model | None, tape: Tape, first: int, last: int, memory: Memory) -> Memory:
        """Add a block to the normal equations."""
        level = memory["level"] if first else typical_size(tape.span(first, last))[:, None]
        level = np.where(level > 0, level, 1.0)
        lags = [tape.span(first - back, last - back) for back in range(1, self.order + 1)]
        value = tape.span(first, last)
        known = ~np.isnan(lags[-1] + tape.observed(first, last))
        columns = np.stack([*lags, np.broadcast_to(level, value.shape)], axis=1)
        columns, value = np.where(known[:, None], columns, 0.0), np.where(known, value, 0.0)
        kept = self.forget ** (last - first)
        residuals = memory["residuals"]
        if model is not None:
            own = np.where(known, self._residuals(model, tape, first, last), np.nan)
            residuals = np.concatenate([residuals, own], axis=1)[:, -self.window :]
        return {
            "gram": kept * memory["gram"] + columns @ columns.transpose(0, 2, 1),
            "moment": kept * memory["moment"] + (columns @ value[:, :, None])[:, :, 0],
            "level": level,
            "residuals": residuals,
        }
