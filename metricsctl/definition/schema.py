"""The records of the language: each dataclass is a mapping in the YAML, each field one of its keys.

Everything that is known about a key (form, meaning, default, whether it is built yet) stands here and nowhere else.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from metricsctl.core.diagnostics import Span
from metricsctl.core.durations import Duration
from metricsctl.core.timegrid import Grain
from metricsctl.definition.expression import EXPRESSION, STATEMENT, Expression, Statement
from metricsctl.definition.forms import (
    COLUMN_TYPE,
    DATE,
    DURATION,
    FLAG,
    FREE,
    GRAIN,
    INSTANT,
    TEXT,
    TEXTS,
    ZONE,
    Choice,
    ListOf,
    MapOf,
    Name,
    Number,
    Ref,
)
from metricsctl.definition.records import Record, key

__all__ = [
    "AGGREGATES",
    "METRIC_TYPES",
    "Alias",
    "Bounds",
    "Column",
    "Defaults",
    "Deprecated",
    "Derived",
    "Dimension",
    "Exposure",
    "Input",
    "Metric",
    "Model",
    "ModelTime",
    "ProducedBy",
    "Ratio",
    "Simple",
    "Source",
    "SourceTime",
]

AGGREGATES = ("count", "sum", "avg", "min", "max", "first", "last", "count_distinct", "median", "percentile", "stddev")
ON_ZERO = Choice(("absent", "zero", "error"))
TIER = Number(0, 3, whole=True)
COUNT = Number(1, whole=True)


# no record is compared by value: without the generated methods the twenty classes import in half the time
@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Placed:
    """What every record has beside its keys: its place, and the places of its values."""

    span: Span
    places: Mapping[str, Span] = field(default_factory=dict)

    def place(self, name: str) -> Span:
        """Where the value of a key stands, else the record itself."""
        return self.places.get(name, self.span)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Defaults(Placed):
    """`defaults:` of a file."""

    owner: str | None = key(TEXT, "Owner of what names none.")
    tier: int = key(TIER, "Tier of what names none: 0 = the company stops, 3 = nice to know.", default=2)
    timezone: str = key(ZONE, "Zone of naive event times, and of days, weeks and months.", default="UTC")
    grain: Grain = key(GRAIN, "Length of the windows that metrics are stored in.", default=Grain(1, "h"))
    dialect: str = key(TEXT, "SQL dialect of expressions and models, as sqlglot names it.", default="duckdb")
    week_start: str | None = key(TEXT, "First day of the week.", later="key")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Dimension(Placed):
    """A dimension that has more than a name."""

    name: Ref = key(Name(), "Its name, a column unless `expr` is given.", required=True)
    description: str | None = key(TEXT, "What it tells apart.")
    owner: str | None = key(TEXT, "Who answers for it.")
    max_values: int | None = key(COUNT, "How many values it may have.")
    expr: Expression | None = key(EXPRESSION, "Its value from the columns of the source or model.")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class SourceTime(Placed):
    """`time:` of a source."""

    column: Ref = key(Name("column"), "Column of the event time.", required=True)
    lateness: Duration = key(
        DURATION, "How late an event may come; the watermark is the latest event time less this.", default=Duration(0, "s")
    )
    max_ahead: Duration = key(DURATION, "How far in the future an event may lie before it is rejected.", default=Duration(1, "d"))
    min_time: dt.datetime | None = key(INSTANT, "Events before it are rejected (default: 1970).")
    timezone: str | None = key(ZONE, "Zone of event times without an offset (default: `defaults.timezone`).")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ModelTime(Placed):
    """`time:` of a model."""

    column: Ref = key(Name("column"), "Column of the event time.", required=True)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Column(Placed):
    """A column of a source or a model."""

    name: Ref = key(Name(), "Its name.", required=True)
    type: str = key(COLUMN_TYPE, "Type that its values must fit.", default="string")
    unit: str | None = key(TEXT, "Unit of its values.")
    description: str | None = key(TEXT, "What it holds.")
    pii: bool = key(FLAG, "Whether it holds personal data, which reports and rejects then mask.", default=False)
    accepted: tuple[str, ...] | None = key(TEXTS, "The values it may have.")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ProducedBy(Placed):
    """`produced_by:`, what a deploy is joined on."""

    service: str | None = key(TEXT, "Service that writes it.")
    repo: str | None = key(TEXT, "Repository of that service.")
    paths: tuple[str, ...] = key(TEXTS, "Globs of the files in it that matter.", default=())


_COLUMNS = ListOf(Record(Column))
_NAMES = ListOf(Name("dimension"))
_META = MapOf(FREE)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Source(Placed):
    """`sources:`, raw events: the roots of the graph."""

    name: Ref = key(Name(), "Its name.", required=True)
    description: str | None = key(TEXT, "What one row is.")
    owner: str | None = key(TEXT, "Who answers for it.")
    time: SourceTime | None = key(Record(SourceTime, short="column"), "Event time.", required=True)
    key_: str | None = key(TEXT, "Column that tells duplicates apart.", later="key")
    dedup: Duration | None = key(DURATION, "How far apart duplicates may lie.", later="key")
    entities: Mapping[str, str] = key(MapOf(TEXT), "Entities and their key columns.", default={})
    produced_by: ProducedBy | None = key(Record(ProducedBy), "What writes it.")
    dimensions: tuple[Ref, ...] = key(_NAMES, "Dimensions that its metrics have unless they say otherwise.", default=())
    columns: tuple[Column, ...] = key(_COLUMNS, "Its columns; what is used must stand here.", default=())
    match: Mapping[str, Any] | None = key(FREE, "Rows of a mixed stream that belong to it.", later="node")
    retain: Duration | None = key(DURATION, "How long events are kept for stateful models.", later="key")
    tier: int | None = key(TIER, "How much depends on it.")
    tags: tuple[str, ...] = key(TEXTS, "Free labels.", default=())
    label: str | None = key(TEXT, "Name for people.")
    meta: Mapping[str, Any] = key(_META, "Anything else.", default={})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Model(Placed):
    """`models:`, intermediate tables."""

    name: Ref = key(Name(), "Its name.", required=True)
    description: str | None = key(TEXT, "What one row is.")
    owner: str | None = key(TEXT, "Who answers for it.")
    sql: Statement | None = key(STATEMENT, "Its SELECT statement.")
    sql_file: str | None = key(TEXT, "A file with its SELECT statement, relative to the YAML file.")
    session: Any = key(FREE, "Session windows over a source.", later="node")
    time: ModelTime | None = key(Record(ModelTime, short="column"), "Event time; needed where metrics use it.")
    grain: tuple[Ref, ...] = key(ListOf(Name("column")), "One row is one ...", default=())
    entities: Mapping[str, str] = key(MapOf(TEXT), "Entities and their key columns.", default={})
    columns: tuple[Column, ...] = key(_COLUMNS, "What is known of its columns beyond the SQL.", default=())
    dimensions: tuple[Ref, ...] = key(_NAMES, "Dimensions that its metrics have unless they say otherwise.", default=())
    produced_by: ProducedBy | None = key(Record(ProducedBy), "What writes it.")
    tier: int | None = key(TIER, "How much depends on it.")
    tags: tuple[str, ...] = key(TEXTS, "Free labels.", default=())
    label: str | None = key(TEXT, "Name for people.")
    meta: Mapping[str, Any] = key(_META, "Anything else.", default={})
    statement: Statement | None = None  # `sql`, or what `sql_file` holds


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
class Input(Placed):
    """A metric as an input of another: its name alone, or with a filter or an offset."""

    metric: Ref = key(Name("metric"), "Its name.", required=True)
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
    unit: str | None = key(TEXT, "Unit of its values.")
    direction: str | None = key(Choice(("up", "down", "neutral")), "Which way is good.")
    dimensions: tuple[Ref, ...] | None = key(_NAMES, "What it can be split by; replaces the inherited list.")
    grain: Grain | None = key(GRAIN, "Length of the windows it is stored in.")
    timezone: str | None = key(ZONE, "Zone of its days, weeks and months.")
    tags: tuple[str, ...] = key(TEXTS, "Free labels.", default=())
    label: str | None = key(TEXT, "Name for people.")
    meta: Mapping[str, Any] = key(_META, "Anything else.", default={})
    version: int | None = key(COUNT, "Raised when its meaning changes.")
    bounds: Bounds | None = key(Record(Bounds), "Values that are possible at all.")
    deprecated: Deprecated | None = key(Record(Deprecated), "That it is on its way out.")
    fill: str | None = key(Choice(("absent", "zero", "previous")), "What `query` prints where there is no value.", later="key")
    sla: Any = key(FREE, "When a window is complete.", later="key")
    watch: Any = key(FREE, "When to alarm, and whom.", later="key")
    variants: Any = key(FREE, "Named filters.", later="key")
    rollup: Any = key(FREE, "Whether states are kept.", later="key")
    semi_additive: Any = key(FREE, "Stock instead of flow.", later="node")
    window: Any = key(FREE, "Hopping windows.", later="node")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Simple(Metric):
    """An aggregate over the rows of a source or a model."""

    source: Ref = key(Name("source or model"), "Source or model whose rows it counts.", required=True)
    agg: str = key(Choice(AGGREGATES), "Aggregate.", required=True)
    expr: Expression | None = key(EXPRESSION, "What is aggregated; only `count` can do without.")
    filter: Expression | None = key(EXPRESSION, "Only rows for which this is true.")
    p: float | None = key(Number(0, 1), "Which percentile, from 0 to 1.")
    exact: bool = key(FLAG, "Keep all values of a percentile.", default=False)
    approximate: bool = key(FLAG, "A sketch instead of exact distinct values.", default=False, later="node")


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
    inputs: Mapping[str, Input] = key(MapOf(_INPUT), "Names in `expr` and what they are; others are metrics' names.", default={})
    on_zero: str = key(ON_ZERO, "What it is where something is divided by 0.", default="absent")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Alias(Metric):
    """Another name of a metric."""

    alias_of: Ref = key(Name("metric"), "The metric it stands for.", required=True)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Cumulative(Metric):
    """A running total (not built yet)."""

    metric: Ref = key(Name("metric"), "What is added up.", required=True)
    to_date: str | None = key(Choice(("day", "week", "month", "year")), "Since the start of the ...")
    start: str | None = key(TEXT, "Since when, for all time.")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Conversion(Metric):
    """Events that were followed by others (not built yet)."""

    base: Ref = key(Name("source or model"), "What is followed.", required=True)
    convert: Ref = key(Name("source or model"), "What follows.", required=True)
    entity: str = key(TEXT, "Who must be the same.", required=True)
    within: Duration = key(DURATION, "How soon.", required=True)


METRIC_TYPES: dict[str, type[Metric]] = {
    "simple": Simple,
    "ratio": Ratio,
    "derived": Derived,
    "cumulative": Cumulative,
    "conversion": Conversion,
    "alias": Alias,
}
LATER_TYPES = ("cumulative", "conversion")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Exposure(Placed):
    """`exposures:`, who looks at metrics."""

    name: Ref = key(Name(), "Its name.", required=True)
    kind: str = key(Choice(("dashboard", "slo", "experiment", "alert")), "What it is.", required=True)
    description: str | None = key(TEXT, "What it is for.")
    url: str | None = key(TEXT, "Where it is.")
    uses: tuple[Ref, ...] = key(ListOf(Name("metric")), "Metrics it shows.", default=())
    good: Ref | None = key(Name("metric"), "Of an SLO: the good events.")
    total: Ref | None = key(Name("metric"), "Of an SLO: all events.")
    objective: float | None = key(Number(0, 1), "Of an SLO: the share that must be good.")
    window: Duration | None = key(DURATION, "Of an SLO: over which period.")
    role: str | None = key(Choice(("goal", "guardrail")), "Of an experiment: what the metric is in it.")
    by: tuple[Ref, ...] = key(_NAMES, "Dimensions it is split by.", default=())
    grain: Grain | None = key(GRAIN, "Grain it is shown at.")
    filter: Expression | None = key(EXPRESSION, "Only rows for which this is true.")
    owner: str | None = key(TEXT, "Who answers for it.")
    tier: int | None = key(TIER, "How much depends on it.")
    tags: tuple[str, ...] = key(TEXTS, "Free labels.", default=())
    label: str | None = key(TEXT, "Name for people.")
    meta: Mapping[str, Any] = key(_META, "Anything else.", default={})

    def metrics(self) -> tuple[Ref, ...]:
        """Every metric it uses, in the order of the keys."""
        return (*self.uses, *(ref for ref in (self.good, self.total) if ref is not None))


SECTIONS: dict[str, type] = {
    "dimensions": Dimension,
    "sources": Source,
    "models": Model,
    "metrics": Metric,
    "exposures": Exposure,
}
LATER_SECTIONS = ("calendar", "series", "tests")
