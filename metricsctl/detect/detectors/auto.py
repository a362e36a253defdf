"""The default: novelty and residuals together, each a tail probability of the series' own past."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from metricsctl.detect.base import FloatArray, part_of, prefixed, rowwise
from metricsctl.detect.blocks import Memory, Tape
from metricsctl.detect.conformal import MOST, Ranks, remembered
from metricsctl.detect.detectors.ar_residual import ArResidual
from metricsctl.detect.detectors.ewma import Ewma
from metricsctl.detect.detectors.histogram_novelty import HistogramNovelty
from metricsctl.detect.detectors.jump import Jump
from metricsctl.detect.detectors.knn import Knn
from metricsctl.detect.detectors.nearest_past import NearestPast
from metricsctl.detect.detectors.range_novelty import RangeNovelty
from metricsctl.detect.pace import LEVEL, alarms, correction
from metricsctl.detect.stream import BlockDetector

__all__ = ["FAMILIES", "Auto"]

FAMILIES = ("novelty", "residual")
_MEMORY = "{}.{}"


@dataclass(frozen=True, slots=True)
class Part:
    """One detector of a family, and the share of its scores that is the tail (0: its score is a surprise as it stands)."""

    name: str
    detector: BlockDetector
    tail: float


@dataclass(frozen=True, slots=True)
class Family:
    """Detectors that look at the same side of a point; `dependence` is 1/2 for independent ones and 1 for those that say the same."""

    parts: tuple[Part, ...]
    dependence: float

    @property
    def size(self) -> float:
        """What the sum of its surprises is divided by."""
        return float(len(self.parts) ** self.dependence)


@dataclass(slots=True)
class Known:
    """What is known before a block: the models and the calibration of the parts, and the families' corrections; then their scores."""

    models: dict[str, Any]
    ranks: dict[str, Ranks]
    correction: FloatArray
    raw: dict[str, FloatArray] = field(default_factory=dict)
    sums: FloatArray = field(default_factory=lambda: np.zeros((0, 0, 0)))


