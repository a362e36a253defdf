"""M4: what numbers may be divided, added and averaged."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from metricsctl.core.diagnostics import Severity
from metricsctl.definition.expression import Expression
from metricsctl.definition.formula import Term, formula
from metricsctl.definition.references import inputs_of
from metricsctl.definition.schema import Derived, Metric, Ratio, Simple
from metricsctl.definition.units import Mismatch, mismatches, parse_unit, shown
from metricsctl.lint.facts import Facts
from metricsctl.lint.measures import Measures
from metricsctl.lint.registry import Problem, rule


@rule("M401", "division-by-zero", severity=Severity.WARNING)
def division_by_zero(facts: Facts) -> Iterator[Problem]:
    """A denominator that can be 0, and nothing that says what then.

    ## What it does
    Warns of ratios, and of divisions in derived metrics, whose denominator can be 0 and which have no `on_zero:`. Counts, sums and distinct
    counts can be 0, since a window without events is one with 0 of them; a metric with `bounds: {min: ...}` over 0 cannot, nor can a
    literal, or `NULLIF(x, 0)`, which is NULL instead.

    ## Why
    Without `on_zero` such a window is absent. That may be meant or not; a reader of the definition should not have to know the default.

    ## Example
        - {name: ctr, type: ratio, numerator: clicks, denominator: impressions}

    ## Use instead
        - {name: ctr, type: ratio, numerator: clicks, denominator: impressions, on_zero: absent}

    ## References
    - [Null, zero, absent](../spec.md)
    """
    measures = Measures(facts)
    hint = "on_zero: absent, zero or error"
    for metric in facts.project.metrics.values():
        if not isinstance(metric, Ratio | Derived) or "on_zero" in metric.places:
            continue
        if isinstance(metric, Ratio):
            below = metric.denominator.metric
            if measures.can_be_zero(below.name):
                yield Problem(below.span, f"denominator '{below}' can be 0, and no `on_zero` says what then", hint)
            continue
        for term in _terms(metric.expr):
            if term.kind in {"/", "//", "%"} and measures.term_can_be_zero(metric, term.parts[1]):
                span, text = facts.quoted(metric.expr, term.parts[1].start, term.parts[1].end)
                yield Problem(span, f"divisor '{text}' can be 0, and no `on_zero` says what then", hint)
                break


def _terms(expression: Expression) -> Iterator[Term]:
    return formula(expression.text, expression.dialect).walk()


def averaged(facts: Facts, metric: Derived, is_kind: Callable[[str], bool], what: str, hint: str) -> Iterator[Problem]:
    """Sums of at least two metrics of a kind, divided by how many they are."""
    inputs = inputs_of(metric)
    for term in _terms(metric.expr):
        if term.kind != "/" or term.parts[1].kind != "number":
            continue
        added = term.parts[0].terms_of("+")
        names = [str(part.value) for part in added if part.kind == "name"]
        fits = len(names) == len(added) >= 2 and term.parts[1].value == len(added)
        if fits and all(name in inputs and is_kind(inputs[name].metric.name) for name in names):
            span, text = facts.quoted(metric.expr, term.parts[0].start, term.parts[0].end)
            yield Problem(span, f"'{text}' adds up {what} and averages them, whatever their weights", hint)


@rule("M403", "unit-mismatch", severity=Severity.WARNING)
def unit_mismatch(facts: Facts) -> Iterator[Problem]:
    """Adds or compares quantities of different units, or declares a unit that its definition contradicts.

    ## What it does
    Carries the units of columns and metrics through expressions. `+`, `-` and comparisons need one unit on both sides; `*` and `/` make
    new ones; a literal factor ends what can be known, since `* 1000` may convert. Then a declared `unit:` is held against what came out.
    Counts and shares have no unit, and units that are not known (M207) fit anything.

    ## Why
    `revenue_usd + latency_ms` evaluates, and means nothing.

    ## Example
        - {name: cost, type: derived, expr: revenue + latency}      # usd + ms

    ## Use instead
        - {name: cost, type: derived, expr: revenue - refunds}      # usd - usd

    ## References
    - [Units in expressions](../spec.md)
    - [Kennedy (1997), Relational parametricity and units of measure](https://doi.org/10.1145/263699.263761)
    """
    measures = Measures(facts)
    for metric in facts.project.metrics.values():
        found = list(_mismatches(facts, metric, measures))
        yield from found
        if found or metric.unit is None:
            continue
        declared, given = parse_unit(metric.unit), measures.given(metric)
        if declared is not None and given is not None and declared != given and not _counts(metric):
            yield Problem(
                metric.place("unit"), f"unit '{metric.unit}' does not fit: the definition gives {shown(given)}", "correct one of them"
            )


def _counts(metric: Metric) -> bool:
    """Whether a metric counts, so that its unit is what people call the things counted."""
    return isinstance(metric, Simple) and metric.agg in {"count", "count_distinct"}


def _mismatches(facts: Facts, metric: Metric, measures: Measures) -> Iterator[Problem]:
    if isinstance(metric, Derived):
        for item in mismatches(formula(metric.expr.text, metric.expr.dialect), measures.leaf(metric)):
            yield _unfit(facts, metric.expr, item)
        return
    for expression, relations in facts.expressions(metric):
        units = measures.columns(relations[0]) if len(relations) == 1 else {}
        if len(units.keys() & set(expression.names())) > 1:
            for item in mismatches(formula(expression.text, expression.dialect), units.get):
                yield _unfit(facts, expression, item)


def _unfit(facts: Facts, expression: Expression, item: Mismatch) -> Problem:
    right, text = facts.quoted(expression, item.right.start, item.right.end)
    _, left = facts.quoted(expression, item.left.start, item.left.end)
    verb = "compared with" if item.compared else "added to"
    message = f"'{text}' is in {shown(item.right_unit)} and cannot be {verb} '{left}' in {shown(item.left_unit)}"
    return Problem(right, message, "convert one of them, or correct its `unit:`")
