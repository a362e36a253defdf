"""M4: filters. What is always true, what never is, and shares of which the parts do not lie in the whole."""

from __future__ import annotations

from collections.abc import Iterator

from metricsctl.core.diagnostics import Severity
from metricsctl.definition.expression import Expression
from metricsctl.definition.formula import formula
from metricsctl.definition.predicates import Condition, conditions, implies, never, truth
from metricsctl.definition.schema import Derived, Input, Ratio, Simple
from metricsctl.lint.facts import Facts
from metricsctl.lint.registry import Problem, rule


@rule("M410", "constant-condition", severity=Severity.WARNING)
def constant_condition(facts: Facts) -> Iterator[Problem]:
    """A filter that is always true or never, or an expression that is the same for every row.

    ## What it does
    Reports filters that hold for all rows or for none: comparisons of literals, terms joined by AND that exclude each other, a value that
    is not among the column's `accepted` ones; and expressions of metrics in which no column or metric stands. NULL is minded: `a OR NOT a`
    is not taken for true.

    ## Why
    Such a filter does nothing, or leaves nothing over; both are slips of the pen that give a number nonetheless.

    ## Example
        columns: [{name: status, accepted: [paid, refunded]}]
        filter: status = 'payed'

    ## Use instead
        filter: status = 'paid'

    ## References
    - [PostgreSQL: logical operators, and NULL](https://www.postgresql.org/docs/current/functions-logical.html)
    """
    for metric in facts.project.metrics.values():
        for expression, relations in facts.expressions(metric):
            if isinstance(metric, Simple) and expression is metric.expr:
                if not formula(expression.text, expression.dialect).names():
                    hint = "agg: count counts rows" if metric.agg == "sum" else None
                    yield _problem(facts, expression, "'{}' is the same for every row", hint)
            else:
                yield from _filter(facts, expression, relations)
        if isinstance(metric, Derived) and not formula(metric.expr.text, metric.expr.dialect).names():
            yield _problem(facts, metric.expr, "'{}' names no metric: the value is always the same", None)


def _problem(facts: Facts, expression: Expression, message: str, hint: str | None) -> Problem:
    span, text = facts.quoted(expression)
    return Problem(span, message.format(text), hint)


def _filter(facts: Facts, expression: Expression, relations: list[str]) -> Iterator[Problem]:
    term = formula(expression.text, expression.dialect)
    constant = truth(term)
    if constant is not None:
        yield _problem(
            facts, expression, f"'{{}}' is {'always' if constant else 'never'} true", "leave the filter out" if constant else None
        )
        return
    found = conditions(term)
    impossible = never(found, facts.accepted(relations[0]) if len(relations) == 1 else {})
    if impossible is not None:
        span, text = facts.quoted(expression, impossible.term.start, impossible.term.end)
        yield Problem(
            span,
            f"no row passes: '{text}' cannot have that value{_beside(facts, impossible, relations)}",
            _values(facts, impossible, relations),
        )


def _beside(facts: Facts, condition: Condition, relations: list[str]) -> str:
    known = facts.accepted(relations[0]).get(condition.column) if len(relations) == 1 else None
    outside = known is not None and condition.among is not None and not condition.among & known
    return "" if outside else " beside the other conditions"


def _values(facts: Facts, condition: Condition, relations: list[str]) -> str | None:
    known = facts.accepted(relations[0]).get(condition.column) if len(relations) == 1 else None
    return f"accepted: {', '.join(sorted(known))}" if known else None


@rule("M412", "unlike-filters", severity=Severity.WARNING)
def unlike_filters(facts: Facts) -> Iterator[Problem]:
    """A ratio whose numerator and denominator filter the same rows differently, neither within the other.

    ## What it does
    Looks at ratios of two simple metrics over one source or model. Warns where the rows of the numerator are not all among those of the
    denominator, and not the other way round either, as far as the filters tell: a condition on one side that the other side does not imply.

    ## Why
    Such a quotient is no share. Mostly one filter was forgotten on one side.

    ## Example
        - {name: paid_de, type: simple, source: orders, agg: count, filter: "status = 'paid' AND country = 'DE'"}
        - {name: orders_web, type: simple, source: orders, agg: count, filter: channel = 'web'}
        - {name: paid_share, type: ratio, numerator: paid_de, denominator: orders_web, on_zero: absent}

    ## Use instead
        - {name: orders_de, type: simple, source: orders, agg: count, filter: country = 'DE'}
        - {name: paid_share, type: ratio, numerator: paid_de, denominator: orders_de, on_zero: absent}

    ## References
    - [Ratio metrics](../spec.md)
    """
    for metric in facts.project.metrics.values():
        if not isinstance(metric, Ratio):
            continue
        above, below = facts.target(metric.numerator.metric.name), facts.target(metric.denominator.metric.name)
        if not isinstance(above, Simple) or not isinstance(below, Simple) or above.source.name != below.source.name:
            continue
        if above.name.name == below.name.name and metric.numerator.offset != metric.denominator.offset:
            continue
        upper, lower = _conditions(facts, metric.numerator), _conditions(facts, metric.denominator)
        if not _within(upper, lower) and not _within(lower, upper):
            ref = metric.numerator.metric
            message = f"numerator '{ref}' and denominator '{metric.denominator.metric}' filter different rows of '{above.source}'"
            yield Problem(ref.span, message, "let the filter of one hold the other's")


def _conditions(facts: Facts, item: Input) -> list[Condition]:
    """All conditions on the rows of an input: its own, those of variants on the way, those of the metric."""
    found: list[Expression | None] = [item.filter]
    name = item.metric.name
    if name in facts.project.variants:
        found.append(facts.project.variants[name].filter)
    target = facts.target(name)
    if isinstance(target, Simple):
        found.append(target.filter)
    return [one for expression in found if expression is not None for one in conditions(formula(expression.text, expression.dialect))]


def _within(inner: list[Condition], outer: list[Condition]) -> bool:
    """Whether every row that passes `inner` passes `outer`."""
    return all(implies(inner, condition) for condition in outer)
