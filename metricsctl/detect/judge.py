"""From values to verdicts: score, calibrate, decide."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from metricsctl.detect.base import Band, BandDetector, Detector, FloatArray, State, part_of, prefixed
from metricsctl.detect.calibrate import Calibration, calibrate
from metricsctl.detect.episodes import ELEVATED
from metricsctl.detect.pace import Pace
from metricsctl.detect.rolling import never_negative

__all__ = ["Judged", "Judging", "Verdicts", "Widen", "distance_from", "judge", "share_filled", "surprise", "told", "verdicts"]

_CLIP = 4.0  # standard deviations that one window may add to a sum: a single spike is no lasting change
_NO_SURPRISE = 300.0
Widen = Callable[[Band], Band]


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What is found of each point, shape (series, n): NaN in `score` where it cannot be judged.

    `score` is minus the decimal logarithm of the tail probability; `deviation` the signed distance in standard deviations (of a detector
    without a band: its score); `side` 1 above and -1 below what was expected, at anomalies; `low` to `high` is where ninety-nine of a
    hundred points lie, NaN where that is not known. `family` is the evidence that was the most surprised: 0 that of the detector itself,
    k the k-th of what was given beside it.
    """

    score: FloatArray
    anomaly: npt.NDArray[np.bool_]
    side: npt.NDArray[np.int8]
    deviation: FloatArray
    expected: FloatArray
    low: FloatArray
    high: FloatArray
    family: npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Judged:
    """What verdicts are made of, before there is a budget; shape (series, n).

    The band, how many of its standard deviations one in a hundred exceeds (`usual`), the surprise, its side and its family.
    """

    expected: FloatArray
    scale: FloatArray
    usual: FloatArray
    score: FloatArray
    side: npt.NDArray[np.int8]
    family: npt.NDArray[np.int8]


def judge(values: FloatArray, detector: Detector, rate: float, widen: Widen | None = None, beside: FloatArray | None = None) -> Verdicts:
    """Judge series (shape (series, n)); a window is an anomaly if the probability of a score like its own is below `rate`.

    `widen` may make the band wider where few rows stand behind a value. `beside` is what other evidence says of each point, shape
    (series, n, kinds): surprises, of which the largest counts.
    """
    if not isinstance(detector, BandDetector):
        return _by_score(values, detector, rate)
    known = np.where(np.isfinite(values), values, np.nan)
    widen = widen or (lambda band: band)
    band = widen(detector.band(known))
    own = Judging(len(values), detector.horizons, paced=beside is not None).push(distance_from(known, band), share_filled(known))
    return verdicts(known, told(known, band, widen, own, beside), rate)


class Judging:
    """How surprising the distances from a band are, which arrive bit by bit: alone and added up, and each by those before it.

    `paced`: corrected by how often such surprises came so far. `seldom`: most points have no distance.
    """

    def __init__(self, series: int, horizons: tuple[int, ...], *, paced: bool, seldom: bool = False) -> None:
        self.horizons = horizons
        self.before = np.full((series, 0), np.nan)  # distances that the next sums begin with
        self.calibrations = [Calibration(series, seldom=seldom) for _ in horizons]
        self.pace = Pace(series) if paced else None

    def push(self, distance: FloatArray, filled: FloatArray) -> tuple[FloatArray, npt.NDArray[np.int8], FloatArray]:
        """Surprise, side and `usual` of the next points by their signed distance; `filled` is the share of windows with a value so far."""
        begun = self.before.shape[1]
        table = np.concatenate([self.before, distance], axis=1)
        self.before = table[:, max(table.shape[1] - max(self.horizons) + 1, 0) :]
        score, usual = np.full(distance.shape, np.nan), np.ones(distance.shape)
        side = np.zeros(distance.shape, dtype=np.int8)
        for horizon, calibration in zip(self.horizons, self.calibrations, strict=True):
            summed = distance if horizon == 1 else _summed(table, horizon)[:, begun:]
            found = calibration.push(np.abs(np.clip(summed, -1e6, 1e6)))
            if horizon == 1:
                usual = found.usual
            own = surprise(found.probability * len(self.horizons) * filled)
            first = ~(own <= score)  # also where there is no score yet
            side = np.where(first & (own > 0), np.sign(np.nan_to_num(summed)).astype(np.int8), side)
            score = np.fmax(score, own)
        return score if self.pace is None else self.pace.push(score), side, usual

    def save(self) -> State:
        """The state; `load` goes on from it."""
        found = {"before": self.before}
        for name, part in self._parts():
            found |= prefixed(f"{name}.", part.save())
        return found

    def load(self, state: State) -> None:
        """Go on from a saved state of as many series."""
        self.before = state["before"]
        for name, part in self._parts():
            part.load(part_of(state, f"{name}."))

    def _parts(self) -> Iterator[tuple[str, Calibration | Pace]]:
        yield from ((f"calibration{horizon}", part) for horizon, part in zip(self.horizons, self.calibrations, strict=True))
        if self.pace is not None:
            yield "pace", self.pace


