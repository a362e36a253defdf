"""How often `impact --observe` says that a metric moved: of simulated series on which nothing was done, and of some that were shifted.

    python benchmarks/observe.py [--series 400] [--hours 24]

Six weeks of hourly values with a day and a week in them, of kinds that series are like: counts, small counts, noise that hangs
together, heavy tails, quotients of counts, growth of a tenth a week, a random walk, days that are better or worse as a whole. The change
comes at any hour of the day.
"""

from __future__ import annotations

import argparse
import random

import numpy as np
import numpy.typing as npt

from metricsctl.impact.observe.compare import DAY, compared_soon
from metricsctl.impact.observe.stats import q_values

HOUR = DAY // 24
WEEKS = 6
KINDS = ("counts", "small counts", "AR(1) 0.8", "Student's t(3)", "quotients", "growth", "random walk", "days")
Floats = npt.NDArray[np.float64]


def series(kind: str, rng: np.random.Generator, hours: int) -> tuple[npt.NDArray[np.int64], Floats]:
    """Starts of windows, and values without a change."""
    n = WEEKS * 7 * 24 + hours
    t = np.arange(n)
    level = 100 * (1 + 0.6 * np.sin(2 * np.pi * (t % 24) / 24)) * np.where((t // 24) % 7 >= 5, 0.7, 1.0)
    return t * HOUR, _noise(kind, rng, level, t)


def _noise(kind: str, rng: np.random.Generator, level: Floats, t: npt.NDArray[np.int64]) -> Floats:
    n = len(level)
    if kind == "small counts":
        return rng.poisson(level / 30).astype(float)
    if kind == "AR(1) 0.8":
        shocks, found = rng.normal(0, 1, n), np.zeros(n)
        for place in range(1, n):
            found[place] = 0.8 * found[place - 1] + shocks[place]
        return level * (1 + 0.05 * found)
    if kind == "Student's t(3)":
        return level * (1 + 0.1 * rng.standard_t(3, n))
    if kind == "quotients":
        of = rng.poisson(level) + 1
        return rng.binomial(of, 0.1) / of
    if kind == "growth":
        return rng.poisson(level * (1 + 0.1 * t / (7 * 24))).astype(float)
    if kind == "random walk":
        return level * np.exp(np.cumsum(rng.normal(0, 0.01, n)))
    if kind == "days":
        return rng.poisson(level * np.exp(np.repeat(rng.normal(0, 0.08, n // 24 + 1), 24)[:n])).astype(float)
    return rng.poisson(level).astype(float)


def p_value(kind: str, seed: int, hours: int, shift: float = 0.0) -> float:
    """That of one series, with a relative shift after the change."""
    rng = np.random.default_rng(seed)
    times, values = series(kind, rng, hours + 24)
    moment = int(times[WEEKS * 7 * 24]) + int(rng.integers(0, 24)) * HOUR
    values = np.where(times >= moment, values * (1 + shift), values)
    kept = times < moment + hours * HOUR
    found = compared_soon(times[kept], times[kept] % (7 * DAY), values[kept], moment, HOUR)
    return 1.0 if isinstance(found, str) else found.p


def main() -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=400)
    parser.add_argument("--hours", type=int, default=24)
    options = parser.parse_args()
    count, hours = options.series, options.hours
    print("| series | p <= 0.05 | p <= 0.01 | shifted by 10 % | 20 % | 50 % |")
    print("|---|---|---|---|---|---|")
    null: list[float] = []
    strong: list[float] = []
    for kind in KINDS:
        p = np.array([p_value(kind, seed, hours) for seed in range(count)])
        null += p.tolist()
        cells = [f"{100 * float(np.mean(p <= bound)):.1f} %" for bound in (0.05, 0.01)]
        for shift in (-0.1, -0.2, -0.5):
            found = [p_value(kind, seed, hours, shift) for seed in range(count, count + count // 4)]
            cells.append(f"{100 * float(np.mean(np.array(found) <= 0.05)):.0f} %")
            strong += found if shift == -0.5 else []
        print(f"| {kind} | {' | '.join(cells)} |", flush=True)
    print(f"\nall without a change: {100 * float(np.mean(np.array(null) <= 0.05)):.1f} % at 0.05")
    chance = random.Random(1)
    wrong = said = 0
    for _ in range(500):  # forty metrics, five of which are halved
        moved, still = chance.sample(strong, 5), chance.sample(null, 35)
        found = [rate <= 0.05 for rate in q_values([*moved, *still])]
        wrong, said = wrong + sum(found[5:]), said + sum(found)
    print(f"of 40 metrics 5 are halved: {100 * wrong / max(said, 1):.1f} % of those that are said to have moved have not")


if __name__ == "__main__":
    main()
