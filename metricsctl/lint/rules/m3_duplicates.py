"""M3: duplication. One number under two names, one name for two numbers."""

from __future__ import annotations

from collections.abc import Iterator

from metricsctl.core.diagnostics import Severity
from metricsctl.definition.schema import Alias, Metric
from metricsctl.lint.facts import Facts
from metricsctl.lint.places import value_at
from metricsctl.lint.registry import Problem, rule
from metricsctl.lint.same import near_calculations, resolved, same_calculations


@rule("M301", "same-calculation", severity=Severity.WARNING)
def same_calculation(facts: Facts) -> Iterator[Problem]:
    """Two metrics that compute the same.

    ## What it does
    Warns of a metric that has the source, aggregate, expression, filter, window and zone of another one, or is the same ratio, formula,
    running total or conversion of the same inputs. Expressions are the same if they are so under SQL's three-valued logic: the order of
    AND-ed terms, parentheses, casing of names and the sides of `=` do not matter. `a OR NOT a` is not TRUE, since it is NULL where `a` is.

    ## Why
    One of them will be changed and the other not, and then two dashboards disagree about what was one number.

    ## Example
        - {name: buyers, type: simple, source: orders, agg: count_distinct, expr: user_id, filter: paid AND amount > 0}
        - {name: customers, type: simple, source: orders, agg: count_distinct, expr: user_id, filter: (amount > 0) AND paid}

    ## Use instead
        - {name: buyers, type: simple, source: orders, agg: count_distinct, expr: user_id, filter: paid AND amount > 0}
        - {name: customers, alias_of: buyers}

    ## References
    - [Three-valued logic](https://www.postgresql.org/docs/current/functions-logical.html)
    """
    for group in same_calculations(facts):
        first = group[0]
        for metric in group[1:]:
            yield Problem(metric.name.span, f"metric '{metric.name}' is computed just as '{first.name}'", _alias(first))


def _alias(first: Metric) -> str:
    return f"make it an alias: alias_of: {first.name} (at {first.name.span})"


@rule("M302", "near-duplicate", severity=Severity.WARNING)
def near_duplicate(facts: Facts) -> Iterator[Problem]:
    """Two metrics that differ in nothing that seems meant.

    ## What it does
    Warns of two simple metrics over the same rows that are written differently and give the same number but in a corner case: texts of the
    filter that differ in upper and lower case or in blanks at their ends alone; `is_paid = true` for `is_paid`; a filter against a
    `CASE WHEN filter THEN x END`; `COALESCE(x, 0)` in a sum; `count` of a literal, or a sum of ones.

    ## Why
    Where they differ at all it is by a slip (`'DE'` and `'de'`), and both will be quoted as the same number.

    ## Example
        - {name: paid_value, type: simple, source: orders, agg: sum, expr: amount, filter: status = 'paid'}
        - {name: revenue, type: simple, source: orders, agg: sum, expr: "CASE WHEN status = 'paid' THEN amount ELSE 0 END"}

    ## Use instead
        - {name: revenue, type: simple, source: orders, agg: sum, expr: amount, filter: status = 'paid'}
        - {name: paid_value, alias_of: revenue}

    ## References
    - [Null, zero, absent](../spec.md)
    """
    for first, metric in near_calculations(facts):
        yield Problem(metric.name.span, f"metric '{metric.name}' is all but '{first.name}'", _alias(first))


@rule("M303", "shared-label", severity=Severity.WARNING)
def shared_label(facts: Facts) -> Iterator[Problem]:
    """One label for two metrics.

    ## What it does
    Warns of metrics whose `label:` is that of another one of their `namespace:`, upper and lower case and blanks aside. An alias may have
    the label of its metric.

    ## Why
    The label is all that a dashboard shows: two lines of one name, and nobody can say which is which.

    ## Example
        - {name: revenue, type: simple, source: orders, agg: sum, expr: amount, label: Revenue}
        - {name: net_revenue, type: simple, source: orders, agg: sum, expr: net_amount, label: Revenue}

    ## Use instead
        - {name: revenue, type: simple, source: orders, agg: sum, expr: amount, label: Gross revenue}
        - {name: net_revenue, type: simple, source: orders, agg: sum, expr: net_amount, label: Net revenue}

    ## References
    - [Labels](../spec.md)
    """
    namespaces = {file.path: file.namespace for file in facts.project.files}
    seen: dict[tuple[str | None, str], Metric] = {}
    for metric in sorted(facts.project.metrics.values(), key=lambda metric: (isinstance(metric, Alias), metric.span)):
        if not metric.label or not metric.label.strip():
            continue
        first = seen.setdefault((namespaces[metric.span.path], " ".join(metric.label.casefold().split())), metric)
        if first is not metric and resolved(facts, metric.name.name) != resolved(facts, first.name.name):
            span, text = value_at(facts, metric, "label")
            what = f"the label of metric '{text}'" if span == metric.name.span else f"label '{text}'"
            yield Problem(span, f"{what} is that of '{first.name}' too", f"'{first.name}' is at {first.name.span}")
