"""The numbers: metrics of every type, and what can be said of all of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from metricsctl.core.durations import Duration
from metricsctl.core.rates import Rate
from metricsctl.core.timegrid import Grain
from metricsctl.definition.expression import EXPRESSION, Expression
from metricsctl.definition.forms import Choice, MapOf, Name, Number, OneOrMore, Ref
from metricsctl.definition.records import Placed, Record, When, key
from metricsctl.definition.schema.shared import COUNT, DIMENSIONS, META, TIER
from metricsctl.definition.values import DATE, DURATION, FLAG, GRAIN, RATE, SHARE, TEXT, TEXTS, ZONE

__all__ = [
    "AGGREGATES",
    "METRIC_TYPES",
    "Alias",
    "Bounds",
    "Conversion",
    "Cumulative",
    "Deprecated",
    "Derived",
    "HoppingWindow",
    "Input",
    "Metric",
    "MinEffect",
    "Ratio",
    "SemiAdditive",
    "Simple",
    "Sla",
    "Variant",
    "Watch",
]

AGGREGATES = ("count", "sum", "avg", "min", "max", "first", "last", "count_distinct", "median", "percentile", "stddev")
ON_ZERO = Choice(("absent", "zero", "error"))
POSITIVE = Number(0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Bounds(Placed):
    """`bounds:` of a metric."""

    min: float | None = key(Number(), "No value can be below it.")
    max: float | None = key(Number(), "No value can be above it.")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Deprecated(Placed):
    """`deprecated:` of a metric."""

    since: dt.date | None = key(DATE, "Since when.", required=True)
    remove_after: dt.date | None = key(DATE, "When it goes.")
    reason: str | None = key(TEXT, "Why, and what to use instead.")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Sla(Placed):
    """`sla:` of a metric: when its windows can be relied on."""

    complete_after: Duration = key(DURATION, "A window is not judged before so long after its end.", required=True)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class MinEffect(Placed):
    """`min_effect:` of `watch`: smaller moves are nobody's business. Where both are given a move must reach both."""

    rel: float | None = key(SHARE, "As a share of what was expected: 0.03 for `3%`.")
    abs: float | None = key(POSITIVE, "In the unit of the metric.")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Watch(Placed):
    """`watch:` of a metric: when to alarm, and whom."""

    budget: Rate | None = key(RATE, "How many false alarms are accepted, over all its series.")
    by: tuple[Ref, ...] | None = key(DIMENSIONS, "Dimensions whose values are watched too; an empty list: the total alone.")
    min_effect: MinEffect | None = key(Record(MinEffect), "The smallest move that matters.")
    min_sample: int | None = key(COUNT, "Fewest rows under a value that is judged.")
    severity: str | None = key(Choice(("page", "ticket", "info")), "How loudly an anomaly is told.")
    runbook: str | None = key(TEXT, "Where it says what to do.")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Input(Placed):
    """A metric as an input of another: its name alone, or with a filter or an offset."""

    metric: Ref = key(Name("metric"), "Its name; `revenue.de` is a variant.", required=True)
    filter: Expression | None = key(EXPRESSION, "Only rows for which this is true.")
    offset: Duration | None = key(DURATION, "Its value so long ago: `7d` is calendar days, `168h` elapsed time.")


