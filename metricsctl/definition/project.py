"""A project: everything that a tree of definition files says, by name."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from metricsctl.core.diagnostics import Diagnostic, Severity, Skipped
from metricsctl.core.errors import ProjectError, UnknownName
from metricsctl.core.timegrid import Grain
from metricsctl.definition.forms import Ref, Table
from metricsctl.definition.schema import (
    WEEKDAYS,
    Alias,
    CalendarEntry,
    Defaults,
    Dimension,
    Exposure,
    ExternalSeries,
    Metric,
    MetricTest,
    Model,
    Placed,
    Simple,
    Source,
    Variant,
)

__all__ = ["Project", "SourceFile"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SourceFile:
    """A definition file: its path below the project's root, its text, its defaults."""

    path: str
    text: str
    namespace: str | None
    defaults: Defaults


@dataclass(frozen=True)
class Project:
    """All definitions. A name that is defined twice stands here once, as first seen; the rest is in `duplicates`.

    `folder` is that of the definitions: tables about them lie in it. `findings` are the M0 and M5 findings of reading; `skipped` names what
    was left out, by "kind:name", with the reason.
    """

    root: Path
    files: tuple[SourceFile, ...]
    sources: Mapping[str, Source]
    models: Mapping[str, Model]
    metrics: Mapping[str, Metric]
    dimensions: Mapping[str, Dimension]
    exposures: Mapping[str, Exposure]
    calendar: Mapping[str, CalendarEntry] = field(default_factory=dict)
    series: Mapping[str, ExternalSeries] = field(default_factory=dict)
    tests: Mapping[str, MetricTest] = field(default_factory=dict)
    duplicates: tuple[tuple[str, Placed, Placed], ...] = ()
    findings: tuple[Diagnostic, ...] = ()
    skipped: Mapping[str, Skipped] = field(default_factory=dict)
    other_files: int = 0
    folder: Path = Path()

    def to_dict(self) -> dict[str, Any]:
        """The definitions as plain data, without places."""
        kinds = ("sources", "models", "metrics", "dimensions", "exposures", "calendar", "series", "tests")
        return {**{kind: sorted(getattr(self, kind)) for kind in kinds}, "files": [file.path for file in self.files]}

    @functools.cached_property
    def _defaults(self) -> dict[str, Defaults]:
        return {file.path: file.defaults for file in self.files}

    @property
    def sql_files(self) -> list[Path]:
        """The files with SQL that models name."""
        found = [(model.span.path, model.sql_file) for model in self.models.values() if model.sql_file is not None]
        return sorted({self.root / Path(path).parent / file for path, file in found})

    def beside(self, name: str) -> str:
        """The path of a file that lies beside the definitions, as findings name files: from the root where it lies below it."""
        path = self.folder / name
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else path.as_posix()

    def defaults_of(self, record: Placed) -> Defaults:
        """The defaults of the file in which a record stands."""
        return self._defaults[record.span.path]

    def metric(self, name: str) -> Metric:
        """The metric or variant called `name`, through aliases, or the series read as one; UnknownName if there is none."""
        seen = set()
        metric = self.all_metrics.get(name)
        while isinstance(metric, Alias) and metric.alias_of.name not in seen:
            seen.add(metric.alias_of.name)
            metric = self.all_metrics.get(metric.alias_of.name)
        if metric is None and name in self.series:
            return self.series_metrics[name]
        if metric is None:
            skipped = self.skipped.get(f"metric:{name.partition('.')[0]}")
            if skipped is not None:
                message = f"metric '{name}' is left out: {skipped.reason}"
                raise UnknownName(message, span=skipped.span, hint="run `metricsctl lint`")
            raise UnknownName.of("metric", name, self.all_metrics)
        return metric

    @functools.cached_property
    def variants(self) -> Mapping[str, Variant]:
        """The named filters of all metrics, each as a metric of its own: `revenue.de`."""
        found = (_variant(metric, name) for metric in self.metrics.values() for name in metric.variants)
        return {variant.name.name: variant for variant in found}

    @functools.cached_property
    def series_metrics(self) -> Mapping[str, Metric]:
        """What is said of each series, as of a metric: where it says nothing itself, as of the metric that it is another reading of."""
        return {name: _as_metric(series, self.all_metrics) for name, series in self.series.items()}

    @functools.cached_property
    def all_metrics(self) -> Mapping[str, Metric]:
        """Whatever can be named where a metric is asked for: metrics and variants."""
        return {**self.metrics, **self.variants}

    def tagged(self, tag: str) -> tuple[Metric, ...]:
        """The metrics that have a tag."""
        return tuple(metric for metric in self.metrics.values() if tag in metric.tags)

    def relation(self, name: str) -> Source | Model | None:
        """The source or model called `name`."""
        return self.sources.get(name) or self.models.get(name)

    @functools.cached_property
    def static_tables(self) -> Mapping[str, Path]:
        """The files of the static tables, by the name of the model."""
        found = ((name, model, model.static) for name, model in self.models.items())
        return {name: (self.root / model.span.path).parent / file for name, model, file in found if file is not None}

    def grain_of(self, metric: Metric) -> Grain:
        """The grain that a metric is stored at."""
        return self.in_weeks_of(metric, metric.grain or self.defaults_of(metric).grain)

    def week_start_of(self, record: Metric | ExternalSeries) -> int:
        """The weekday on which the weeks of a metric begin; 0 is Monday."""
        return WEEKDAYS.index(self.defaults_of(record).week_start)

    def in_weeks_of(self, record: Metric | ExternalSeries, grain: Grain) -> Grain:
        """A grain as a metric has it: weeks begin on the day that its file says."""
        return dataclasses.replace(grain, week_start=self.week_start_of(record)) if grain.unit == "w" else grain

    def zone_of(self, record: Metric | Source | ExternalSeries) -> str:
        """The zone of a metric's or series' calendar, or of a source's naive event times."""
        own = record.timezone if not isinstance(record, Source) else record.time.timezone if record.time else None
        return own or self.defaults_of(record).timezone

    def owner_of(self, record: Source | Model | Metric | Exposure | ExternalSeries) -> str | None:
        """The owner, or the file's default."""
        return record.owner or self.defaults_of(record).owner

    def tier_of(self, record: Source | Model | Metric | ExternalSeries) -> int:
        """The tier, or the file's default."""
        return record.tier if record.tier is not None else self.defaults_of(record).tier

    def dimensions_of(self, metric: Simple) -> tuple[str, ...]:
        """The dimensions a simple metric is stored by: its own list, else that of its source or model."""
        if metric.dimensions is not None:
            return tuple(ref.name for ref in metric.dimensions)
        relation = self.relation(metric.source.name)
        return tuple(ref.name for ref in relation.dimensions) if relation else ()

    def line(self, path: str, number: int) -> str | None:
        """Line `number` (from 1) of a definition file, for a caret under it."""
        for file in self.files:
            if file.path == path:
                lines = file.text.splitlines()
                return lines[number - 1] if number <= len(lines) else None
        return None

    def require(self, findings: Iterable[Diagnostic]) -> None:
        """Raise ProjectError if there is an error among the findings."""
        errors = [finding for finding in findings if finding.severity is Severity.ERROR]
        if errors:
            raise ProjectError.of(sorted(errors, key=lambda finding: finding.sort_key))


