"""What rules ask about a project again and again, worked out once."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from metricsctl.core.diagnostics import Span
from metricsctl.definition.expression import Expression
from metricsctl.definition.project import Project
from metricsctl.definition.references import bases_of, inputs_of, references, relations_of
from metricsctl.definition.schema import Alias, Derived, Exposure, Metric, Model, Ratio, Simple, Source, Variant
from metricsctl.definition.streaming import obstacle
from metricsctl.definition.usage import USAGE_FILE
from metricsctl.lint.outside import Outside
from metricsctl.lint.settings import Settings

if TYPE_CHECKING:
    from metricsctl.lineage.sql.models import ModelLineage, Survey
    from metricsctl.lineage.sql.shapes import Shape

__all__ = ["Facts", "Settings"]


@dataclass(frozen=True)
class Facts:
    """A project and what follows from it; `base` is its earlier state, where one is compared with.

    Rules must ask here, or of `outside`, for all that is not in the project, so that a kept result is known to be true still.
    """

    project: Project
    settings: Settings = field(default_factory=Settings)
    base: Project | None = None
    world: Outside | None = None

    @functools.cached_property
    def outside(self) -> Outside:
        """The world beyond the definitions, as seen from their repository."""
        return self.world or Outside.around(self.project.root)

    @functools.cached_property
    def usage(self) -> str | None:
        """The text of the table of usage beside the definitions."""
        return self.outside.text(str(self.project.root / self.project.beside(USAGE_FILE)))

    @functools.cached_property
    def texts(self) -> Mapping[str, str]:
        """The text of every file that findings may stand in: the definitions, the SQL files that they name, the table of usage."""
        found = {file.path: file.text for file in self.project.files}
        if self.usage is not None:
            found[self.project.beside(USAGE_FILE)] = self.usage
        for model in self.project.models.values():
            if model.statement is not None and model.statement.node.style == "file":
                found[model.statement.span.path] = model.statement.text
        return found

    @functools.cached_property
    def relations(self) -> dict[str, Source | Model]:
        """Sources and models by name; a source wins where both have it."""
        return {**self.project.models, **self.project.sources}

    @functools.cached_property
    def columns(self) -> Mapping[str, tuple[str, ...] | None]:
        """The columns of each source and model; None where `*` over something unknown hides them."""
        found: dict[str, tuple[str, ...] | None] = {}
        if self.project.models:
            found |= self.survey.columns
        sources = self.project.sources.items()
        return found | {name: None if source.implied else tuple(column.name.name for column in source.columns) for name, source in sources}

    @functools.cached_property
    def survey(self) -> Survey:
        """What is known of the columns of all models."""
        from metricsctl.lineage.sql import survey

        return survey(self.project)

    @functools.cached_property
    def lineage(self) -> Mapping[str, ModelLineage]:
        """The column lineage of every model, upstream first."""
        from metricsctl.lineage.sql import column_lineage

        return column_lineage(self.project)

    @functools.cached_property
    def table_only(self) -> Mapping[str, tuple[str, ...]]:
        """The models whose columns cannot be followed to those of what they read, each with the tables that it reads."""
        found = self.survey.table_only
        return {name: tables for name, tables in found.items() if all(table in self.relations for table in tables)}  # else it is M104

    def missing(self, relation: str, name: str) -> bool:
        """Whether a relation is known not to have a column. Names of a model's SQL are folded, those of a source are as declared."""
        known = self.columns.get(relation)
        if known is None:
            return False
        return name not in known and (relation in self.project.sources or name.lower() not in {item.lower() for item in known})

    def has_sessions(self, relation: str) -> bool:
        """Whether a relation is a session model, whose columns may be `first.country`."""
        model = self.project.models.get(relation)
        return model is not None and model.session is not None

    def is_skipped(self, kinds: tuple[str, ...], name: str) -> bool:
        """Whether something of that name was left out, so that a reference to it is no mistake."""
        return any(f"{kind}:{name if kind != 'metric' else name.partition('.')[0]}" in self.project.skipped for kind in kinds)

    def target(self, name: str) -> Metric | None:
        """The metric called `name`, through aliases and variants to the one that says how it is made; None where that is not known."""
        seen: set[str] = set()
        metric = self.project.all_metrics.get(name)
        while isinstance(metric, Alias | Variant) and metric.name.name not in seen:
            seen.add(metric.name.name)
            metric = self.project.all_metrics.get(metric.alias_of.name if isinstance(metric, Alias) else metric.of.name)
        return None if isinstance(metric, Alias | Variant) else metric

    def quoted(self, expression: Expression, start: int = -1, end: int = -1) -> tuple[Span, str]:
        """A stretch of an expression (the whole without `start`) that lies on one line, and the text there.

        Where it takes several lines: its first name, else its first line.
        """
        span = expression.node.span_of(start, end) if start >= 0 else expression.span
        if span.line != span.end_line:
            uses = expression.columns()
            span = uses[0].span if uses else self._first_line(expression)
        span = self.unquoted(span)
        return span, self.line(span.path, span.line)[span.column - 1 : span.end_column - 1]

    def _first_line(self, expression: Expression) -> Span:
        span = expression.span
        number = span.line + 1 if expression.node.style in {"|", ">"} else span.line
        text = self.line(span.path, number)
        start = len(text) - len(text.lstrip()) if number > span.line else span.column - 1
        return Span(span.path, number, start + 1, number, max(len(text.rstrip()), start) + 1)

    def bases(self, name: str) -> dict[str, Simple]:
        """The simple metrics that a metric stands on."""
        return bases_of(self.project.all_metrics, name)

    @functools.cached_property
    def used_relations(self) -> frozenset[str]:
        """The sources and models that a metric stands on, also by way of models."""
        waiting = [ref.name for metric in self.project.metrics.values() for ref in relations_of(metric)]
        used: set[str] = set()
        while waiting:
            name = waiting.pop()
            if name in used:
                continue
            used.add(name)
            model = self.project.models.get(name)
            waiting += model.inputs() if model else []
        return frozenset(used)

    def shape(self, model: Model) -> Shape:
        """The shape of a model's SQL; the model has some."""
        from metricsctl.lineage.sql.shapes import shape_of

        assert model.statement is not None  # noqa: S101 - as said
        return shape_of(model.statement.text, model.statement.dialect)

    def accepted(self, relation: str) -> Mapping[str, frozenset[str]]:
        """The values that columns of a source or model may have, where that is said."""
        record = self.relations.get(relation)
        columns = record.columns if record is not None else ()
        return {column.name.name: frozenset(column.accepted) for column in columns if column.accepted}

    def obstacle(self, model: Model) -> str | None:
        """What in a model's SQL needs more than one row at a time, in words; joins to static tables do not."""
        statement = model.statement
        found = None if statement is None else obstacle(statement.text, statement.dialect, *sorted(self.project.static_tables))
        return None if found is None else found[0]

    @functools.cached_property
    def users(self) -> Mapping[str, tuple[Metric | Exposure, ...]]:
        """The metrics and exposures that refer to each metric themselves, aliases among them."""
        found: dict[str, dict[int, Metric | Exposure]] = {}
        records: tuple[Metric | Exposure, ...] = (*self.project.metrics.values(), *self.project.exposures.values())
        for record in records:
            for kind, ref in references(record):
                if kind == "metric":
                    found.setdefault(ref.name, {})[id(record)] = record
        return {name: tuple(records.values()) for name, records in found.items()}

    @functools.cached_property
    def exposures(self) -> Mapping[str, tuple[Exposure, ...]]:
        """The exposures that stand on each metric, themselves or by way of other metrics."""
        found: dict[str, dict[int, Exposure]] = {}
        for exposure in self.project.exposures.values():
            waiting, seen = [ref.name for ref in exposure.metrics()], set()
            while waiting:
                name = waiting.pop()
                metric = self.project.all_metrics.get(name)
                if name in seen or metric is None:
                    continue
                seen.add(name)
                found.setdefault(name, {})[id(exposure)] = exposure
                waiting += [item.metric.name for item in inputs_of(metric).values()]
        return {name: tuple(exposures.values()) for name, exposures in found.items()}

    def expressions(self, metric: Metric) -> Iterator[tuple[Expression, list[str]]]:
        """Each row expression of a metric with the relations whose columns it reads."""
        if isinstance(metric, Simple):
            for expression in (metric.expr, metric.filter):
                if expression is not None:
                    yield expression, [metric.source.name]
        elif isinstance(metric, Ratio):
            if metric.filter is not None:
                yield metric.filter, self._relations_under(metric.name.name)
            yield from self._input_filters({"numerator": metric.numerator, "denominator": metric.denominator})
        elif isinstance(metric, Derived):
            yield from self._input_filters(metric.inputs)

    def _input_filters(self, inputs: Mapping[str, object]) -> Iterator[tuple[Expression, list[str]]]:
        for item in inputs.values():
            expression = getattr(item, "filter", None)
            if expression is not None:
                yield expression, self._relations_under(item.metric.name)  # type: ignore[attr-defined]

    def _relations_under(self, metric: str) -> list[str]:
        return list(dict.fromkeys(base.source.name for base in self.bases(metric).values()))

    @functools.cached_property
    def _words(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for file in self.project.files:
            for word in re.findall(r"\w+", file.text):
                counts[word] = counts.get(word, 0) + 1
        return counts

    def mentioned_by_skipped(self, name: str) -> bool:
        """Whether a name may be used by something that was left out: it stands in the files more often than where it is defined."""
        return bool(self.project.skipped) and self._words.get(name, 0) > 1

    @functools.cached_property
    def _lines(self) -> dict[str, list[str]]:
        return {path: text.split("\n") for path, text in self.texts.items()}

    def line(self, path: str, number: int) -> str:
        """A line of a definition file; empty where there is none."""
        lines = self._lines.get(path, [])
        return lines[number - 1] if number <= len(lines) else ""

    def lines_of(self, path: str) -> list[str]:
        """The lines of a file that findings may stand in."""
        return self._lines.get(path, [])

    def unquoted(self, span: Span) -> Span:
        """A stretch without the quotes of the YAML around it, so that it holds just what a message names."""
        text = self.line(span.path, span.line)[span.column - 1 : span.end_column - 1] if span.line == span.end_line else ""
        if len(text) > 2 and text[0] == text[-1] and text[0] in "'\"":
            return Span(span.path, span.line, span.column + 1, span.end_line, span.end_column - 1)
        return span

    def word(self, span: Span, name: str, *, key: bool = False) -> Span:
        """The place of a word within a stretch (of a key, if asked); the stretch itself where it is not found."""
        pattern = re.compile(rf"(?<![\w.-]){re.escape(name)}(?![\w-])" + (r"(?=[\"']?\s*:)" if key else ""))
        for number in range(span.line, span.end_line + 1):
            line = self.line(span.path, number)
            first = span.column - 1 if number == span.line else 0
            last = span.end_column - 1 if number == span.end_line else len(line)
            match = pattern.search(line, first)
            if match is not None and match.end() <= last:
                return Span(span.path, number, match.start() + 1, number, match.end() + 1)
        return span
