"""M4: meaning. Whether a definition can give the number that it promises."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from metricsctl.core.names import nearest
from metricsctl.definition.expression import Expression
from metricsctl.definition.forms import Ref
from metricsctl.definition.references import relations_of
from metricsctl.definition.schema import Model, Simple, Source
from metricsctl.lint.facts import Facts
from metricsctl.lint.registry import Problem, rule


@rule("M407", "no-event-time")
def no_event_time(facts: Facts) -> Iterator[Problem]:
    """A model without event time that metrics stand on.

    ## What it does
    Reports models that a metric uses and that have no `time:`.

    ## Why
    A metric is a number a window of time; without an event time no row belongs to a window.

    ## Example
        models:
          - {name: paid_orders, sql: "SELECT paid_at, amount FROM payment_log"}
        metrics:
          - {name: revenue, type: simple, source: paid_orders, agg: sum, expr: amount}

    ## Use instead
        models:
          - {name: paid_orders, sql: "SELECT paid_at, amount FROM payment_log", time: paid_at}

    ## References
    - [Event time](../spec.md)
    """
    users: dict[str, Ref] = {}
    for metric in facts.project.metrics.values():
        for ref in relations_of(metric):
            users.setdefault(ref.name, metric.name)
    for name, model in facts.project.models.items():
        if model.time_column is None and name in users:
            yield Problem(model.name.span, f"model '{name}' has no event time, and metric '{users[name]}' needs one", "time: {column: ...}")


@rule("M411", "unknown-column")
def unknown_column(facts: Facts) -> Iterator[Problem]:
    """An expression that names a column which its source or model does not have.

    ## What it does
    Checks `expr` and `filter` of simple metrics, the filters of ratios and of inputs, and the `expr` of shared dimensions against the
    `columns` of the source, or the columns that the model's SQL gives. Where `SELECT *` hides them nothing is said.

    ## Why
    Only declared columns are read from events: what is not declared is not there.

    ## Example
        sources:
          - {name: orders, time: paid_at, columns: [{name: paid_at, type: timestamp}, {name: amount_usd, type: double}]}
        metrics:
          - {name: revenue, type: simple, source: orders, agg: sum, expr: amount}

    ## Use instead
        metrics:
          - {name: revenue, type: simple, source: orders, agg: sum, expr: amount_usd}

    ## References
    - [Columns of sources](../spec.md)
    """
    for metric in facts.project.metrics.values():
        for expression, relations in facts.expressions(metric):
            yield from _missing(facts, expression, relations)
    yield from _dimensions(facts)


def _missing(facts: Facts, expression: Expression, relations: Iterable[str]) -> Iterator[Problem]:
    for use in expression.columns():
        for relation in relations:
            name = use.path if facts.has_sessions(relation) else use.name
            if facts.missing(relation, name):
                yield Problem(use.span, f"unknown column '{name}' in {_kind(facts, relation)} '{relation}'", _hint(facts, relation, name))
                break


def _kind(facts: Facts, relation: str) -> str:
    return "source" if relation in facts.project.sources else "model"


def _hint(facts: Facts, relation: str, name: str) -> str:
    return nearest(name, facts.columns.get(relation) or ()) or "list its `columns:` with name and type"


def _dimensions(facts: Facts) -> Iterator[Problem]:
    """Shared dimensions, wherever they are listed for rows: their columns must be there."""
    shared = facts.project.dimensions
    lists: list[tuple[Source | Model | Simple, str, tuple[Ref, ...]]] = [
        (record, name, record.dimensions) for name, record in facts.relations.items()
    ]
    metrics = [metric for metric in facts.project.metrics.values() if isinstance(metric, Simple)]
    lists += [(metric, metric.source.name, metric.dimensions or ()) for metric in metrics]
    for _, relation, listed in lists:
        for ref in listed:
            dimension = shared.get(ref.name)
            if dimension is None:
                continue
            names = [ref.name] if dimension.expr is None else dimension.expr.names()
            for name in names:
                if facts.missing(relation, name):
                    message = f"dimension '{ref}' needs column '{name}', which {_kind(facts, relation)} '{relation}' does not have"
                    yield Problem(ref.span, message, _hint(facts, relation, name))
