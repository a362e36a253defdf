"""Column lineage of all models of a project, in the order in which they read each other."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from metricsctl.core.diagnostics import Span
from metricsctl.definition.project import Project
from metricsctl.definition.schema import Model
from metricsctl.lineage.sql.shapes import plain_columns
from metricsctl.lineage.sql.statement import Origin, StatementLineage, read_statement, table_mentions
from metricsctl.lineage.sql.tables import session_lineage, static_lineage

__all__ = ["ModelLineage", "Survey", "UnknownColumn", "column_lineage", "model_columns", "model_tables", "survey", "unknown_columns"]


@dataclass(frozen=True, slots=True)
class ModelLineage:
    """The lineage of one model's statement."""

    model: Model
    statement: StatementLineage

    def span_of(self, origin: Origin) -> Span:
        """Where the model's SQL names an origin, else the statement."""
        text = self.model.statement
        if text is None:
            return self.model.span
        return text.node.span_of(origin.start, origin.end) if origin.start >= 0 else text.span


@dataclass(frozen=True, slots=True)
class UnknownColumn:
    """A column that a model's SQL uses and nothing upstream has; `candidates` are the columns of what it reads."""

    model: str
    name: str
    span: Span
    candidates: tuple[str, ...]


def model_tables(model: Model) -> list[tuple[str, Span]]:
    """The sources and models that a model reads, its own CTEs left out: each mention in the order of the text, with its place."""
    if model.session is not None:
        return [(model.session.source.name, model.session.source.span)]
    text = model.statement
    if text is None:
        return []
    return [
        (name, text.node.span_of(start, end) if start >= 0 else text.span) for name, start, end in table_mentions(text.text, text.dialect)
    ]


def column_lineage(project: Project) -> dict[str, ModelLineage]:
    """The lineage of every model, upstream first. In a circle of models the columns of those read later are not known."""
    known = _declared(project)
    found: dict[str, ModelLineage] = {}
    for name in _upstream_first(project.models):
        model = project.models[name]
        lineage = _lineage(project, model, known)
        if lineage is None:
            continue
        found[name] = ModelLineage(model, lineage)
        known[name] = tuple(lineage.columns) if lineage.complete else None
    return found


def _lineage(project: Project, model: Model, known: Mapping[str, tuple[str, ...] | None]) -> StatementLineage | None:
    if model.session is not None:
        return session_lineage(project, model.session, known.get(model.session.source.name))
    if model.static is not None:
        return static_lineage(model)
    text = model.statement
    if text is None:
        return None
    tables = sorted({table for table, _ in model_tables(model)})
    return read_statement(text.text, text.dialect, tuple((table, known.get(table)) for table in tables))


@dataclass(frozen=True, slots=True)
class Survey:
    """What is known of the columns of all models, without where each comes from.

    `columns` as `model_columns` has them, `unknown` as `unknown_columns`; `table_only` are models through which columns cannot be
    followed, each with what it reads.
    """

    columns: Mapping[str, tuple[str, ...] | None]
    unknown: tuple[UnknownColumn, ...]
    table_only: Mapping[str, tuple[str, ...]]


def survey(project: Project) -> Survey:
    """Look through all models, upstream first. Most are one plain SELECT over one table, for which a glance does: a tenth of the time."""
    known = _declared(project)
    columns: dict[str, tuple[str, ...] | None] = dict.fromkeys(project.models)
    unknown: list[UnknownColumn] = []
    table_only: dict[str, tuple[str, ...]] = {}
    for name in _upstream_first(project.models):
        model = project.models[name]
        text = model.statement
        found = plain_columns(text.text, text.dialect, known) if text is not None else None
        if found is None and (lineage := _lineage(project, model, known)) is not None:
            found = tuple(lineage.columns) if lineage.complete else None
            unknown += _unknown(ModelLineage(model, lineage), known)
            if text is not None and not lineage.unknown and _is_blind(lineage):
                table_only[name] = lineage.tables
        known[name] = columns[name] = found
    return Survey(columns, tuple(sorted(unknown, key=lambda item: item.model)), table_only)


def _is_blind(lineage: StatementLineage) -> bool:
    """Whether an output comes from no column that is known."""
    origins = (origin for found in lineage.columns.values() for origin in found)
    return not lineage.complete or not lineage.columns or any(origin.column is None for origin in origins)


def _unknown(lineage: ModelLineage, known: Mapping[str, tuple[str, ...] | None]) -> list[UnknownColumn]:
    text = lineage.model.statement
    if text is None:
        return []
    candidates = tuple(sorted({column for table in lineage.statement.tables for column in known.get(table) or ()}))
    return [
        UnknownColumn(lineage.model.name.name, text.text[start:end].strip('"`[]'), text.node.span_of(start, end), candidates)
        for _, start, end in lineage.statement.unknown
    ]


def model_columns(project: Project) -> dict[str, tuple[str, ...] | None]:
    """The output columns of every model in the order of its SELECT; None where they are not all known (`*` over an unknown table)."""
    found = column_lineage(project)
    return {
        name: tuple(found[name].statement.columns) if name in found and found[name].statement.complete else None for name in project.models
    }


def unknown_columns(project: Project) -> list[UnknownColumn]:
    """The columns in models' SQL that nothing upstream has, by model and place. Where a table's columns are not known, nothing is said."""
    return list(survey(project).unknown)


def _declared(project: Project) -> dict[str, tuple[str, ...] | None]:
    """The columns of each source; None for one that declares none."""
    return {name: tuple(column.name.name for column in source.columns) or None for name, source in project.sources.items()}


def _upstream_first(models: Mapping[str, Model]) -> list[str]:
    """The models in the order in which they can be read; those in a circle, and what stands on them, come last."""
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for name in sorted(models):
        sorter.add(name, *sorted({table for table, _ in model_tables(models[name]) if table in models and table != name}))
    with contextlib.suppress(CycleError):  # what is not blocked by the circle can still be had
        sorter.prepare()
    order: list[str] = []
    while ready := sorted(sorter.get_ready()):
        order.extend(ready)
        sorter.done(*ready)
    return [*order, *sorted(set(models) - set(order))]
