"""`auto` that goes on where an earlier run stopped.

Of the settled windows all is kept that was found, and all that had been learned by then; the season alone looks back at the values again,
no further than its `reach`. The verdicts are those of one run over everything, bit by bit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from metricsctl.detect.base import Band, BandDetector, FloatArray, State, part_of, prefixed
from metricsctl.detect.detectors.auto import Auto
from metricsctl.detect.detectors.seasonal_robust_z import SeasonalRobustZ
from metricsctl.detect.judge import Judged, Judging, Widen, distance_from, share_filled, told
from metricsctl.detect.stream import Stream

__all__ = ["Resumable", "fits"]

_ROWS = 256  # series that are worked on at once: what is made of them then stays in the cache
_JUDGED = tuple(field.name for field in fields(Judged))


@dataclass(frozen=True, slots=True)
class Resumable:
    """`auto` on series of one metric: what is expected of them, the other evidence, and how bands grow where few rows stand behind values.

    `widen(rows)` is the latter for some of the series. `values` has shape (series, n), NaN where there is none; `counts` are its rows.
    Before a season is known values are set against what `early` expects (None: then nothing is told).
    """

    season: SeasonalRobustZ
    auto: Auto
    widen: Callable[[slice | list[int]], Widen]
    values: FloatArray
    counts: FloatArray
    early: BandDetector | None = None

    def judge(self, settled: int, known: Sequence[State | None]) -> tuple[Judged, list[State]]:
        """What is found of all windows, and the state of each series behind the first `settled` of them.

        `known` are earlier states, of the same values and counts as far as they go (`fits`), and of no more than `settled` windows.
        """
        found = {name: np.zeros(self.values.shape, dtype=np.int8 if name in {"side", "family"} else np.float64) for name in _JUDGED}
        states: list[State] = [{} for _ in known]
        for first, rows in _together(known):
            judged, state = self._part(rows, first, settled, [one for one in (known[row] for row in rows) if one is not None])
            for name in _JUDGED:
                found[name][rows] = getattr(judged, name)
            for place, row in enumerate(rows):
                own = {name: value if not value.ndim else value[place].copy() for name, value in state.items()}
                digest = _digest(self.values[row, :settled], self.counts[row, :settled])
                states[row] = own | {"settled": np.array(settled), "digest": digest}
        return Judged(**found), states

    def _part(self, rows: list[int], first: int, settled: int, known: list[State]) -> tuple[Judged, State]:
        """Series whose states all are of the first `first` windows."""
        before = _joined(known) if known else {}
        values, widen = self.values[rows], self.widen(rows)
        if known and first == values.shape[1]:
            return Judged(**part_of(before, "judged.")), before
        parts = _Parts(
            Stream(self.auto, len(rows)),
            Judging(len(rows), self.season.horizons, paced=True),
            Judging(len(rows), (1,), paced=True, seldom=True),
        )
        if known:
            parts.load(before)
        season = widen(self.season.band(values, first))
        lately = self._lately(values, season, widen)
        distance, early = (distance_from(values[:, first:], band) for band in (season, lately))
        filled, told_of, state = share_filled(values), [], before
        for begin, end in ((first, settled), (settled, values.shape[1])):
            if begin < end:
                piece = slice(begin - first, end - first)
                told_of.append(parts.push(values[:, begin:end], distance[:, piece], early[:, piece], filled[:, begin:end]))
            if end == settled:
                state = parts.save()
        score, side, usual, evidence = (np.concatenate(pieces, axis=1) for pieces in zip(*told_of, strict=True))
        seasonal = ~np.isnan(season.expected)
        band = Band(np.where(seasonal, season.expected, lately.expected), np.where(seasonal, season.scale, lately.scale))
        new = told(values, band, widen, (score, side, usual), evidence)
        old = part_of(before, "judged.")
        whole = {name: np.concatenate([old[name], getattr(new, name)], axis=1) if old else getattr(new, name) for name in _JUDGED}
        return Judged(**whole), state | {f"judged.{name}": value[:, :settled] for name, value in whole.items()}

    def _lately(self, values: FloatArray, season: Band, widen: Widen) -> Band:
        """What `early` expects of the last points, where the season expects nothing."""
        unknown = np.isnan(season.expected)
        if self.early is None or not unknown.any():
            nothing = np.full(unknown.shape, np.nan)
            return Band(nothing, nothing)
        first = values.shape[1] - unknown.shape[1]
        last = first + int(np.flatnonzero(unknown.any(axis=0))[-1]) + 1
        found, rest = self.early.band(values[:, :last]), ((0, 0), (0, values.shape[1] - last))
        own = widen(Band(*(np.pad(one[:, first:], rest, constant_values=np.nan) for one in (found.expected, found.scale))))
        scale = np.where(own.scale > 0, own.scale, np.nan)  # of zeros alone anything else would be infinitely far
        return Band(np.where(unknown, own.expected, np.nan), np.where(unknown, scale, np.nan))


@dataclass(frozen=True, slots=True)
class _Parts:
    """All that learns bit by bit: novelty and residuals, the distances from the season, and those before there is one."""

    stream: Stream
    judging: Judging
    early: Judging

    def push(self, values: FloatArray, distance: FloatArray, lately: FloatArray, filled: FloatArray) -> tuple[npt.NDArray[Any], ...]:
        """Surprise, side and `usual` of the next points by their distances, and the surprise of the other evidence."""
        score, side, usual = self.judging.push(distance, filled)
        early_score, early_side, early_usual = self.early.push(lately, filled)
        known = np.isnan(lately)
        score, usual = np.where(known, score, early_score), np.where(known, usual, early_usual)
        return score, np.where(known, side, early_side), usual, self.stream.push(values)

    def save(self) -> State:
        """The state; `load` goes on from it."""
        later = prefixed("judging.", self.judging.save()) | prefixed("early.", self.early.save())
        return prefixed("stream.", self.stream.save()) | later

    def load(self, state: State) -> None:
        """Go on from a saved state of as many series."""
        self.stream.load(part_of(state, "stream."))
        self.judging.load(part_of(state, "judging."))
        self.early.load(part_of(state, "early."))


def fits(state: State, values: FloatArray, counts: FloatArray) -> bool:
    """Whether one series has grown out of what a state was made of."""
    first = int(state["settled"])
    return bool((state["digest"] == _digest(values[:first], counts[:first])).all())


def _digest(values: FloatArray, counts: FloatArray) -> npt.NDArray[np.uint8]:
    raw = hashlib.blake2b(values.tobytes() + counts.tobytes(), digest_size=16).digest()
    return np.frombuffer(raw, dtype=np.uint8)


def _together(known: Sequence[State | None]) -> Iterator[tuple[int, list[int]]]:
    """The series that can be worked on together, with the number of windows that are known of each."""
    groups: dict[int, list[int]] = {}
    for row, state in enumerate(known):
        groups.setdefault(0 if state is None else int(state["settled"]), []).append(row)
    for first, rows in groups.items():
        yield from ((first, rows[place : place + _ROWS]) for place in range(0, len(rows), _ROWS))


def _joined(states: Sequence[State]) -> State:
    """States of single series as one of all of them; a past that is shorter than another ends in NaN."""
    joined = {}
    for name, value in states[0].items():
        own = [state[name] for state in states]
        width = max(len(one) for one in own) if value.ndim == 1 else 0
        joined[name] = value if not value.ndim else np.stack([_padded(one, width) for one in own])
    return joined


def _padded(value: FloatArray, width: int) -> FloatArray:
    if value.ndim != 1 or len(value) == width:
        return value
    return np.concatenate([value, np.full(width - len(value), np.nan)])
