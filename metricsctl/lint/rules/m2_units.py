"""M2: units. What a number is counted in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from metricsctl.core.diagnostics import Severity
from metricsctl.core.names import close_match
from metricsctl.definition.formula import formula
from metricsctl.definition.references import inputs_of
from metricsctl.definition.schema import Derived, Metric, Simple, Source
from metricsctl.definition.units import DIMENSIONLESS, is_known_unit, known_units
from metricsctl.lint.facts import Facts
from metricsctl.lint.measures import Measures
from metricsctl.lint.places import value_at
from metricsctl.lint.registry import Problem, rule

_OF_NUMBERS = ("sum", "avg", "median", "percentile", "stddev")
_OF_ANYTHING = ("min", "max", "first", "last")
_NUMERIC = ("integer", "bigint", "double", "decimal")


@rule("M207", "no-unit", severity=Severity.WARNING)
def no_unit(facts: Facts) -> Iterator[Problem]:
    """A unit that nobody knows, or none where one is needed.

    ## What it does
    Warns of a `unit:` with a word that is neither a unit of time, data, length, mass, energy or temperature, nor a currency (ISO 4217), nor
    `count` or a share. Says (as info) of which metrics the unit is open: those that aggregate a number whose column has no unit, and
    formulas whose result cannot be told from their inputs, since a literal may convert. Counts, and ratios of like things, need none.

    ## Why
    A number without its unit is read as dollars by one and as cents by another; and units that are not known cannot be checked (M403).

    ## Example
        sources:
          - {name: orders, time: ts, columns: [{name: ts, type: timestamp}, {name: amount, type: double}]}
        metrics:
          - {name: revenue, type: simple, source: orders, agg: sum, expr: amount}

    ## Use instead
        sources:
          - {name: orders, time: ts, columns: [{name: ts, type: timestamp}, {name: amount, type: double, unit: usd}]}

    ## References
    - [Units](../spec.md)
    - [ISO 4217, currency codes](https://www.iso.org/iso-4217-currency-codes.html)
    """
    for kind, record in _with_units(facts):
        if record.unit is not None and not is_known_unit(record.unit):
            span, text = value_at(facts, record, "unit")
            near = close_match(record.unit, known_units())
            hint = f"did you mean '{near}'?" if near else "`count` says that it has none"
            yield Problem(
                span, f"unknown unit '{text}' of {kind} {record.name}" if span != record.name.span else f"unknown unit of '{text}'", hint
            )
    measures = Measures(facts)
    for metric in facts.project.metrics.values():
        if metric.unit is None and _is_open(facts, measures, metric):
            yield Problem(metric.name.span, f"the unit of metric '{metric.name}' is open", "unit: ...", severity=Severity.INFO)


def _with_units(facts: Facts) -> Iterator[tuple[str, Any]]:
    """Everything that may have a `unit:`."""
    project = facts.project
    groups: tuple[tuple[str, Iterable[Any]], ...] = (
        ("column", (column for relation in facts.relations.values() for column in relation.columns)),
        ("metric", project.metrics.values()),
        ("series", project.series.values()),
    )
    return ((kind, record) for kind, records in groups for record in records)


def _is_open(facts: Facts, measures: Measures, metric: Metric) -> bool:
    """Whether a metric has a unit that nothing says."""
    if isinstance(metric, Simple):
        return measures.given(metric) is None and _is_quantity(facts, metric)
    if isinstance(metric, Derived):
        units = [measures.unit(item.metric.name) for item in inputs_of(metric).values()]
        return None not in units and any(unit != DIMENSIONLESS for unit in units) and measures.given(metric) is None
    return False


def _is_quantity(facts: Facts, metric: Simple) -> bool:
    """Whether a simple metric is made of a number of some column, as far as that can be told."""
    if metric.expr is None or metric.agg not in _OF_NUMBERS + _OF_ANYTHING:
        return False
    term = formula(metric.expr.text, metric.expr.dialect)
    values = [part for branch in (term.parts[:-1] if term.kind == "case" else (term,)) for part in branch.names()]
    relation = facts.relations.get(metric.source.name)
    if not isinstance(relation, Source):
        return bool(values) and metric.agg in _OF_NUMBERS
    numeric = {column.name.name for column in relation.columns if column.unit is None and column.type.startswith(_NUMERIC)}
    return bool(numeric & set(values))
