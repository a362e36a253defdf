"""The records of the language: each dataclass is a mapping in the YAML, each field one of its keys.

Everything that is known about a key (form, meaning, default, what it goes with) stands here and nowhere else: `shared` has what every
file and every row has, `relations` where rows come from, `metrics` the numbers, `consumers` who and what stands around them.
"""

from __future__ import annotations

from metricsctl.definition.records import Placed
from metricsctl.definition.schema.consumers import EXPOSURE_KINDS, CalendarEntry, ExpectedPoint, Exposure, ExternalSeries, MetricTest
from metricsctl.definition.schema.metrics import (
    AGGREGATES,
    METRIC_TYPES,
    Alias,
    Bounds,
    Conversion,
    Cumulative,
    Deprecated,
    Derived,
    HoppingWindow,
    Input,
    Metric,
    MinEffect,
    Ratio,
    SemiAdditive,
    Simple,
    Sla,
    Variant,
    Watch,
)
from metricsctl.definition.schema.relations import Column, Dimension, Model, ModelTime, ProducedBy, Session, Source, SourceTime
from metricsctl.definition.schema.shared import WEEKDAYS, Defaults

__all__ = [
    "AGGREGATES",
    "EXPOSURE_KINDS",
    "METRIC_TYPES",
    "SECTIONS",
    "SINGULAR",
    "WEEKDAYS",
    "Alias",
    "Bounds",
    "CalendarEntry",
    "Column",
    "Conversion",
    "Cumulative",
    "Defaults",
    "Deprecated",
    "Derived",
    "Dimension",
    "ExpectedPoint",
    "Exposure",
    "ExternalSeries",
    "HoppingWindow",
    "Input",
    "Metric",
    "MetricTest",
    "MinEffect",
    "Model",
    "ModelTime",
    "Placed",
    "ProducedBy",
    "Ratio",
    "SemiAdditive",
    "Session",
    "Simple",
    "Sla",
    "Source",
    "SourceTime",
    "Variant",
    "Watch",
]

SECTIONS: dict[str, type[Placed]] = {
    "dimensions": Dimension,
    "sources": Source,
    "models": Model,
    "metrics": Metric,
    "exposures": Exposure,
    "calendar": CalendarEntry,
    "series": ExternalSeries,
    "tests": MetricTest,
}
"""The lists of a file, and what their entries are; a metric is one of `METRIC_TYPES`."""

SINGULAR: dict[str, str] = {section: section if section in {"calendar", "series"} else section.removesuffix("s") for section in SECTIONS}
"""What one entry of a section is called, as in the node ids `metric:revenue` and `series:revenue_dwh`."""
