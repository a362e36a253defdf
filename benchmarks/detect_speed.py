"""What detection costs in CPU time: many short series, a long one, a second run, one more point; and what others cost for the same.

    python benchmarks/detect_speed.py [--series 400] [--points 1440] [--long 100000] [--peers 2000]

The times for 10,000 series of 1,440 points and for a million points are projected from as many as are asked for. `pandas` is a rolling
z-score of pandas, `IsolationForest` that of scikit-learn, fitted once on all points (which sees the future), `river` its half-space
trees, where it is installed (`pip install -e '.[bench]'`).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from metricsctl.detect.base import Status
from metricsctl.detect.detectors.auto import Auto
from metricsctl.detect.examine import verdicts_of
from metricsctl.detect.grid import Grid, seasons_of
from metricsctl.detect.registry import create
from metricsctl.detect.series import Series, SeriesSet, Traits
from metricsctl.detect.states import SeriesStates
from metricsctl.detect.stream import Stream

HOUR, SECOND = 3_600_000_000, 1_000_000
WANTED = 10_000 * 1_440


def seconds(work: Callable[[], object]) -> float:
    """The CPU seconds of some work."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def by_default(values: np.ndarray, length: int, states: SeriesStates | None = None) -> None:
    """All of `auto`: season, novelty, residuals, calibration."""
    places, seasons = np.arange(values.shape[1]), seasons_of(length, weekly_only=False)
    status = np.full(values.shape[1], Status.WARMING_UP, dtype=np.uint8)
    series = tuple(Series({"series": str(place)}, row, np.zeros(len(row)), status) for place, row in enumerate(values))
    verdicts_of(
        SeriesSet(Traits("value"), Grid.of(places * length, places, length), series), values, "auto", 1e-3, seasons, states, early=True
    )


def in_one_and_in_two(values: np.ndarray, length: int, more: int) -> tuple[float, float]:
    """CPU seconds of one run, and of one that goes on from the state behind all but the last points, files and all."""
    with tempfile.TemporaryDirectory() as name:

        def run(points: int) -> None:
            states = SeriesStates(Path(name), [])
            by_default(values[:, :points], length, states)
            states.write()

        run(values.shape[1] - more)
        return seconds(lambda: by_default(values, length)), seconds(lambda: run(values.shape[1]))


def one_more(points: int) -> float:
    """Milliseconds for one more point of a series that is warm."""
    values = np.random.default_rng(0).normal(100, 1, (1, points + 500))
    stream = Stream(Auto(24), 1)
    stream.push(values[:, :points])
    spent = seconds(lambda: [stream.push(values[:, place : place + 1]) for place in range(points, points + 500)])
    return 1e3 * spent / 500


def peers(values: np.ndarray) -> dict[str, float]:
    """CPU seconds of others for one series."""
    import pandas as pd
    from sklearn.ensemble import IsolationForest

    rolling, table = pd.Series(values).rolling(288), values[:, None]
    found = {
        "pandas rolling z": seconds(lambda: (values - rolling.mean()) / rolling.std()),
        "scikit-learn IsolationForest": seconds(lambda: IsolationForest(random_state=0).fit(table).score_samples(table)),
    }
    try:
        from river.anomaly import HalfSpaceTrees
    except ImportError:
        return found
    trees = HalfSpaceTrees(seed=0)

    def run() -> None:
        for value in values.tolist():
            trees.score_one({"x": value})
            trees.learn_one({"x": value})

    return found | {"river HalfSpaceTrees": seconds(run)}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=400)
    parser.add_argument("--points", type=int, default=1440)
    parser.add_argument("--long", type=int, default=100_000)
    parser.add_argument("--peers", type=int, default=2000)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    hour = np.arange(options.points)
    many = 100 + 30 * np.sin(2 * np.pi * hour / 24) + rng.normal(0, 3, (options.series, options.points))
    factor = WANTED / many.size
    for name, work in {
        "auto": lambda: by_default(many, HOUR),
        "robust_z": lambda: create("robust_z").score(many),
        "seasonal_robust_z": lambda: create("seasonal_robust_z").score(many),
        "jump": lambda: create("jump").score(many),
    }.items():
        spent = seconds(work)
        print(f"{name:20s} {options.series:,} series x {options.points:,}: {spent:.2f} CPU-s; 10,000 x 1,440: {factor * spent:.0f}")
    long = 100 + rng.normal(0, 1, (1, options.long))
    for name, work in {
        "auto": lambda: by_default(long, 60 * SECOND),
        "auto, no season": lambda: Auto(1440).score(long),
    }.items():
        spent = seconds(work)
        print(f"{name:20s} one series of {options.long:,}: {spent:.2f} CPU-s; a million points: {1e6 / options.long * spent:.0f}")
    for size, points in ((42, 8760), (2, 200_000)):
        table = 100 + rng.normal(0, 1, (size, points))
        whole, again = in_one_and_in_two(table, HOUR if points < 10_000 else 60 * SECOND, 24)
        print(
            f"auto                 {size} series x {points:,}: {whole:.2f} CPU-s; 24 points later {again:.2f} ({again / whole:.2f} of it)"
        )
    print(f"auto, no season      one more point of 5,000: {one_more(5000):.2f} ms")
    for name, spent in peers(long[0, : options.peers]).items():
        print(f"{name:30s} {options.peers:,} points: {spent:.2f} CPU-s; 10,000 x 1,440: {WANTED / options.peers * spent:,.0f}")


if __name__ == "__main__":
    main()
