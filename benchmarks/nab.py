"""The scoring of the Numenta Anomaly Benchmark, written from its paper: how early, how often, how falsely a detector alarms.

Lavin and Ahmad (2015), Evaluating Real-Time Anomaly Detection Algorithms: the Numenta Anomaly Benchmark.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

PROFILES = {"standard": (0.11, 1.0), "low FP": (0.22, 1.0), "low FN": (0.11, 2.0)}  # cost of a false alarm, of a missed window


@dataclass(frozen=True, slots=True)
class File:
    """A series of the corpus: seconds, values, and its windows as first and last row."""

    name: str
    time: np.ndarray
    value: np.ndarray
    windows: list[tuple[int, int]]

    @property
    def probation(self) -> int:
        """The first rows, which are not scored."""
        return min(int(0.15 * len(self.value)), 750)


def load(folder: Path) -> list[File]:
    """The corpus."""
    windows = json.loads((folder / "labels" / "combined_windows.json").read_text())
    files = []
    for name in sorted(windows):
        with (folder / "data" / name).open() as lines:
            rows = list(csv.reader(lines))[1:]
        stamps = [row[0] for row in rows]
        time = np.array([dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC).timestamp() for text in stamps])
        own = [(stamps.index(first[:19]), stamps.index(last[:19])) for first, last in windows[name]]
        files.append(File(name, time, np.array([float(row[1]) for row in rows]), own))
    return files


def sigmoid(position: np.ndarray | float) -> np.ndarray:
    """The scaled sigmoid: 1 far before, 0 at the end of a window, -1 far behind it."""
    place = np.asarray(position, dtype=np.float64)
    return np.where(place > 3, -1.0, 2 / (1 + np.exp(np.clip(5 * place, -700, 700))) - 1)


def weights(file: File) -> tuple[np.ndarray, np.ndarray]:
    """What an alert in each row is worth, and the window that the row lies in (-1: none)."""
    size = len(file.value)
    worth, window = np.full(size, -1.0), np.full(size, -1)
    for number, (first, last) in enumerate(file.windows):
        following = file.windows[number + 1][0] if number + 1 < len(file.windows) else size
        behind = np.arange(last + 1, following)
        worth[behind] = sigmoid((behind - last) / max(last - first, 1))
        inside = np.arange(first, last + 1)
        worth[inside] = sigmoid(-(last - inside + 1) / (last - first + 1)) / sigmoid(-1.0)
        window[inside] = number
    return worth, window


def score(files: list[File], alerts: list[np.ndarray], profile: str = "standard") -> float:
    """The score of alerts (one boolean array a file): 0 for none at all, 100 for one at the first row of each window."""
    false_alarm, missed = PROFILES[profile]
    total, number = 0.0, 0
    for file, found in zip(files, alerts, strict=True):
        worth, window = weights(file)
        scored = found.copy()
        scored[: file.probation] = False
        total += false_alarm * worth[scored & (window < 0)].sum()
        for place in range(len(file.windows)):
            hits = worth[scored & (window == place)]
            total += hits.max() if len(hits) else -missed
        number += len(file.windows)
    return float(100 * (total + missed * number) / (number * (1 + missed)))


def optimised(files: list[File], scores: list[np.ndarray], profile: str = "standard") -> tuple[float, float]:
    """The best score by one threshold for all files, and that threshold."""
    false_alarm, missed = PROFILES[profile]
    steps: list[tuple[float, float]] = []
    for file, own in zip(files, scores, strict=True):
        worth, window = weights(file)
        rows = np.arange(len(own)) >= file.probation
        outside = rows & (window < 0)
        steps += zip(own[outside].tolist(), (false_alarm * worth[outside]).tolist(), strict=True)
        for place in range(len(file.windows)):
            inside = np.flatnonzero(rows & (window == place))
            order = inside[np.argsort(-own[inside], kind="stable")]
            best = np.maximum.accumulate(worth[order]) if len(order) else np.array([])
            gains = np.diff(best, prepend=-missed)
            steps += zip(own[order].tolist(), gains.tolist(), strict=True)
    table = np.array(sorted(steps, key=lambda step: -step[0]))
    total = np.cumsum(table[:, 1])
    whole = np.append(np.diff(table[:, 0]) != 0, True)  # points of the same score come together
    number = sum(len(file.windows) for file in files)
    result = 100 * total[whole] / (number * (1 + missed))
    best_at = int(np.argmax(result))
    return max(float(result[best_at]), 0.0), float(table[whole][best_at, 0])
