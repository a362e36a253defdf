"""False alarms and found faults on simulated series of six kinds, eight weeks of hours, at a budget of one alarm a week.

    python benchmarks/detect_false_alarms.py [--series 170] [--detector auto]

Realised: alarms a series and week after the first two weeks, in which a series is learned. Found: the share of series in which an alert is
raised soon after a fault was planted (`FAULTS` says within how many hours), with the chance of one there by accident beside it.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from metricsctl.detect.base import Status
from metricsctl.detect.budget import Budget
from metricsctl.detect.examine import examine
from metricsctl.detect.grid import Grid
from metricsctl.detect.series import Series, SeriesSet, Traits

HOURS, WEEK, AT = 8 * 168, 168, 1000
HOUR = 3_600_000_000
RATE = Budget.parse("1/week").rate(HOUR, 1)
FAULTS = {"step": 24, "spike": 2, "drop to zero": 12, "slow drift": 168, "season change": 72}


def kinds(series: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """The ordinary series, shape (series, hours)."""
    hour = np.arange(HOURS)
    season = 1 + 0.5 * np.sin(2 * np.pi * hour / 24) * np.where(hour // 24 % 7 >= 5, 0.5, 1.0)
    normal = rng.normal(size=(series, HOURS))
    return {
        "seasonal": 100 * season + 5 * normal,
        "trending": 100 + 0.05 * hour + 3 * normal,
        "heteroscedastic": 100 * season * np.exp(0.1 * normal * season),
        "count": rng.poisson(20 * season, (series, HOURS)).astype(float),
        "intermittent": rng.poisson(0.3, (series, HOURS)).astype(float) * rng.integers(1, 5, (series, HOURS)),
        "random walk": 1000 + np.cumsum(normal, axis=1),
    }


def planted(values: np.ndarray, fault: str) -> np.ndarray:
    """The series with a fault from hour AT on, measured in standard deviations of the steps from hour to hour."""
    found = values.copy()
    noise = np.std(np.diff(values, axis=1), axis=1, keepdims=True) / np.sqrt(2)
    if fault == "step":
        found[:, AT:] += 5 * noise
    elif fault == "spike":
        found[:, AT] += 8 * noise[:, 0]
    elif fault == "drop to zero":
        found[:, AT : AT + 12] = 0
    elif fault == "slow drift":
        found[:, AT:] += 0.05 * noise * np.arange(HOURS - AT)
    else:
        found[:, AT:] = values[:, AT - 12 : HOURS - 12]
    return found


def alerts(values: np.ndarray, detector: str) -> np.ndarray:
    """Where an alert is raised, by the path that `detect --input` takes."""
    places = np.arange(values.shape[1])
    grid = Grid.of(places * HOUR, places, HOUR)
    status = np.full(values.shape[1], Status.WARMING_UP, dtype=np.uint8)
    item = SeriesSet(Traits("value"), grid, tuple(Series({}, row, np.zeros(len(row)), status) for row in values))
    return np.stack([one.alert for one in examine(item, detector, RATE, None, weekly_only=False).series])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=170)
    parser.add_argument("--kinds", default="")
    parser.add_argument("--detector", default="auto")
    parser.add_argument("--faulty", type=int, default=40)
    options = parser.parse_args()
    begun = time.process_time()
    print(f"{'kind':16s} alarms a week   " + "   ".join(f"{fault:>13s}" for fault in FAULTS) + "   (found / by accident)")
    for kind, values in kinds(options.series, np.random.default_rng(1)).items():
        if options.kinds and kind not in options.kinds.split(","):
            continue
        plain = alerts(values, options.detector)
        weekly = plain[:, 2 * WEEK :].sum() / len(values) / 6
        row = []
        for fault, within in FAULTS.items() if options.faulty else ():
            hit = alerts(planted(values[: options.faulty], fault), options.detector)[:, AT : AT + within].any(axis=1).mean()
            row.append(f"{hit:6.0%} / {plain[:, AT : AT + within].any(axis=1).mean():4.0%}")
        print(f"{kind:16s} {weekly:13.2f}   " + "   ".join(row), flush=True)
    print(f"{time.process_time() - begun:.0f} CPU-s")


if __name__ == "__main__":
    main()
