"""The faults: what each does to the events of one source, where, and what would be the right answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from incidents.world import DIMENSIONS, Source

__all__ = ["FAULTS", "Columns", "Fault", "Hit"]

Columns = dict[str, npt.NDArray[np.generic]]
Segment = dict[str, str]


@dataclass(frozen=True)
class Hit:
    """Where and when: hours since the start, the segment (empty: all), and how strong, in standard deviations of an hour's count."""

    start: float
    end: float
    segment: Segment
    sigmas: float
    target: Segment | None = None


@dataclass(frozen=True)
class Fault:
    """A kind of fault; which metrics show it (by the end of their names), whether a change causes it, and whether a segment carries it."""

    kind: str
    shows: tuple[str, ...]
    has_change: bool
    segmented: str  # "no", "one" (of one or two dimensions), "mix"
    apply: Callable[[np.random.Generator, Source, Columns, Hit], Columns]
    is_step: bool = True
    is_data: bool = False
    is_commit: bool = False  # the change is a commit of the definitions


def _inside(source: Source, events: Columns, hit: Hit) -> npt.NDArray[np.bool_]:
    found = (events["hour"] >= hit.start) & (events["hour"] < hit.end)
    for name, value in hit.segment.items():
        found = found & (events[name] == DIMENSIONS[name].index(value))
    return found


def _share(source: Source, hit: Hit) -> float:
    """How large a share of the segment's events makes `sigmas` standard deviations of an hour's total."""
    part = sum(
        share
        for share, cell in zip(source.shares, source.cells, strict=True)
        if all(cell[source.dimensions.index(name)] == value for name, value in hit.segment.items())
    )
    return float(np.clip(hit.sigmas * np.sqrt(1 / source.hourly + 0.02**2) / part, 0.05, 0.95))


def _kept(events: Columns, keep: npt.NDArray[np.bool_]) -> Columns:
    return {name: values[keep] for name, values in events.items()}


def _lose(chance: np.random.Generator, source: Source, events: Columns, hit: Hit) -> Columns:
    lost = _inside(source, events, hit) & (chance.random(len(events["hour"])) < _share(source, hit))
    return _kept(events, ~lost)


def _outage(chance: np.random.Generator, source: Source, events: Columns, hit: Hit) -> Columns:
    return _kept(events, ~_inside(source, events, hit))


def _late(chance: np.random.Generator, source: Source, events: Columns, hit: Hit) -> Columns:
    return _kept(events, events["hour"] < hit.start)


def _duplicate(chance: np.random.Generator, source: Source, events: Columns, hit: Hit) -> Columns:
    twice = _inside(source, events, hit) & (chance.random(len(events["hour"])) < _share(source, hit))
    return {name: np.concatenate([values, values[twice]]) for name, values in events.items()}


def _nulls(chance: np.random.Generator, source: Source, events: Columns, hit: Hit) -> Columns:
    gone = _inside(source, events, hit) & (chance.random(len(events["hour"])) < max(_share(source, hit), 0.4))
    return events | {"amount": np.where(gone, np.nan, events["amount"])}


def _unit(chance: np.random.Generator, source: Source, events: Columns, hit: Hit) -> Columns:
    return events | {"amount": np.where(_inside(source, events, hit), events["amount"] * 100, events["amount"])}


def _drift(chance: np.random.Generator, source: Source, events: Columns, hit: Hit) -> Columns:
    grown = np.clip((events["hour"] - hit.start) / max((hit.end - hit.start) / 2, 1), 0, 1)
    lost = _inside(source, events, hit) & (chance.random(len(grown)) < _share(source, hit) * grown)
    return _kept(events, ~lost)


def _mix(chance: np.random.Generator, source: Source, events: Columns, hit: Hit) -> Columns:
    assert hit.target is not None
    ((name, value),) = hit.target.items()
    moved = _inside(source, events, hit) & (chance.random(len(events["hour"])) < 0.8)
    place = np.where(moved, DIMENSIONS[name].index(value), events[name])
    changed = events | {name: place}
    cell = np.zeros(len(place), dtype=np.int64)
    for dimension in source.dimensions:
        cell = cell * len(DIMENSIONS[dimension]) + changed[dimension].astype(np.int64)
    again = chance.random(len(place)) < source.success[cell]
    return changed | {"ok": np.where(moved, again, events["ok"])}


def _fail(chance: np.random.Generator, source: Source, events: Columns, hit: Hit) -> Columns:
    share = min(_share(source, hit) * 1.5, 0.95)
    failed = _inside(source, events, hit) & (chance.random(len(events["hour"])) < share)
    return events | {"ok": events["ok"].astype(bool) & ~failed}


def _cheaper(chance: np.random.Generator, source: Source, events: Columns, hit: Hit) -> Columns:
    factor = 1 - min(_share(source, hit) * 1.5, 0.9)
    return events | {"amount": np.where(_inside(source, events, hit), events["amount"] * factor, events["amount"])}


FAULTS = (
    Fault("source outage", ("_events", "_ok", "_value"), has_change=False, segmented="no", apply=_outage, is_data=True),
    Fault("late source", ("_events", "_ok", "_value"), has_change=False, segmented="no", apply=_late, is_data=True),
    Fault("partial loss", ("_events", "_ok"), has_change=True, segmented="no", apply=_lose),
    Fault("duplicate events", ("_events", "_ok", "_value"), has_change=True, segmented="no", apply=_duplicate),
    Fault("null burst", ("_value",), has_change=True, segmented="no", apply=_nulls),
    Fault("unit change", ("_value",), has_change=True, segmented="one", apply=_unit),
    Fault("segment outage", ("_events", "_ok", "_value"), has_change=True, segmented="one", apply=_outage),
    Fault("slow drift", ("_events", "_ok"), has_change=True, segmented="no", apply=_drift, is_step=False),
    Fault("step", ("_events", "_ok", "_value"), has_change=True, segmented="no", apply=_lose),
    Fault("mix shift", ("_rate",), has_change=True, segmented="mix", apply=_mix),
    Fault("bad deploy", ("_rate", "_ok", "_value"), has_change=True, segmented="one", apply=_fail),
    Fault("bad config", ("_value", "_mean"), has_change=True, segmented="one", apply=_cheaper),
    Fault("definition change", ("_rate", "_ok", "_value"), has_change=True, segmented="no", apply=_fail, is_commit=True),
)