@dataclass(frozen=True, slots=True)
class Auto(BlockDetector):
    r"""How improbable a point is, by two families of detectors, whichever is the more surprised.

    $$ s_t = \max_f \Bigl(k_f^{-d_f} \sum_{i \in f} -\log_{10} p_i(t) - \log_{10} \tfrac{c_f + a}{r\,t + a}\Bigr)
       - \log_{10} F $$

    Novelty: the nearest past value, the nearest stretch of a few points, the histogram, the range. Residuals: the jump, the
    autoregression, the moving average. p_i is the tail probability of a part's score among those of its own past; no p is smaller than the
    past can prove. A family's sum is Fisher's; the power d of the number k of its parts lies between independence (1/2) and full dependence
    (1): 3/5 for novelty, 3/4 for residuals, which have more in common. How dependent they are in this series is measured: c is the number
    of times that the sum reached 2.5 so far, r t how often it should have, a what the latter is believed beforehand. Bonferroni pays for
    the choice among the F families.

    Parameters
    ----------
    season : int
        Points of the shortest season; 0 where there is none.

    References
    ----------
    Fisher (1932), Statistical Methods for Research Workers, 4th ed., 21.1; conformal ranks: Laxhammar and Falkman (2014); peaks over
    threshold: Siffer et al. (2017), Anomaly Detection in Streams with Extreme Value Theory; the correction is the mean of a gamma-Poisson
    posterior.

    Examples
    --------
    >>> values = np.sin(np.arange(400.0) / 4) + np.random.default_rng(0).normal(0, 0.1, 400)
    >>> values[300] = 3.0
    >>> int(np.nanargmax(Auto().score(values)))
    300
    """

    invariant: ClassVar[frozenset[str]] = frozenset({"scale"})

    season: int = 0

    @property
    def families(self) -> tuple[Family, ...]:
        """The detectors at work, family by family."""
        novelty = (
            Part("nearest_past", NearestPast(), 0.02),
            Part("knn", Knn(neighbours=1, sample=64, minimum=16), 0.02),
            Part("histogram_novelty", HistogramNovelty(), 0.0),
            Part("range_novelty", RangeNovelty(), 0.02),
        )
        residual = (
            Part("jump", Jump(season=self.season), 0.1),
            Part("ar_residual", ArResidual(), 0.1),
            Part("ewma", Ewma(), 0.1),
        )
        return Family(novelty, 0.6), Family(residual, 0.75)

    @property
    def reach(self) -> int:
        """Points of the past that are looked at."""
        return max(part.detector.reach for family in self.families for part in family.parts)

    def begin(self, series: int) -> Memory:
        """The memories of all parts, their past scores, and how often each family has been surprised."""
        memory: Memory = {"seen": np.zeros((series, 1))}
        for number, family in enumerate(self.families):
            memory[_MEMORY.format("count", number)] = np.zeros((series, 1))
            memory[_MEMORY.format("since", number)] = np.full((series, 1), np.inf)
            for part in family.parts:
                memory |= prefixed(f"{part.name}.", part.detector.begin(series))
                if part.tail:
                    memory[_MEMORY.format("past", part.name)] = np.full((series, 0), np.nan)
        return memory

    def model(self, tape: Tape, first: int, memory: Memory) -> Known:
        """Fit every part, and its tail, to what lies before the block."""
        models, ranks, corrections = {}, {}, []
        for number, family in enumerate(self.families):
            for part in family.parts:
                models[part.name] = part.detector.model(tape, first, part_of(memory, f"{part.name}."))
                if part.tail:
                    ranks[part.name] = Ranks.of(memory[_MEMORY.format("past", part.name)], part.tail)
            corrections.append(correction(memory[_MEMORY.format("count", number)], memory["seen"]))
        return Known(models, ranks, np.stack(corrections, axis=2))

    def judge(self, model: Known, tape: Tape, first: int, last: int) -> FloatArray:
        """The surprise of each family at each point, shape (series, n, families)."""
        sums = []
        for family in self.families:
            total = np.zeros((len(tape.values), last - first))
            for part in family.parts:
                raw = part.detector.judge(model.models[part.name], tape, first, last)
                model.raw[part.name] = raw
                own = model.ranks[part.name].surprise(raw) if part.tail else np.minimum(raw, MOST)
                total += np.nan_to_num(own, nan=0.0)
            sums.append(total / family.size)
        model.sums = np.where(np.isnan(model.raw["ar_residual"])[:, :, None], np.nan, np.stack(sums, axis=2))
        return np.maximum(model.sums - model.correction, 0.0)

    def learn(self, model: Known, tape: Tape, first: int, last: int, memory: Memory) -> Memory:
        """Let every part learn the block; remember its scores, and count the surprises, of the points that there are."""
        there = ~np.isnan(tape.observed(first, last))
        sums = np.where(there[:, :, None], model.sums, np.nan)
        kept: Memory = {"seen": memory["seen"] + (~np.isnan(sums[:, :, 0])).sum(axis=1, keepdims=True)}
        for number, family in enumerate(self.families):
            count, since = (memory[_MEMORY.format(name, number)] for name in ("count", "since"))
            more, since = alarms(sums[:, :, number] >= LEVEL, since)
            kept[_MEMORY.format("count", number)], kept[_MEMORY.format("since", number)] = count + more, since
            for part in family.parts:
                own = part.detector.learn(model.models[part.name], tape, first, last, part_of(memory, f"{part.name}."))
                kept |= prefixed(f"{part.name}.", own)
                if part.tail:
                    past = _MEMORY.format("past", part.name)
                    kept[past] = remembered(memory[past], np.where(there, model.raw[part.name], np.nan))
        return kept

    def score(self, values: FloatArray) -> FloatArray:
        """Score every point by its past alone; NaN while warming up. Shape (n,) or (series, n)."""
        return rowwise(values, lambda table: np.maximum(np.fmax.reduce(self.trace(table), axis=2) - np.log10(len(FAMILIES)), 0.0))
