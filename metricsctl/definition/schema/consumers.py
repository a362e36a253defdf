"""What stands around metrics: who looks at them, known days, series from elsewhere, and tests."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from metricsctl.core.durations import Duration
from metricsctl.core.timegrid import Grain
from metricsctl.definition.expression import EXPRESSION, Expression
from metricsctl.definition.forms import Choice, ListOf, MapOf, Name, Number, Ref
from metricsctl.definition.points import POINTS, ROWS, ExpectedPoint
from metricsctl.definition.records import Placed, Record, When, key
from metricsctl.definition.schema.shared import DIMENSIONS, META, TIER
from metricsctl.definition.values import DATE, DURATION, GRAIN, TEXT, TEXTS, ZONE

__all__ = ["EXPOSURE_KINDS", "CalendarEntry", "ExpectedPoint", "Exposure", "ExternalSeries", "MetricTest"]

TAG = "tag:"
EXPOSURE_KINDS = ("dashboard", "slo", "experiment", "alert")
_SLO, _EXPERIMENT = When("kind", ("slo",)), When("kind", ("experiment",))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Exposure(Placed):
    """`exposures:`, who looks at metrics: a dashboard, a service level objective, an experiment, an alert."""

    name: Ref = key(Name(), "Its name.", required=True)
    kind: str = key(Choice(EXPOSURE_KINDS), "What it is.", required=True)
    description: str | None = key(TEXT, "What it is for.")
    url: str | None = key(TEXT, "Where it is.")
    uses: tuple[Ref, ...] = key(ListOf(Name("metric")), "Metrics it shows.", default=())
    good: Ref | None = key(Name("metric"), "The good events.", only=_SLO)
    total: Ref | None = key(Name("metric"), "All events.", only=_SLO)
    objective: float | None = key(Number(0, 1), "The share that must be good.", only=_SLO, needed=_SLO)
    window: Duration | None = key(DURATION, "Over which period.", only=_SLO)
    role: str | None = key(Choice(("goal", "guardrail")), "What its metrics are in the experiment.", only=_EXPERIMENT)
    by: tuple[Ref, ...] = key(DIMENSIONS, "Dimensions it is split by.", default=())
    grain: Grain | None = key(GRAIN, "Grain it is shown at.")
    filter: Expression | None = key(EXPRESSION, "Only rows for which this is true.")
    owner: str | None = key(TEXT, "Who answers for it.")
    tier: int | None = key(TIER, "How much depends on it.")
    tags: tuple[str, ...] = key(TEXTS, "Free labels.", default=())
    label: str | None = key(TEXT, "Name for people.")
    meta: Mapping[str, Any] = key(META, "Anything else.", default={})

    def metrics(self) -> tuple[Ref, ...]:
        """Every metric it uses, in the order of the keys."""
        return (*self.uses, *(ref for ref in (self.good, self.total) if ref is not None))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class CalendarEntry(Placed):
    """`calendar:`, known days: not alarmed on, not learned from."""

    name: Ref = key(Name(), "Its name.", required=True)
    description: str | None = key(TEXT, "What happens on these days.")
    from_: dt.date = key(DATE, "Its first day.", required=True)
    to: dt.date | None = key(DATE, "Its last day, which belongs to it (default: the first).")
    affects: tuple[Ref, ...] = key(
        ListOf(Name("metric, or tag:...")), "Metrics, or `tag:gold` for all that have a tag (default: every metric).", default=()
    )
    effect: str = key(Choice(("up", "down", "any")), "Which way it moves them.", default="any")
    timezone: str | None = key(ZONE, "Zone of its days (default: that of each metric).")

    @property
    def last(self) -> dt.date:
        """Its last day."""
        return self.to or self.from_

    def metrics(self) -> tuple[Ref, ...]:
        """The metrics that it names."""
        return tuple(ref for ref in self.affects if not ref.name.startswith(TAG))

    def tags(self) -> tuple[Ref, ...]:
        """The tags that it names, without `tag:`."""
        return tuple(Ref(ref.name.removeprefix(TAG), ref.span) for ref in self.affects if ref.name.startswith(TAG))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ExternalSeries(Placed):
    """`series:`, numbers that live elsewhere and are brought as they are."""

    name: Ref = key(Name(), "Its name.", required=True)
    description: str | None = key(TEXT, "What the number says.")
    metric: Ref | None = key(Name("metric"), "The metric that it is another reading of.")
    path: str = key(
        TEXT,
        "Its files (CSV, Parquet, NDJSON: a path or glob; or the folder of a Delta Lake table), relative to the YAML file.",
        required=True,
    )
    time: Ref = key(Name("column"), "Column of the start of each window.", required=True)
    value: Ref = key(Name("column"), "Column of the value.", required=True)
    by: tuple[Ref, ...] = key(DIMENSIONS, "Columns that it is split by.", default=())
    grain: Grain | None = key(GRAIN, "Length of its windows.", required=True)
    restates: Duration | None = key(DURATION, "How long its values may still change after their window.")
    unit: str | None = key(TEXT, "Unit of its values (default: that of `metric`).")
    direction: str | None = key(Choice(("up", "down", "neutral")), "Which way is good (default: that of `metric`).")
    timezone: str | None = key(ZONE, "Zone of its days, and of times without an offset (default: `defaults.timezone`).")
    owner: str | None = key(TEXT, "Who answers for it.")
    tier: int | None = key(TIER, "How much depends on it.")
    tags: tuple[str, ...] = key(TEXTS, "Free labels.", default=())
    label: str | None = key(TEXT, "Name for people.")
    meta: Mapping[str, Any] = key(META, "Anything else.", default={})


_TOLERANCE = Number(0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Tolerance(Placed):
    """`tolerance:` of a test: how far a value may be off; within either is near enough."""

    rel: float = key(_TOLERANCE, "As a share of the expected value.", default=1e-9)
    abs: float = key(_TOLERANCE, "In the unit of the metric.", default=1e-12)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class MetricTest(Placed):
    """`tests:`, what a metric must give for given events; run by `metricsctl test`."""

    name: Ref = key(Name(), "What it shows, in words.", required=True)
    description: str | None = key(TEXT, "More of it.")
    metric: Ref = key(Name("metric"), "The metric that is tested.", required=True)
    given: Mapping[str, tuple[Mapping[str, Any], ...] | str] = key(
        MapOf(ROWS), "The events of each source: rows, or a file with them, relative to the YAML file.", required=True
    )
    grain: Grain | None = key(GRAIN, "Grain it is asked at (default: the metric's own).")
    by: tuple[Ref, ...] = key(DIMENSIONS, "Dimensions it is split by (default: those that the expected points name).", default=())
    expect: tuple[ExpectedPoint, ...] | str = key(
        POINTS, "Every point that must come out: its time, its value (null: absent), its dimensions; or a file with them.", required=True
    )
    tolerance: Tolerance | None = key(Record(Tolerance), "How far a value may be off.")
