"""M1: the inputs of metrics. How deep they go, and that what is declared is what is used."""

from __future__ import annotations

from collections.abc import Iterator

from metricsctl.core.diagnostics import Fix, Severity, Span
from metricsctl.core.names import nearest
from metricsctl.definition.references import inputs_of
from metricsctl.definition.schema import Derived
from metricsctl.lint.facts import Facts
from metricsctl.lint.fixes import entry_removal
from metricsctl.lint.registry import Problem, rule


@rule("M107", "too-deep", severity=Severity.WARNING)
def too_deep(facts: Facts) -> Iterator[Problem]:
    """A metric that stands on others over too many steps.

    ## What it does
    Counts the longest way from a metric down to a simple one, which has depth 1. Warns at the first metric of a chain beyond
    `lint.max_depth` (10).

    ## Why
    Nobody can say any more what such a number means, and every change below moves it.

    ## Example
        - {name: l11, type: derived, expr: l10 + 1}     # l10 stands on l9, l9 on l8 ...

    ## Use instead
    Write the expression over metrics nearer to the sources.

    ## References
    - [Derived metrics](../spec.md)
    """
    depths = _depths(facts)
    for name, metric in facts.project.metrics.items():
        depth, inputs = depths.get(name, 0), [item.metric.name for item in inputs_of(metric).values()]
        if depth > facts.settings.max_depth and all(depths.get(item, 0) <= facts.settings.max_depth for item in inputs):
            ref = metric.name
            yield Problem(ref.span, f"metric '{ref}' is {depth} steps deep", f"{facts.settings.max_depth} are the limit (lint.max_depth)")


def _depths(facts: Facts) -> dict[str, int]:
    """The depth of every metric that stands in or above no circle."""
    metrics = facts.project.all_metrics
    inputs = {name: {item.metric.name for item in inputs_of(metric).values()} & metrics.keys() for name, metric in metrics.items()}
    users: dict[str, list[str]] = {name: [] for name in metrics}
    for name, found in inputs.items():
        for item in found:
            users[item].append(name)
    open_inputs = {name: len(found) for name, found in inputs.items()}
    ready = [name for name, number in open_inputs.items() if not number]
    depths: dict[str, int] = {}
    for name in ready:  # grows while it is walked
        depths[name] = 1 + max((depths[item] for item in inputs[name]), default=0)
        for user in users[name]:
            open_inputs[user] -= 1
            if not open_inputs[user]:
                ready.append(user)
    return depths


def _derived(facts: Facts) -> Iterator[Derived]:
    return (metric for metric in facts.project.metrics.values() if isinstance(metric, Derived) and metric.inputs)


@rule("M108", "unused-input", severity=Severity.WARNING, fix="safe")
def unused_input(facts: Facts) -> Iterator[Problem]:
    """A declared input that the expression does not use.

    ## What it does
    Warns of names under `inputs:` of a derived metric that do not stand in its `expr`. The fix takes the input out; the number stays what
    it was.

    ## Why
    Lineage would show an influence that is none, and usually the expression has lost a term.

    ## Example
        - {name: growth, type: derived, expr: cur - 1, inputs: {cur: revenue, prev: {metric: revenue, offset: 7d}}}

    ## Use instead
        - {name: growth, type: derived, expr: cur / prev - 1, inputs: {cur: revenue, prev: {metric: revenue, offset: 7d}}}

    ## References
    - [Inputs of derived metrics](../spec.md)
    """
    for metric in _derived(facts):
        used = set(metric.expr.names())
        for name in metric.inputs:
            if name not in used:
                span = facts.word(metric.place("inputs"), name, key=True)
                yield Problem(span, f"input '{name}' is not used in `expr`", "take it out, or use it", _without(facts, metric, name, span))


def _without(facts: Facts, metric: Derived, name: str, key: Span) -> Fix | None:
    """The metric without an input; None where it is the only one, since without any `inputs:` names mean metrics."""
    if len(metric.inputs) < 2 or key == metric.place("inputs"):
        return None
    end = metric.inputs[name].span
    entry = Span(key.path, key.line, key.column, end.end_line, end.end_column)
    return Fix(f"take input '{name}' out", (entry_removal(entry, facts.lines_of(key.path)),))


@rule("M109", "undeclared-input")
def undeclared_input(facts: Facts) -> Iterator[Problem]:
    """An expression that uses an input which `inputs:` does not declare.

    ## What it does
    Reports names in the `expr` of a derived metric that its `inputs:` lacks. Without any `inputs:` names are metrics.

    ## Why
    Where inputs are declared the list is complete: a name that is not in it is a slip of the pen, and might by chance be a metric.

    ## Example
        - {name: growth, type: derived, expr: cur / previous - 1, inputs: {cur: revenue, prev: {metric: revenue, offset: 7d}}}

    ## Use instead
        - {name: growth, type: derived, expr: cur / prev - 1, inputs: {cur: revenue, prev: {metric: revenue, offset: 7d}}}

    ## References
    - [Inputs of derived metrics](../spec.md)
    """
    for metric in _derived(facts):
        for use in metric.expr.columns():
            if use.name not in metric.inputs:
                yield Problem(use.span, f"'{use.name}' is not one of the inputs", nearest(use.name, metric.inputs))
