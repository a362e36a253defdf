"""What goes into detection: one series with what is known of its metric and of its windows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from metricsctl.detect.base import FloatArray
from metricsctl.detect.care import NOTHING_ASKED, Care
from metricsctl.detect.grid import Grid
from metricsctl.detect.noise import Kind

__all__ = ["Direction", "Series", "SeriesSet", "Traits"]

Direction = Literal["up", "down", "neutral"]


@dataclass(frozen=True, slots=True)
class Traits:
    """What must be known of a metric.

    Its unit, which way is good, how its noise depends on its rows (None: it has no rows), its zone, what is asked of its anomalies.
    """

    metric: str
    unit: str | None = None
    direction: Direction = "neutral"
    kind: Kind | None = None
    zone: str = "UTC"
    care: Care = NOTHING_ASKED

    @property
    def adds_up(self) -> bool:
        """Whether differences of several windows can be added."""
        return self.kind in {"count", "sum"}


@dataclass(frozen=True, slots=True)
class Series:
    """One series on a grid: values by window, NaN where there is none; `status` WARMING_UP stands for "to be judged".

    `revised` says of which windows the value changed after they were final (None: of none).
    """

    key: Mapping[str, str | None]
    value: FloatArray
    count: FloatArray
    status: npt.NDArray[np.uint8]
    revised: npt.NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True)
class SeriesSet:
    """The series of one metric that share a grid.

    `alive` says of each window whether anything was heard of at all (None: not known here). `rows` and `labels` are the place of each
    window in a bare input, and its time as it was written there. `also` names metrics that fall silent with this one.
    """

    traits: Traits
    grid: Grid
    series: tuple[Series, ...]
    alive: npt.NDArray[np.bool_] | None = None
    rows: npt.NDArray[np.int64] | None = None
    labels: tuple[str, ...] | None = None
    also: tuple[str, ...] = ()