def _as_metric(series: ExternalSeries, metrics: Mapping[str, Metric]) -> Metric:
    """A series as a metric to be queried, judged and explained."""
    own = None if series.metric is None else metrics.get(series.metric.name)
    return Metric(
        name=series.name,
        description=series.description,
        owner=series.owner,
        tier=series.tier if series.tier is not None or own is None else own.tier,
        unit=series.unit or (own.unit if own else None),
        direction=series.direction or (own.direction if own else None),
        dimensions=series.by,
        grain=series.grain,
        timezone=series.timezone,
        tags=series.tags,
        label=series.label,
        meta=series.meta,
        span=series.span,
        places=series.places,
    )


_OWN = frozenset({"name", "variants", "span", "of", "filter"})
_SHARED = tuple(spec.name for spec in dataclasses.fields(Metric) if spec.name not in _OWN)


def _variant(metric: Metric, name: str) -> Variant:
    """A named filter upon a metric: it has all that the metric says, but for its name."""
    table, filter_ = metric.variants, metric.variants[name]
    place = table.places.get(name, filter_.span) if isinstance(table, Table) else filter_.span
    shared = {attribute: getattr(metric, attribute) for attribute in _SHARED}
    return Variant(**shared, name=Ref(f"{metric.name}.{name}", place), of=metric.name, filter=filter_, span=place)
