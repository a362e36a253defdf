"""Detectors on the Numenta Anomaly Benchmark and on the AIOps KPI set.

    python benchmarks/detect.py [--data ../shared/data] [--detectors auto,jump,ar_residual] [--rows 90000] [--cache DIR]

NAB: the alerts that `detect` raises at a budget of one false alarm a week (shipped), at the best single budget for all files
(optimised), at the best one for other files, and its scores, as how rarely such a one comes, with the best threshold (points: by the
benchmark's own optimiser).
AIOps: event F1 on the second half of every series, with one threshold for all: the one chosen on the first half, and the best. `--rows`
looks at so many points around the middle of each AIOps series only. Scores are kept in `--cache`, one file a series.
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
from metricsctl.detect.episodes import quiet_windows, stretches
from metricsctl.detect.examine import verdicts_of
from metricsctl.detect.grid import Grid, seasons_of
from metricsctl.detect.registry import AUTO, create
from metricsctl.detect.scoring import EventScore
from metricsctl.detect.series import Series, SeriesSet, Traits

BUDGET = Budget.parse("1/week")
WEEKLY = np.geomspace(1 / 8, 4, 41).tolist()  # budgets that are compared, false alarms a week
QUIET = 120  # points between two alerts of a detector's plain scores: two hours of minutes, as `quiet_windows` has it


def series_set(seconds: np.ndarray, values: np.ndarray) -> SeriesSet:
    """A series on the grid of its usual step; of rows at the same place the first one counts."""
    times = (seconds * 1e6).astype(np.int64)
    step = int(np.median(np.diff(np.unique(times))))
    grid = Grid.of(times, np.maximum.accumulate(np.round((times - times[0]) / step).astype(np.int64)), step)
    status = np.where(np.isfinite(values) & grid.single, np.uint8(Status.WARMING_UP), np.uint8(Status.MISSING))
    return SeriesSet(Traits("value"), grid, (Series({}, values, np.zeros(len(values)), status),))


def judged(seconds: np.ndarray, values: np.ndarray, detector: str) -> dict[str, np.ndarray]:
    """What is found of each row, before there is a budget."""
    item = series_set(seconds, values)
    usable = np.where(item.series[0].status == Status.WARMING_UP, values, np.nan)
    found = verdicts_of(item, usable[None], detector, 1.0, seasons_of(item.grid.length, weekly_only=False), early=True)
    return {"score": found.score[0], "side": found.side[0], "deviation": found.deviation[0], "length": np.array(item.grid.length)}


def alerts_at(found: dict[str, np.ndarray], weekly: float) -> np.ndarray:
    """Where an alert is raised at a budget of so many false alarms a week."""
    length = int(found["length"])
    anomaly = found["score"] > -np.log10(Budget(weekly, BUDGET.period).rate(length, 1))
    own = (anomaly, np.where(anomaly, found["side"], 0).astype(np.int8), found["score"], found["deviation"])
    alerts = np.zeros(len(anomaly), dtype=bool)
    alerts[[place for stretch in stretches(*own, quiet_windows(length)) for place in stretch.alerts]] = True
    return alerts


def rarity(found: dict[str, np.ndarray], alerts: np.ndarray) -> np.ndarray:
    """The decimal logarithm of the weeks between two rows as odd as each; the least there is where a row only prolongs an episode."""
    rate = BUDGET.rate(int(found["length"]), 1)
    score = np.nan_to_num(found["score"])
    return np.where(alerts | (score <= -np.log10(rate)), score, 0.0) + np.log10(rate)


def kept(cache: Path | None, name: str, work: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """A result from the cache, or made and put there."""
    path = None if cache is None else cache / f"{name.replace('/', '-')}.npz"
    if path is not None and path.exists():
        with np.load(path) as stored:
            return dict(stored)
    found = work()
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, **found)  # type: ignore[arg-type]
    return found


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
    alerts = {weekly: [alerts_at(one, weekly) for one in found] for weekly in WEEKLY}
    shipped = [alerts_at(one, BUDGET.alarms) for one in found]
    profiles = " / ".join(f"{nab.score(files, shipped, profile):.1f}" for profile in nab.PROFILES)
    best = max(WEEKLY, key=lambda weekly: nab.score(files, alerts[weekly]))
    folds = np.array([held_out(files, alerts, fold) for fold in range(5)])
    points, _ = nab.optimised(files, [rarity(one, own) for one, own in zip(found, shipped, strict=True)])
    return (
        f"NAB    {detector:20s} shipped {profiles}, optimised {nab.score(files, alerts[best]):.1f} (at {best:.2f} a week), "
        f"budget of other files {folds[:, 0].sum() / folds[:, 1].sum():.1f}, points {points:.1f}, {spent:.0f} CPU-s"
    )


def held_out(files: list[nab.File], alerts: dict[float, list[np.ndarray]], fold: int) -> tuple[float, int]:
    """The score on a fifth of the files at the budget that is best for the others, times its windows, and their number."""
    rest = [place for place in range(len(files)) if place % 5 != fold]
    mine = [place for place in range(len(files)) if place % 5 == fold]

    def score(weekly: float, places: list[int]) -> float:
        return nab.score([files[place] for place in places], [alerts[weekly][place] for place in places])

    best = max(WEEKLY, key=lambda weekly: score(weekly, rest))
    number = sum(len(files[place].windows) for place in mine)
    return score(best, mine) * number, number


def alerts_of(score: np.ndarray, threshold: float) -> np.ndarray:
    """The first point of each episode over a threshold."""
    anomaly = score >= threshold
    found = np.zeros(len(score), dtype=bool)
    found[[one.alert for one in stretches(anomaly, anomaly.astype(np.int8), score, score, QUIET)]] = True
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
        scores.append(kept(cache, f"aiops-{rows}-{detector}-{name}", work)["score"])
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


def raw(seconds: np.ndarray, values: np.ndarray, detector: str) -> dict[str, np.ndarray]:
    """Scores before episodes are made of them, as a threshold that is moved needs them."""
    item = series_set(seconds, values)
    if detector == AUTO:
        score = verdicts_of(item, values[None], AUTO, 1e-3, seasons_of(item.grid.length, weekly_only=False), early=True).score
    else:
        score = item.grid.gather(create(detector).score(item.grid.spread(values[None])))
    return {"score": np.nan_to_num(score[0], posinf=1e9).astype(np.float32)}


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
