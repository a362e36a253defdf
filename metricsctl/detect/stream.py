"""Detectors that work block by block, and their running state: one more point costs one more point."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from metricsctl.detect.base import FloatArray, State, part_of, prefixed, rowwise
from metricsctl.detect.blocks import Memory, Tape, block_end, blocks, filled

__all__ = ["BlockDetector", "Stream"]

_ROWS = 256  # series that are worked on at once: their blocks then stay in the cache


class BlockDetector:
    """A detector that learns before each block, from its past, what the points of the block are judged by.

    `reach` is the number of points of the past that `model` and `judge` look at; what lies further back must be in the memory.
    `judges_missing`: a point without a value has a score too.
    """

    invariant: ClassVar[frozenset[str]] = frozenset()
    horizons: ClassVar[tuple[int, ...]] = (1,)
    judges_missing: ClassVar[bool] = False

    @property
    def reach(self) -> int:
        """Points of the past that are looked at."""
        raise NotImplementedError

    def begin(self, series: int) -> Memory:
        """The memory before the first point."""
        del series
        return {}

    def model(self, tape: Tape, first: int, memory: Memory) -> Any:
        """What is known before the point `first`."""
        raise NotImplementedError

    def judge(self, model: Any, tape: Tape, first: int, last: int) -> FloatArray:
        """Scores of the points from `first` to before `last`, each by the model and the points before it."""
        raise NotImplementedError

    def learn(self, model: Any, tape: Tape, first: int, last: int, memory: Memory) -> Memory:
        """The memory after a whole block."""
        del model, tape, first, last
        return memory

    def score(self, values: FloatArray) -> FloatArray:
        """Score every point by its past alone; NaN while warming up and where there is no value. Shape (n,) or (series, n)."""
        return rowwise(values, self.trace)

    def trace(self, values: FloatArray) -> FloatArray:
        """What `judge` says of every point; shape (series, n) in."""
        parts = [values[place : place + _ROWS] for place in range(0, len(values), _ROWS)]
        return np.concatenate([Stream(self, len(part)).push(part) for part in parts])


@dataclass(slots=True)
class Stream:
    """A detector at work on `series` series whose points arrive bit by bit.

    >>> from metricsctl.detect.registry import create
    >>> values = np.sin(np.arange(300.0))[None]
    >>> stream = Stream(create("jump"), 1)
    >>> parts = [stream.push(values[:, :100]), stream.push(values[:, 100:])]
    >>> np.array_equal(np.concatenate(parts, axis=1), Stream(create("jump"), 1).push(values), equal_nan=True)
    True
    """

    detector: BlockDetector
    series: int
    tape: Tape = field(init=False)
    memory: Memory = field(init=False)
    first: int = field(init=False, default=0)
    model: Any = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.tape = Tape(np.full((self.series, 0), np.nan), np.zeros((self.series, 0), dtype=bool))
        self.memory = self.detector.begin(self.series)

    def push(self, values: FloatArray) -> FloatArray:
        """The scores of the next points, shape (series, n) in and out."""
        size = self.tape.values.shape[1]
        known = self.tape.offset + size
        more = filled(values, self.tape.values[:, -1] if size else None)
        there = np.isfinite(values)
        if size:
            more, there = np.concatenate([self.tape.values, more], axis=1), np.concatenate([self.tape.known, there], axis=1)
        self.tape = Tape(more, there, self.tape.offset)
        parts: list[FloatArray] = []
        with np.errstate(all="ignore"):
            for first, last in blocks(self.first, known + values.shape[1]):
                model = self.detector.model(self.tape, first, self.memory) if self.model is None else self.model
                found = self.detector.judge(model, self.tape, first, last)
                parts.append(found[:, max(known - first, 0) :])
                self.model = model
                if last == block_end(first):
                    self.memory = self.detector.learn(model, self.tape, first, last, self.memory)
                    self.first, self.model = last, None
        self._forget()
        scores = np.concatenate(parts, axis=1) if parts else np.full(values.shape, np.nan)
        if not self.detector.judges_missing:
            scores[~np.isfinite(values)] = np.nan
        return scores

    def _forget(self) -> None:
        """Drop the points that nothing looks at any more."""
        spare = self.first - self.detector.reach - self.tape.offset
        if spare > 0:
            self.tape = Tape(self.tape.values[:, spare:].copy(), self.tape.known[:, spare:].copy(), self.tape.offset + spare)

    def save(self) -> State:
        """The state as arrays, for `numpy.savez`; `load` goes on from it."""
        own = {"first": np.array(self.first), "offset": np.array(self.tape.offset), "tape": self.tape.values, "known": self.tape.known}
        return own | prefixed("memory.", self.memory)

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved state."""
        self.first = int(state["first"])
        self.tape = Tape(np.asarray(state["tape"], dtype=np.float64), np.asarray(state["known"], dtype=bool), int(state["offset"]))
        self.memory = part_of({name: np.asarray(value) for name, value in state.items()}, "memory.")
        self.model = None