_INPUT = Record(Input, short="metric")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Metric(Placed):
    """`metrics:`, the keys that every type has."""

    name: Ref = key(Name(), "Its name.", required=True)
    description: str | None = key(TEXT, "What the number says.")
    type: str = key(Choice(("simple", "ratio", "derived", "cumulative", "conversion")), "How it is made.", default="simple")
    owner: str | None = key(TEXT, "Who answers for it.")
    tier: int | None = key(TIER, "0 = the company stops, 3 = nice to know.")
    unit: str | None = key(TEXT, "Unit of its values; `count` says that they have none.")
    direction: str | None = key(Choice(("up", "down", "neutral")), "Which way is good.")
    dimensions: tuple[Ref, ...] | None = key(DIMENSIONS, "What it can be split by; replaces the inherited list.")
    grain: Grain | None = key(GRAIN, "Length of the windows it is stored in.")
    timezone: str | None = key(ZONE, "Zone of its days, weeks and months.")
    tags: tuple[str, ...] = key(TEXTS, "Free labels; `tag:gold` names all metrics that have one.", default=())
    label: str | None = key(TEXT, "Name for people.")
    meta: Mapping[str, Any] = key(META, "Anything else: the one free-form key.", default={})
    version: int | None = key(COUNT, "Raised when its meaning changes.")
    bounds: Bounds | None = key(Record(Bounds), "Values that are possible at all.")
    deprecated: Deprecated | None = key(Record(Deprecated), "That it is on its way out.")
    fill: str = key(Choice(("absent", "zero", "previous")), "What `query` prints where there is no value.", default="absent")
    sla: Sla | None = key(Record(Sla), "When a window is complete.")
    watch: Watch | None = key(Record(Watch), "When to alarm, and whom.")
    variants: Mapping[str, Expression] = key(
        MapOf(EXPRESSION), "Named filters: `de: \"country = 'DE'\"` makes `NAME.de`, which can be used wherever a metric can.", default={}
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class HoppingWindow(Placed):
    """`window:` of a simple metric: windows that overlap, read at their slide only."""

    size: Duration = key(DURATION, "How far back each value looks.", required=True)
    slide: Duration = key(DURATION, "How far it is from one value to the next; the metric's grain.", required=True)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class SemiAdditive(Placed):
    """`semi_additive:` of a simple metric: a stock, which adds up over entities but not over time."""

    take: str = key(Choice(("last", "first")), "Which value of an entity in a window counts.", default="last")
    per: tuple[Ref, ...] = key(OneOrMore(Name("column")), "Columns that tell the entities apart.", required=True)
    carry: Duration | None = key(
        DURATION,
        "How long a value holds where no newer one comes (default: not beyond its window).",
        only=When("take", ("last",), or_absent=True),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Simple(Metric):
    """An aggregate over the rows of a source or a model."""

    source: Ref = key(Name("source or model"), "Source or model whose rows it counts.", required=True)
    agg: str = key(Choice(AGGREGATES), "Aggregate.", required=True)
    expr: Expression | None = key(
        EXPRESSION,
        "What is aggregated; only `count` can do without.",
        needed=When("agg", tuple(word for word in AGGREGATES if word != "count")),
    )
    filter: Expression | None = key(EXPRESSION, "Only rows for which this is true.")
    p: float | None = key(
        Number(0, 1), "Which percentile, from 0 to 1.", only=When("agg", ("percentile",)), needed=When("agg", ("percentile",))
    )
    exact: bool = key(FLAG, "Keep all values of a percentile, however many.", default=False, only=When("agg", ("percentile", "median")))
    approximate: bool = key(
        FLAG,
        "Keep a sketch (the 4,096 smallest hashes) instead of every distinct value.",
        default=False,
        only=When("agg", ("count_distinct",)),
    )
    rollup: str = key(
        Choice(("states", "final_only")),
        "`final_only` keeps numbers instead of states: smaller, but only at its own grain and dimensions.",
        default="states",
    )
    window: HoppingWindow | None = key(Record(HoppingWindow), "Hopping windows.")
    semi_additive: SemiAdditive | None = key(Record(SemiAdditive), "A stock instead of a flow.")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Ratio(Metric):
    """One metric over another, computed from the two at the asked grain."""

    numerator: Input = key(_INPUT, "Above the line.", required=True)
    denominator: Input = key(_INPUT, "Below the line.", required=True)
    filter: Expression | None = key(EXPRESSION, "Goes to both inputs.")
    on_zero: str = key(ON_ZERO, "What it is where the denominator is 0.", default="absent")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Derived(Metric):
    """An expression over other metrics."""

    expr: Expression = key(EXPRESSION, "Expression over the inputs.", required=True)
    inputs: Mapping[str, Input] = key(MapOf(_INPUT), "Names in `expr` and what they are; without it names are metrics.", default={})
    on_zero: str = key(ON_ZERO, "What it is where something is divided by 0.", default="absent")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Cumulative(Metric):
    """A running total: the value at a bucket's end."""

    ONE_OF: ClassVar[tuple[str, ...]] = ("to_date", "window", "start")

    metric: Ref = key(Name("metric"), "What is added up.", required=True)
    to_date: str | None = key(Choice(("day", "week", "month", "quarter", "year")), "Since the calendar's last beginning of one.")
    window: Duration | None = key(DURATION, "Over so long back: `28d` is calendar days.")
    start: dt.date | None = key(DATE, "For all time since the beginning of this day, in the zone of the metric.")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Conversion(Metric):
    """The share of base events that were followed by another of the same entity, dated by the base event."""

    base: Ref = key(Name("source or model"), "Events that may be followed.", required=True)
    convert: Ref = key(Name("source or model"), "Events that follow.", required=True)
    entity: Ref = key(Name("entity"), "Who must be the same: one of the `entities` of both.", required=True)
    within: Duration = key(DURATION, "How soon.", required=True)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Alias(Metric):
    """Another name of a metric."""

    alias_of: Ref = key(Name("metric"), "The metric it stands for.", required=True)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Variant(Metric):
    """A named filter upon a metric, which has all else of it. Made by `Project.variants`, never written as a record of its own."""

    of: Ref
    filter: Expression


METRIC_TYPES: dict[str, type[Metric]] = {
    "simple": Simple,
    "ratio": Ratio,
    "derived": Derived,
    "cumulative": Cumulative,
    "conversion": Conversion,
    "alias": Alias,
}
"""The record of each `type:`; an alias is known by its `alias_of`."""
