"""One case from a seed: definitions, event files, change events, the question, and the truth."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from incidents.commits import write_history
from incidents.faults import FAULTS, Columns, Fault, Hit
from incidents.world import DAYS, DIMENSIONS, SERVICES, START, FloatArray, Source, World, make_world, rates

__all__ = ["Case", "make_case"]

QUIET_EVERY = 4
_CANDIDATES = 6
_UNTOLD = 0.2  # share of faults by a change that nobody wrote down
_SIGMAS = (1.5, 3.0, 6.0)


@dataclass(frozen=True)
class Case:
    """The question (a metric and a time, microseconds) and the truth; `fault` is None where nothing happened.

    `change` is the guilty event or commit, None where nobody wrote it down.
    `node` is the source at fault, None where it was what is made of it.
    """

    seed: int
    folder: Path
    metric: str
    at: int
    fault: Fault | None
    sigmas: float
    change: str | None
    node: str | None
    segments: tuple[dict[str, str], ...]

    @property
    def half(self) -> str:
        """Even seeds are for tuning, odd ones for the report."""
        return "report" if self.seed % 2 else "tune"


def make_case(folder: Path, seed: int) -> Case:
    """Write the files of a case into `folder` (new); the same seed gives the same bytes."""
    chance = np.random.default_rng(seed)
    world = make_world(chance)
    number = seed // 2
    fault = None if number % QUIET_EVERY == 0 else FAULTS[(number - number // QUIET_EVERY - 1) % len(FAULTS)]
    source = world.sources[int(chance.integers(len(world.sources)))]
    if fault is not None and fault.segmented == "mix":
        source = _uneven(source, chance)
        world = World(tuple(source if item.name == source.name else item for item in world.sources), world.definitions, world.inputs)
    metrics = [name for name, inputs in world.inputs.items() if fault is None or (inputs == (source.name,) and name.endswith(fault.shows))]
    metric = metrics[int(chance.integers(len(metrics)))]
    hit, faulty, at = _struck(chance, source, fault, metric)
    folder.mkdir(parents=True)
    (folder / "metrics.yml").write_text(world.definitions, encoding="utf-8")
    (folder / "events").mkdir()
    for item in world.sources:
        own = faulty is not None and item.name == source.name
        _write(folder / "events" / f"{item.name}.csv", item, faulty if own and faulty is not None else _events(chance, item))
    told = np.random.default_rng((seed, 1)).random() >= _UNTOLD
    guilty = "guilty" if fault is not None and fault.has_change and not fault.is_commit and told else None
    _write_changes(folder / "changes.jsonl", chance, world, source, hit.start, guilty)
    if fault is not None and fault.is_commit:
        guilty = write_history(folder, world.definitions, source.service, hit.start - chance.uniform(0, 0.3))
    segments = () if fault is None or fault.segmented == "no" else (hit.segment, *([hit.target] if hit.target is not None else []))
    node = None if fault is None or fault.is_commit else f"source:{source.name}"
    time = int((START + dt.timedelta(hours=at)).timestamp()) * 1_000_000
    return Case(seed, folder, metric, time, fault, hit.sigmas, guilty, node, segments)


def _uneven(source: Source, chance: np.random.Generator) -> Source:
    """The same source with success rates that differ by country or platform, so that a shift of mix shows."""
    name = source.dimensions[0]
    low = int(chance.integers(len(DIMENSIONS[name])))
    success = [0.15 if cell[0] == DIMENSIONS[name][low] else 0.75 for cell in source.cells]
    return dataclasses.replace(source, success=np.array(success))


def _hit(chance: np.random.Generator, source: Source, fault: Fault | None) -> Hit:
    start = float(chance.uniform(24 * (DAYS - 5), 24 * (DAYS - 3)))
    length = float(chance.uniform(10, 30)) * (2 if fault is not None and not fault.is_step else 1)
    sigmas = float(chance.choice(_SIGMAS))
    target = None
    segment: dict[str, str] = {}
    if fault is not None and fault.segmented == "one":
        count = 1 if chance.random() < 0.7 else 2
        names = chance.permutation(source.dimensions)[:count].tolist()
        segment = {name: str(chance.choice(DIMENSIONS[name])) for name in names}
    elif fault is not None and fault.segmented == "mix":
        name = source.dimensions[0]
        low = next(cell[0] for cell, rate in zip(source.cells, source.success, strict=True) if rate < 0.5)
        large = max((value for value in DIMENSIONS[name] if value != low), key=lambda value: _weight(source, value))
        segment, target = {name: large}, {name: low}
    elif fault is not None and fault.kind == "late source":
        start, length = float(24 * DAYS - chance.uniform(6, 14)), 24.0
        return Hit(start, float(24 * DAYS), {}, sigmas)
    return Hit(start, min(start + length, 24.0 * DAYS - 12), segment, sigmas, target)


def _struck(chance: np.random.Generator, source: Source, fault: Fault | None, metric: str) -> tuple[Hit, Columns | None, int]:
    """Where it strikes, the events of the source with the fault, and the hour in which somebody asks.

    A segment that is too small to move the metric by one and a half standard deviations of an hour is not struck: another is drawn.
    """
    hit = _hit(chance, source, fault)
    if fault is None:
        return hit, None, int(hit.start + 0.4 * (hit.end - hit.start))
    events = _events(chance, source)
    clean = _hourly(events, metric)
    for _ in range(6):
        found, reached, at = _faulty(chance, source, events, fault, hit, metric, clean)
        if fault.is_data or reached >= _SIGMAS[0] * (1.0 if fault.is_step else 0.5):
            break
        hit = _hit(chance, source, fault)
    return hit, found, at


def _faulty(
    chance: np.random.Generator, source: Source, events: Columns, fault: Fault, hit: Hit, metric: str, clean: FloatArray
) -> tuple[Columns, float, int]:
    """The events with the fault, how far the metric moved, and the hour in which somebody would ask.

    The fault is made stronger until the metric moves by as many standard deviations of an hour as it should. The hour is the one that
    stands out most from the week before.
    """
    week = clean[168:] - clean[:-168]
    noise = 1.4826 * float(np.nanmedian(np.abs(week - np.nanmedian(week)))) / np.sqrt(2)
    inside = slice(int(np.ceil(hit.start)), int(hit.end))
    seed, strength = int(chance.integers(2**31)), hit.sigmas
    for _ in range(6):
        found = fault.apply(np.random.default_rng(seed), source, events, dataclasses.replace(hit, sigmas=strength))
        observed = _hourly(found, metric)
        moved = float(np.nanmean(observed[inside] - clean[inside]))
        if fault.is_data or abs(moved) >= hit.sigmas * noise * (1.0 if fault.is_step else 0.5):
            break
        strength *= 1.4
    out = np.nan_to_num((np.sign(moved) or 1.0) * (observed - np.roll(observed, 168))[inside], nan=0.0)
    return found, abs(moved) / noise, inside.start + int(np.argmax(out))


def _hourly(events: Columns, metric: str) -> FloatArray:
    """A metric by hour, computed straight from the events."""
    hour, ok = events["hour"].astype(np.int64), events["ok"].astype(np.float64)
    amount = np.nan_to_num(events["amount"].astype(np.float64), nan=0.0)
    size = DAYS * 24
    count, done = np.bincount(hour, minlength=size).astype(np.float64), np.bincount(hour, ok, size)
    kind = metric.rpartition("_")[2]
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "events": count,
            "ok": done,
            "value": np.bincount(hour, amount * ok, size),
            "rate": done / count,
            "mean": np.bincount(hour, amount, size) / count,
        }[kind]


def _weight(source: Source, value: str) -> float:
    return float(sum(share for share, cell in zip(source.shares, source.cells, strict=True) if cell[0] == value))


def _events(chance: np.random.Generator, source: Source) -> Columns:
    counts = chance.poisson(rates(chance, source))
    hour, cell = np.nonzero(counts)
    repeat = counts[hour, cell]
    hour, cell = np.repeat(hour, repeat), np.repeat(cell, repeat)
    time = hour + chance.random(len(hour))
    order = np.argsort(time, kind="stable")
    time, cell = time[order], cell[order]
    columns: Columns = {"hour": time}
    left = cell.copy()
    for name in reversed(source.dimensions):
        columns[name] = left % len(DIMENSIONS[name])
        left = left // len(DIMENSIONS[name])
    columns["amount"] = source.amount * np.exp(chance.normal(0, 0.35, len(cell)))
    columns["ok"] = chance.random(len(cell)) < source.success[cell]
    return columns


def _write(path: Path, source: Source, events: Columns) -> None:
    start = np.datetime64(START.replace(tzinfo=None), "ms")
    order = np.argsort(events["hour"], kind="stable")
    times = np.datetime_as_string(start + (events["hour"][order] * 3_600_000).astype("timedelta64[ms]"), timezone="UTC").tolist()
    amounts = ["" if np.isnan(value) else f"{value:.2f}" for value in events["amount"][order].tolist()]
    oks = ["true" if value else "false" for value in events["ok"][order].tolist()]
    names = [[DIMENSIONS[name][code] for code in events[name][order].astype(np.int64).tolist()] for name in source.dimensions]
    lines = [",".join(parts) for parts in zip(times, amounts, oks, *names, strict=True)]
    path.write_text("\n".join([",".join(["at", "amount", "ok", *source.dimensions]), *lines, ""]), encoding="utf-8")


def _write_changes(path: Path, chance: np.random.Generator, world: World, source: Source, start: float, guilty: str | None) -> None:
    """Six change events: the guilty one and five decoys, or six decoys."""
    known = [item.service for item in world.sources]
    others = [name for name in SERVICES if name != source.service]
    decoys = [
        (source.service, start - chance.uniform(8, 72)),
        (source.service, start + chance.uniform(4, 24)),
        (str(chance.choice(others)), start - chance.uniform(0, 1)),
        (str(chance.choice(known)), start - chance.uniform(12, 96)),
        (str(chance.choice(others)), start + chance.uniform(-24, 24)),
        (str(chance.choice(known)), start - chance.uniform(24, 120)),
    ]
    events = [("guilty", source.service, start - chance.uniform(0, 0.3))] if guilty else []
    events += [(f"decoy-{place}", service, hour) for place, (service, hour) in enumerate(decoys[: _CANDIDATES - len(events)])]
    lines = [
        json.dumps(
            {
                "id": name,
                "time": (START + dt.timedelta(hours=hour)).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "kind": "deploy",
                "service": service,
                "title": f"Release of {service}",
            }
        )
        for name, service, hour in events
    ]
    path.write_text("\n".join(chance.permutation(lines).tolist()) + "\n", encoding="utf-8")
