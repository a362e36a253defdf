"""False alarms and found faults on simulated series of six kinds, eight weeks of hours, at a budget of one alarm a week.

    python benchmarks/detect_false_alarms.py [--series 170] [--detector auto] [--curves] [--picture docs/detect-power.svg]

Realised: alarms a series and week after the first two weeks, in which a series is learned. Found: the share of series in which an alert is
raised soon after a fault was planted (`FAULTS` says within how many hours), with the chance of one there by accident beside it.
`--curves` says so for each strength of each fault, as markdown; `--picture` draws them.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

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
USUAL = {"step": 5.0, "spike": 8.0, "drop to zero": 1.0, "slow drift": 0.05, "season change": 12.0}
STRENGTHS = {  # each with its unit
    "step": ((0.5, 1.0, 2.0, 3.0, 5.0, 8.0), "sd"),
    "spike": ((2.0, 3.0, 4.0, 6.0, 8.0, 12.0), "sd"),
    "drop to zero": ((0.1, 0.2, 0.3, 0.5, 0.7, 1.0), "share lost, 12 hours"),
    "slow drift": ((0.005, 0.01, 0.02, 0.05, 0.1, 0.2), "sd an hour"),
    "season change": ((1.0, 2.0, 3.0, 4.0, 6.0, 12.0), "hours"),
}


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


def planted(values: np.ndarray, fault: str, strength: float | None = None) -> np.ndarray:
    """The series with a fault from hour AT on, its strength in standard deviations of the steps from hour to hour, a share, or hours."""
    found, size = values.copy(), USUAL[fault] if strength is None else strength
    noise = np.std(np.diff(values, axis=1), axis=1, keepdims=True) / np.sqrt(2)
    if fault == "step":
        found[:, AT:] += size * noise
    elif fault == "spike":
        found[:, AT] += size * noise[:, 0]
    elif fault == "drop to zero":
        found[:, AT : AT + 12] *= 1 - size
    elif fault == "slow drift":
        found[:, AT:] += size * noise * np.arange(HOURS - AT)
    else:
        found[:, AT:] = values[:, AT - int(size) : HOURS - int(size)]
    return found


def alerts(values: np.ndarray, detector: str) -> np.ndarray:
    """Where an alert is raised, by the path that `detect --input` takes."""
    places = np.arange(values.shape[1])
    grid = Grid.of(places * HOUR, places, HOUR)
    status = np.full(values.shape[1], Status.WARMING_UP, dtype=np.uint8)
    item = SeriesSet(Traits("value"), grid, tuple(Series({}, row, np.zeros(len(row)), status) for row in values))
    return np.stack([one.alert for one in examine(item, detector, RATE, None, weekly_only=False).series])


def found_share(values: np.ndarray, fault: str, detector: str, strength: float | None = None) -> float:
    """The share of series in which a fault is found soon after it."""
    return float(alerts(planted(values, fault, strength), detector)[:, AT : AT + FAULTS[fault]].any(axis=1).mean())


def curves(series: int, detector: str, names: list[str]) -> dict[str, dict[str, list[float]]]:
    """Fault -> kind -> the share found at each strength, the one by accident first."""
    result: dict[str, dict[str, list[float]]] = {fault: {} for fault in STRENGTHS}
    for kind, values in kinds(series, np.random.default_rng(1)).items():
        if names and kind not in names:
            continue
        plain = alerts(values, detector)
        for fault, (strengths, _) in STRENGTHS.items():
            accident = float(plain[:, AT : AT + FAULTS[fault]].any(axis=1).mean())
            result[fault][kind] = [accident, *(found_share(values, fault, detector, strength) for strength in strengths)]
    return result


def print_curves(found: dict[str, dict[str, list[float]]]) -> None:
    """A table a fault."""
    for fault, rows in found.items():
        strengths, unit = STRENGTHS[fault]
        print(f"\n| {fault}: {unit} | by accident | " + " | ".join(f"{one:g}" for one in strengths) + " |")
        print("|---|" + "---:|" * (len(strengths) + 1))
        for kind, shares in rows.items():
            print(f"| {kind} | " + " | ".join(f"{share:.0%}" for share in shares) + " |")


def picture(found: dict[str, dict[str, list[float]]]) -> str:
    """The same as one picture: a panel a fault, a line a kind, strengths on a scale of their logarithms."""
    colours = dict(zip(next(iter(found.values())), ("#1f6feb", "#d1242f", "#2da44e", "#9a6700", "#8250df", "#57606a"), strict=False))
    wide, high, parts = 190, 150, []
    for panel, (fault, rows) in enumerate(found.items()):
        strengths, unit = STRENGTHS[fault]
        left, top = 40 + panel * (wide + 30), 40
        across = np.log(np.array(strengths) / strengths[0]) / np.log(strengths[-1] / strengths[0]) * wide + left
        parts.append(f'<text x="{left + wide / 2}" y="{top - 14}" text-anchor="middle" font-weight="bold">{fault}</text>')
        for share in (0.0, 0.5, 1.0):
            y = top + high * (1 - share)
            parts.append(f'<line x1="{left}" x2="{left + wide}" y1="{y}" y2="{y}" stroke="#d0d7de"/>')
            parts += [f'<text x="{left - 6}" y="{y + 4}" text-anchor="end">{share:.0%}</text>'] if not panel else []
        parts += [
            f'<text x="{x:.1f}" y="{top + high + 16}" text-anchor="middle">{one:g}</text>' for x, one in zip(across, strengths, strict=True)
        ]
        parts.append(f'<text x="{left + wide / 2}" y="{top + high + 32}" text-anchor="middle" fill="#57606a">{unit}</text>')
        for kind, shares in rows.items():
            points = " ".join(f"{x:.1f},{top + high * (1 - share):.1f}" for x, share in zip(across, shares[1:], strict=True))
            parts.append(f'<polyline points="{points}" fill="none" stroke="{colours[kind]}" stroke-width="2"/>')
    for place, (kind, colour) in enumerate(colours.items()):
        x, y = 40 + place * 180, 40 + high + 60
        parts.append(f'<rect x="{x}" y="{y - 9}" width="14" height="4" fill="{colour}"/><text x="{x + 20}" y="{y - 3}">{kind}</text>')
    size = f'viewBox="0 0 {40 + len(found) * (wide + 30)} {high + 115}"'
    style = 'font-family="sans-serif" font-size="11" fill="#1f2328"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}><rect width="100%" height="100%" fill="white"/>{"".join(parts)}</svg>\n'


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=170)
    parser.add_argument("--kinds", default="")
    parser.add_argument("--detector", default="auto")
    parser.add_argument("--faulty", type=int, default=40)
    parser.add_argument("--curves", action="store_true")
    parser.add_argument("--picture", type=Path)
    options = parser.parse_args()
    names = [name for name in options.kinds.split(",") if name]
    if options.curves or options.picture:
        found = curves(options.faulty, options.detector, names)
        print_curves(found)
        if options.picture:
            options.picture.write_text(picture(found), encoding="utf-8")
        return
    begun = time.process_time()
    print(f"{'kind':16s} alarms a week   " + "   ".join(f"{fault:>13s}" for fault in FAULTS) + "   (found / by accident)")
    for kind, values in kinds(options.series, np.random.default_rng(1)).items():
        if names and kind not in names:
            continue
        plain = alerts(values, options.detector)
        weekly = plain[:, 2 * WEEK :].sum() / len(values) / 6
        row = []
        for fault, within in FAULTS.items() if options.faulty else ():
            hit = found_share(values[: options.faulty], fault, options.detector)
            row.append(f"{hit:6.0%} / {plain[:, AT : AT + within].any(axis=1).mean():4.0%}")
        print(f"{kind:16s} {weekly:13.2f}   " + "   ".join(row), flush=True)
    print(f"{time.process_time() - begun:.0f} CPU-s")


if __name__ == "__main__":
    main()
