"""What `detect` had learned of the series of a metric by its last run.

One archive of arrays a metric, written whole or not at all. What cannot be read, or is of another state of this program, counts as not
there; a folder that cannot be written to keeps nothing, in silence. Keeping is a convenience: nothing but time depends on it.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import tempfile
import time
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from metricsctl.core.kept import digest, ignored_folder, program
from metricsctl.detect.base import FloatArray, State
from metricsctl.detect.conformal import MEMORY
from metricsctl.detect.resume import fits

__all__ = ["SeriesStates"]

_PARTS = ("core", "detect", "detect/detectors")
_NAMES, _INDEX, _DATA = "names", "index", "data"
_MOST_BYTES = 1 << 30  # of all files together: more is not kept
_A_WINDOW, _A_SCORE = 34, 80  # bytes that are kept of a window, and of one whose scores are still in memory
_UNUSED = 30 * 86_400  # seconds after which a file that nobody read gives way


class SeriesStates:
    """The states of the series of one metric, by name.

    `folder` is where they are kept (None: nowhere), `parts` all that they depend on beside the values: what the metric is, how it is split.
    """

    def __init__(self, folder: Path | None, parts: Iterable[str]) -> None:
        key = digest([program(_PARTS), np.__version__, *parts])
        self.path = None if folder is None else folder / "detect" / f"{key}.npz"
        self.known: dict[str, State] = {} if self.path is None else _read(self.path)
        self.fresh: dict[str, State] = {}
        self.stale: set[str] = set()  # known ones whose past has changed since

    def keeps(self, series: int, windows: int) -> bool:
        """Whether so many series more are not too much to keep."""
        series += len(self.fresh)
        return self.path is not None and series * (windows * _A_WINDOW + min(windows, MEMORY) * _A_SCORE) <= _MOST_BYTES

    def get(self, name: str, values: FloatArray, counts: FloatArray, settled: int) -> State | None:
        """The state of a series of which `settled` windows will not change any more; None if there is none, or if its past has changed."""
        state = self.known.get(name)
        if state is None or int(state["settled"]) > settled:
            return None
        if fits(state, values, counts):
            return state
        self.stale.add(name)
        return None

    def put(self, name: str, state: State) -> None:
        """Keep a state when the file is written."""
        self.fresh[name] = state

    def write(self) -> None:
        """Write the states that were put, unless those that are there already say as much or more."""
        if self.path is None or not self.fresh or (self.known.keys() == self.fresh.keys() and all(map(self._is_known, self.fresh))):
            return
        with contextlib.suppress(OSError):
            ignored_folder(self.path.parents[1])
            self.path.parent.mkdir(exist_ok=True)
            if _room(self.path) >= sum(value.nbytes for state in self.fresh.values() for value in state.values()):
                _write(self.path, self.fresh)

    def _is_known(self, name: str) -> bool:
        return name not in self.stale and int(self.fresh[name]["settled"]) <= int(self.known[name]["settled"])


def _room(path: Path) -> int:
    """How many bytes may be written to a file; others of its folder give way if nobody has read them for long."""
    taken = 0
    for other in path.parent.glob("*.npz"):
        found = other.stat()
        if time.time() - found.st_mtime > _UNUSED:
            other.unlink(missing_ok=True)
        elif other != path:
            taken += found.st_size
    return _MOST_BYTES - taken


def _read(path: Path) -> dict[str, State]:
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            index, data = json.loads(stored[_INDEX].tobytes()), stored[_DATA]
        os.utime(path)
        found: dict[str, State] = {name: {} for name in index[_NAMES]}
        start = 0
        for part, kind, shapes in index["parts"]:
            for name, shape in zip(found, shapes, strict=True):
                found[name][part] = np.frombuffer(data, np.dtype(kind), math.prod(shape), start).reshape(shape)
                start += found[name][part].nbytes
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        return {}
    return found


def _write(path: Path, states: dict[str, State]) -> None:
    """All arrays one behind the other, those of the same name together and the widest numbers first, and where which begins."""
    first = next(iter(states.values()))
    parts = sorted(first, key=lambda part: -first[part].itemsize)
    shapes = [(part, first[part].dtype.str, [state[part].shape for state in states.values()]) for part in parts]
    data = b"".join(np.ascontiguousarray(state[part], first[part].dtype).tobytes() for part in parts for state in states.values())
    index = json.dumps({_NAMES: list(states), "parts": shapes}).encode()
    arrays = {_INDEX: np.frombuffer(index, dtype=np.uint8), _DATA: np.frombuffer(data, dtype=np.uint8)}
    handle, name = tempfile.mkstemp(prefix=".new-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            np.savez(stream, allow_pickle=False, **arrays)
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)
