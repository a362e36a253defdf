"""Rows made up from the types of columns and from the constants that the definitions compare them with."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from metricsctl.core.durations import Duration
from metricsctl.definition.project import Project
from metricsctl.definition.references import inputs_of
from metricsctl.definition.schema import Column, Conversion, Metric, Model, Ratio, Simple, Source, Variant
from metricsctl.definition.sql import walk_tree

if TYPE_CHECKING:
    from sqlglot import exp

    from metricsctl.impact.sample.rows import Row

__all__ = ["generated_rows"]

_START = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
_STEPS = tuple(dt.timedelta(**step) for step in ({}, {"minutes": 10}, {"hours": 1}, {"days": 1}, {"days": 7}, {"days": 31}))
_NUMBERS = (0, 1, 2, -1, 10)
_WORDS = ("a", "b", "c")
_MANY = 40  # constants of one column
_COMPARISONS = {"EQ", "NEQ", "GT", "GTE", "LT", "LTE", "In", "Between", "Like", "ILike", "NullSafeEQ", "NullSafeNEQ"}


def generated_rows(projects: Sequence[Project], source: Source, columns: Sequence[str], count: int, seed: int) -> list[Row]:
    """Rows of a source: each value is a constant that its column is compared with, beside one, another of its type, or none.

    The same for the same seed.
    """
    said = _constants(projects)
    declared = {column.name.name.lower() for project in projects for one in project.sources.values() for column in one.columns}
    anywhere = [value for name, values in said.items() if name not in declared for value in values]  # of columns that a model makes
    chance = random.Random(f"{seed} {source.name.name}")  # noqa: S311 - rows, not secrets
    known = {column.name.name: column for column in source.columns}
    time = source.time_column.name if source.time_column else ""
    steps = (*_STEPS, *_spans(projects))
    pools = {}
    for name in columns:
        constants = [*said.get(name.lower(), ()), *anywhere][:_MANY]
        pools[name] = _times(source, steps) if name == time else _pool(known.get(name), constants)
    return [{name: chance.choice(pool) for name, pool in pools.items()} for _ in range(count)]


def _times(source: Source, steps: Sequence[dt.timedelta]) -> list[Any]:
    least = source.time.min_time if source.time else None
    start = _START if least is None else max(_START, least + dt.timedelta(days=1))
    return [(start + step).isoformat().replace("+00:00", "Z") for step in steps]


def _spans(projects: Sequence[Project]) -> list[dt.timedelta]:
    """The lengths of time that the definitions hold rows against, and a second less: gaps of sessions, reach of conversions, offsets."""
    spans: list[Duration | None] = []
    for project in projects:
        spans += [model.session.gap for model in project.models.values() if model.session is not None]
        for metric in project.metrics.values():
            spans += [metric.within] if isinstance(metric, Conversion) else []
            spans += [item.offset for item in inputs_of(metric).values()]
    lengths = dict.fromkeys(dt.timedelta(microseconds=span.microseconds) for span in spans if span is not None)
    return [length - less for length in lengths for less in (dt.timedelta(), dt.timedelta(seconds=1))]


def _pool(column: Column | None, constants: Sequence[str | float]) -> list[Any]:
    kind = "string" if column is None else column.type
    if kind == "timestamp":
        return [*((_START + step).isoformat().replace("+00:00", "Z") for step in _STEPS), None]
    if kind == "date":
        return [*(f"{_START + step:%Y-%m-%d}" for step in _STEPS), None]
    if kind == "boolean":
        return [True, False, None]
    if kind == "string":
        texts = (*(value for value in constants if isinstance(value, str)), *((column and column.accepted) or ()))
        return [*dict.fromkeys(texts or _WORDS), _WORDS[0], None]
    near = [value + step for value in constants if isinstance(value, float) for step in (-1, 0, 1)]
    found = [int(value) for value in near if value == int(value)] if kind in {"integer", "bigint"} else [*near, 0.5, 2.25]
    return [*dict.fromkeys((*_NUMBERS, *found)), None]


def _constants(projects: Sequence[Project]) -> dict[str, list[str | float]]:
    """The texts and numbers that columns are compared with in the SQL of the projects, by the columns' names in lower case."""
    found: dict[str, dict[str | float, None]] = {}
    for tree in (tree for project in projects for tree in _trees(project)):
        for part in walk_tree(tree):
            if type(part).__name__ not in _COMPARISONS:
                continue
            inner = [*walk_tree(part)]
            names = {str(item.name).lower() for item in inner if type(item).__name__ == "Column"}
            values = [_value(item) for item in inner if type(item).__name__ == "Literal"]
            for name in names:
                found.setdefault(name, {}).update(dict.fromkeys(value for value in values if value is not None))
    return {name: list(values) for name, values in found.items()}


def _value(literal: exp.Expr) -> str | float | None:
    if literal.is_string:
        return str(literal.this)
    try:
        found = float(str(literal.this))
    except ValueError:
        return None
    return found if abs(found) < 1e9 else None


def _trees(project: Project) -> Iterator[exp.Expr]:
    for metric in project.all_metrics.values():
        yield from _of_metric(metric)
    for model in project.models.values():
        if isinstance(model, Model) and model.statement is not None:
            yield model.statement.tree
    for dimension in project.dimensions.values():
        if dimension.expr is not None:
            yield dimension.expr.tree


def _of_metric(metric: Metric) -> Iterator[exp.Expr]:
    expressions: Mapping[str, Any] = {}
    if isinstance(metric, Simple):
        expressions = {"expr": metric.expr, "filter": metric.filter}
    elif isinstance(metric, Ratio | Variant):
        expressions = {"filter": metric.filter}
    for expression in (*expressions.values(), *(item.filter for item in inputs_of(metric).values())):
        if expression is not None:
            yield expression.tree