def told(
    values: FloatArray,
    band: Band,
    widen: Widen,
    own: tuple[FloatArray, npt.NDArray[np.int8], FloatArray],
    beside: FloatArray | None,
) -> Judged:
    """What is found of the last points of `values`: those of the band, of what `Judging` made of it (`own`) and of the evidence beside."""
    score, side, usual = own
    if beside is None:
        return Judged(band.expected, band.scale, usual, score, side, np.zeros_like(side))
    first = values.shape[1] - score.shape[1]
    filled = share_filled(values)[:, first:, None]
    return Judged(band.expected, band.scale, usual, *_with_evidence(values, band, widen, score, side, beside + np.log10(1 / filled)))


def verdicts(values: FloatArray, judged: Judged, rate: float) -> Verdicts:
    """The verdicts at a rate, of all points."""
    band = Band(judged.expected, judged.scale)
    reach = band.scale * judged.usual
    low, high = band.expected - reach, band.expected + reach
    low = np.where(never_negative(values), np.maximum(low, np.minimum(band.expected, 0.0)), low)
    anomaly = judged.score > -np.log10(rate)
    side = np.where(anomaly, judged.side, 0).astype(np.int8)
    return Verdicts(judged.score, anomaly, side, distance_from(values, band), band.expected, low, high, judged.family)


def distance_from(values: FloatArray, band: Band) -> FloatArray:
    """Signed, in standard deviations."""
    return np.copysign(band.score(values), values - band.expected)


def _with_evidence(
    values: FloatArray, band: Band, widen: Widen, score: FloatArray, side: npt.NDArray[np.int8], beside: FloatArray
) -> tuple[FloatArray, npt.NDArray[np.int8], npt.NDArray[np.int8]]:
    """The largest surprise of the band and of other evidence, which pays for the choice among them; its side, and whose it was."""
    first = values.shape[1] - score.shape[1]
    share = np.log10(1 + beside.shape[2])
    found = np.fmax.reduce(beside, axis=2)
    apart = values[:, first:] - band.expected
    # Chernoff's bound: evidence is no surer than the rows behind the value allow
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = apart / widen(Band(band.expected, np.zeros_like(band.scale))).scale
    found = np.where(np.isfinite(distance), np.minimum(found, distance**2 / 2 * np.log10(np.e)), found)
    before = np.concatenate([np.full((len(values), 1), np.nan), values[:, :-1]], axis=1)[:, first:]
    with np.errstate(invalid="ignore"):
        back = (np.abs(apart) < ELEVATED * band.scale) & (np.abs(apart) < np.abs(before - band.expected))
    found = np.where(back, 0.0, found)  # it swings back to where it should be
    found = np.where(np.isnan(band.expected), np.nan, found)  # nothing is told without what was expected instead
    other = found > np.nan_to_num(score, nan=-1.0)
    side = np.where(other, np.where(apart < 0, -1, 1), side).astype(np.int8)
    family = np.zeros(score.shape, dtype=np.int8)
    family[other] = 1 + np.argmax(np.nan_to_num(beside[other], nan=-1.0), axis=1)
    return np.maximum(np.fmax(score, found) - share, 0.0), side, family


def surprise(probability: FloatArray) -> FloatArray:
    """A probability as minus its decimal logarithm, 0 for 1 and 300 at most."""
    with np.errstate(divide="ignore"):
        return np.minimum(-np.log10(np.minimum(probability, 1.0)), _NO_SURPRISE) + 0.0


def _summed(distance: FloatArray, horizon: int) -> FloatArray:
    """The deviations of the last windows added up, in standard deviations of such a sum; NaN where a point has none of its own."""
    clipped = np.clip(distance, -_CLIP, _CLIP)
    padded = np.concatenate([np.full((len(distance), horizon - 1), np.nan), clipped], axis=1)
    total, count = np.zeros(distance.shape), np.zeros(distance.shape)
    size = distance.shape[1]
    for back in range(horizon):
        part = padded[:, back : back + size]
        total += np.nan_to_num(part, nan=0.0)
        count += ~np.isnan(part)
    return np.where(np.isnan(distance) | (count < horizon / 2), np.nan, total / np.sqrt(np.maximum(count, 1)))


def share_filled(values: FloatArray) -> FloatArray:
    """The share of windows with a value so far: a shop that is shut half the time can give false alarms half the time only."""
    windows = np.arange(1, values.shape[1] + 1)
    share: FloatArray = np.maximum(np.cumsum(np.isfinite(values), axis=1) / windows, 0.05)
    return share


def _by_score(values: FloatArray, detector: Detector, rate: float) -> Verdicts:
    """Verdicts of a detector that knows no expected value: every anomaly counts as above."""
    raw = detector.score(values)
    score = surprise(calibrate(raw, reference=False).probability * share_filled(values))
    nothing = np.full(values.shape, np.nan)
    anomaly = score > -np.log10(rate)
    before = np.concatenate([values[:, :1], values[:, :-1]], axis=1)
    side = np.where(anomaly, np.where(values < before, -1, 1), 0).astype(np.int8)
    return Verdicts(score, anomaly, side, raw, nothing, nothing, nothing, np.zeros_like(side))
