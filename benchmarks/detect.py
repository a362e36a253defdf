"""Detectors on the Numenta Anomaly Benchmark and on the AIOps KPI set.

    python benchmarks/detect.py [--data ../shared/data] [--detectors auto,jump,ar_residual] [--rows 90000] [--cache DIR]

NAB: the alerts that `detect` raises by default (shipped), and its scores with the best single threshold (optimised). AIOps: event F1 on
the second half of every series, with one threshold for all: the one chosen on the first half, and the best. `--rows` looks at so many
points around the middle of each AIOps series only. Scores are kept in `--cache`, one file a series.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import events
import nab
import numpy as np

from metricsctl.detect.base import Status
from metricsctl.detect.budget import Budget
from metricsctl.detect.examine import examine, verdicts_of
from metricsctl.detect.grid import Grid, seasons_of
from metricsctl.detect.registry import AUTO, create
from metricsctl.detect.scoring import EventScore
from metricsctl.detect.series import Series, SeriesSet, Traits

BUDGET = Budget.parse("1/week")
QUIET = 60  # points between two alerts of a detector's plain scores: an hour of minutes


def series_set(seconds: np.ndarray, values: np.ndarray) -> SeriesSet:
    """A series on the grid of its usual step; of rows at the same place the first one counts."""
    times = (seconds * 1e6).astype(np.int64)
    step = int(np.median(np.diff(np.unique(times))))
    grid = Grid.of(times, np.maximum.accumulate(np.round((times - times[0]) / step).astype(np.int64)), step)
    status = np.where(np.isfinite(values) & grid.single, np.uint8(Status.WARMING_UP), np.uint8(Status.MISSING))
    return SeriesSet(Traits("value"), grid, (Series({}, values, np.zeros(len(values)), status),))


def judged(seconds: np.ndarray, values: np.ndarray, detector: str) -> tuple[np.ndarray, np.ndarray]:
    """The score of each row, 0 where there is none, and whether an alert is raised."""
    item = series_set(seconds, values)
    found = examine(item, detector, BUDGET.rate(item.grid.length, 1), None, weekly_only=False).series[0]
    return np.nan_to_num(found.score), found.alert


def kept(cache: Path | None, name: str, work: Callable[[], tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """A result from the cache, or made and put there."""
    path = None if cache is None else cache / f"{name.replace('/', '-')}.npz"
    if path is not None and path.exists():
        with np.load(path) as stored:
            return stored["score"], stored["alert"]
    score, alert = work()
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, score=score, alert=alert)
    return score, alert


def check_scorer(files: list[nab.File]) -> None:
    """What is known of the scorer: nothing scores 0, perfection 100, chance about 11."""
    nothing = [np.zeros(len(file.value), dtype=bool) for file in files]
    perfect = [np.isin(np.arange(len(file.value)), [first for first, _ in file.windows]) for file in files]
    chance = [
        nab.optimised(files, [np.random.default_rng((seed, place)).random(len(f.value)) for place, f in enumerate(files)])[0]
        for seed in range(5)
    ]
    ends = f"none {nab.score(files, nothing):.1f}, perfect {nab.score(files, perfect):.1f}"
    print(f"NAB scorer: {ends}, chance {np.mean(chance):.1f} (published: 11.0)")


def on_nab(files: list[nab.File], detector: str, cache: Path | None) -> str:
    """One row of the table."""
    begun = time.process_time()
    found = [kept(cache, f"nab-{detector}-{file.name}", lambda file=file: judged(file.time, file.value, detector)) for file in files]
    spent = time.process_time() - begun
    scores, alerts = [one[0] for one in found], [one[1] for one in found]
    shipped = {profile: nab.score(files, alerts, profile) for profile in nab.PROFILES}
    best, threshold = nab.optimised(files, scores)
    folds = np.array([held_out(files, scores, fold) for fold in range(5)])
    profiles = " / ".join(f"{value:.1f}" for value in shipped.values())
    return (
        f"NAB    {detector:20s} shipped {profiles}, optimised {best:.1f} (at {threshold:.2f}), "
        f"threshold of other files {folds[:, 0].sum() / folds[:, 1].sum():.1f}, {spent:.0f} CPU-s"
    )


def held_out(files: list[nab.File], scores: list[np.ndarray], fold: int) -> tuple[float, int]:
    """The score on a fifth of the files with the threshold that is best for the others, times its windows, and their number."""
    rest = [place for place in range(len(files)) if place % 5 != fold]
    mine = [place for place in range(len(files)) if place % 5 == fold]
    _, threshold = nab.optimised([files[place] for place in rest], [scores[place] for place in rest])
    own = [files[place] for place in mine]
    number = sum(len(file.windows) for file in own)
    return nab.score(own, [scores[place] >= threshold for place in mine]) * number, number


def alerts_of(score: np.ndarray, threshold: float) -> np.ndarray:
    """The first point of each episode over a threshold."""
    over = np.flatnonzero(score >= threshold)
    found = np.zeros(len(score), dtype=bool)
    if len(over):
        found[over[np.append(True, np.diff(over) > QUIET)]] = True
    return found


def on_aiops(path: Path, detector: str, cache: Path | None, rows: int | None) -> str:
    """One row of the table."""
    stored = np.load(path)
    names = sorted(name[:-3] for name in stored.files if name.endswith("__t"))
    begun = time.process_time()
    scores, labels, halves = [], [], []
    for name in names:
        seconds, value, label, half = (stored[f"{name}__{part}"] for part in "tvln")
        first = 0 if rows is None else max(int(half) - rows * 2 // 3, 0)
        last = len(value) if rows is None else min(first + rows, len(value))
        part = slice(first, last)
        work = lambda seconds=seconds[part], value=value[part]: raw(seconds, value.astype(np.float64), detector)  # noqa: E731
        scores.append(kept(cache, f"aiops-{rows}-{detector}-{name}", work)[0])
        labels.append(label[part])
        halves.append(int(half) - first)
    spent = time.process_time() - begun

    def f1(threshold: float, *, late: bool) -> EventScore:
        cut = [slice(half, None) if late else slice(None, half) for half in halves]
        alerts = [alerts_of(one, threshold)[own] for one, own in zip(scores, cut, strict=True)]
        return events.score(alerts, [one[own] for one, own in zip(labels, cut, strict=True)])

    grid = np.unique(np.quantile(np.concatenate(scores), 1 - np.geomspace(5e-5, 1e-2, 25)))
    learned = max(grid, key=lambda threshold: f1(threshold, late=False).f1)
    best = max(grid, key=lambda threshold: f1(threshold, late=True).f1)
    first, second = f1(learned, late=True), f1(best, late=True)
    return (
        f"AIOps  {detector:20s} F1 {first.f1:.3f} with the threshold of the first half ({learned:.2f}), "
        f"{second.f1:.3f} with the best ({best:.2f}; again counted as false {second.strict:.3f}; "
        f"found {second.found}, missed {second.missed}, false {second.false}), {spent:.0f} CPU-s"
    )


def raw(seconds: np.ndarray, values: np.ndarray, detector: str) -> tuple[np.ndarray, np.ndarray]:
    """Scores before episodes are made of them, as a threshold that is moved needs them."""
    item = series_set(seconds, values)
    if detector == AUTO:
        score = verdicts_of(item, values[None], AUTO, 1e-3, seasons_of(item.grid.length, weekly_only=False)).score
    else:
        score = item.grid.gather(create(detector).score(item.grid.spread(values[None])))
    return np.nan_to_num(score[0], posinf=1e9).astype(np.float32), np.zeros(0, dtype=bool)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--detectors", default="auto")
    parser.add_argument("--rows", type=int)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--only", choices=["nab", "aiops"])
    options = parser.parse_args()
    files = nab.load(options.data / "nab")
    check_scorer(files)
    for detector in options.detectors.split(","):
        if options.only != "aiops":
            print(on_nab(files, detector, options.cache), flush=True)
        if options.only != "nab":
            print(on_aiops(options.data / "aiops_kpi" / "aiops_kpi.npz", detector, options.cache, options.rows), flush=True)


if __name__ == "__main__":
    main()
