"""M4: aggregates over what is aggregated already, and over rows that a join has multiplied."""

from __future__ import annotations

from collections.abc import Iterator

from metricsctl.core.diagnostics import Severity
from metricsctl.definition.references import inputs_of
from metricsctl.definition.schema import Cumulative, Derived, Model, Simple, Source
from metricsctl.lint.facts import Facts
from metricsctl.lint.measures import Measures
from metricsctl.lint.registry import Problem, rule
from metricsctl.lint.rules.m4_numbers import averaged


def _source_aggregate(facts: Facts, metric: Simple) -> str | None:
    """The aggregate that the column which a metric aggregates is already, in the SQL of its model or of one below."""
    names = metric.expr.names() if metric.expr is not None else []
    if len(names) != 1:
        return None
    relation, column = metric.source.name, names[0]
    for _ in range(len(facts.project.models)):
        model = facts.project.models.get(relation)
        if model is None or model.statement is None:
            return None
        output = facts.shape(model).outputs.get(column)
        if output is None or output.aggregate is not None:
            return None if output is None else output.aggregate
        relation, column = output.table, output.column
    return None


@rule("M404", "distinct-summed", severity=Severity.WARNING)
def distinct_summed(facts: Facts) -> Iterator[Problem]:
    """A distinct count, or a stock, summed over time.

    ## What it does
    Reports metrics that sum a column which the model's SQL has from COUNT(DISTINCT ...), cumulative metrics over a semi-additive one, and
    cumulative metrics over a distinct count that keeps no states (`rollup: final_only`).

    ## Why
    Who came on Monday and on Tuesday is one visitor, not two; the balance of two days is not the sum of both.

    ## Example
        models:
          - {name: daily, sql: "SELECT day, COUNT(DISTINCT user_id) AS users FROM log GROUP BY day", time: day}
        metrics:
          - {name: users, type: simple, source: daily, agg: sum, expr: users}

    ## Use instead
        metrics:
          - {name: users, type: simple, source: log, agg: count_distinct, expr: user_id}

    ## References
    - [Semi-additive metrics](../spec.md)
    - [Kimball: additive, semi-additive, non-additive facts](https://www.kimballgroup.com/data-warehouse-business-intelligence-resources/kimball-techniques/dimensional-modeling-techniques/additive-semi-additive-non-additive-fact/)
    """
    for metric in facts.project.metrics.values():
        summed = metric.expr if isinstance(metric, Simple) and metric.agg in {"sum", "avg"} else None
        if isinstance(metric, Simple) and summed is not None and _source_aggregate(facts, metric) == "count_distinct":
            span, text = facts.quoted(summed)
            yield Problem(span, f"'{text}' is a distinct count, which must not be added up", "agg: count_distinct over the rows below")
        if isinstance(metric, Cumulative):
            target = facts.target(metric.metric.name)
            if not isinstance(target, Simple):
                continue
            if target.semi_additive is not None:
                yield Problem(metric.metric.span, f"'{metric.metric}' is a stock, which does not add up over time", "show the stock itself")
            elif target.agg == "count_distinct" and target.rollup == "final_only":
                message = f"'{metric.metric}' keeps no states, and distinct counts do not add up over time"
                yield Problem(metric.metric.span, message, "rollup: states there")


@rule("M405", "percentile-reaggregated", severity=Severity.WARNING)
def percentile_reaggregated(facts: Facts) -> Iterator[Problem]:
    """A percentile of percentiles, or their average.

    ## What it does
    Reports metrics that aggregate a column which the model's SQL has from a percentile, quantile or median, and derived metrics that add up
    percentiles and divide by how many they are.

    ## Why
    A percentile does not follow from those of the parts: nobody knows how many values lie beyond each.

    ## Example
        - {name: p95, type: derived, expr: (p95_web + p95_app) / 2}

    ## Use instead
        - {name: p95, type: simple, source: requests, agg: percentile, p: 0.95, expr: latency}

    ## References
    - [Prometheus: histograms and summaries, aggregation](https://prometheus.io/docs/practices/histograms/#quantiles)
    """
    measures = Measures(facts)
    for metric in facts.project.metrics.values():
        if isinstance(metric, Simple) and metric.expr is not None and _source_aggregate(facts, metric) == "percentile":
            span, text = facts.quoted(metric.expr)
            yield Problem(span, f"'{text}' is a percentile already, which cannot be aggregated again", "aggregate the rows below")
        if isinstance(metric, Derived):
            yield from averaged(facts, metric, measures.is_percentile, "percentiles", "take the percentile over all the rows")


@rule("M414", "join-fan-out", severity=Severity.WARNING)
def join_fan_out(facts: Facts) -> Iterator[Problem]:
    """A sum over rows that a join has multiplied.

    ## What it does
    Looks at models that join a table by columns which do not cover its key (`grain:` of a model, `key:` of a source), so that one row of
    the left side meets several. Warns of metrics that sum, average or count rows of the left side there.

    ## Why
    Each order is counted once for each of its items: the sum is too large, by a factor that no one sees.

    ## Example
        models:
          - {name: order_items, time: paid_at, sql: "SELECT o.paid_at, o.amount FROM orders o JOIN items i USING (order_id)"}
        metrics:
          - {name: revenue, type: simple, source: order_items, agg: sum, expr: amount}      # items has grain [order_id, sku]

    ## Use instead
        metrics:
          - {name: revenue, type: simple, source: orders, agg: sum, expr: amount}

    ## References
    - [Kimball: multi-valued dimensions and fan-out](https://www.kimballgroup.com/data-warehouse-business-intelligence-resources/kimball-techniques/dimensional-modeling-techniques/)
    """
    for metric in facts.project.metrics.values():
        if not isinstance(metric, Simple) or metric.agg not in {"sum", "avg", "stddev"} or metric.expr is None:
            continue
        model = facts.project.models.get(metric.source.name)
        if model is None or model.statement is None:
            continue
        for use in metric.expr.columns():
            many = _multiplied(facts, model, use.name)
            if many is not None:
                message = f"'{use.name}' counts once for each row of '{many}' that the model '{model.name}' joins"
                yield Problem(use.span, message, f"take it from before the join, or join '{many}' by its whole key")
                break


def _multiplied(facts: Facts, model: Model, column: str) -> str | None:
    """The relation whose join multiplies the rows that an output column of a model comes from."""
    shape = facts.shape(model)
    output = shape.outputs.get(column)
    if not shape.is_plain or output is None or not output.table:
        return None
    for join in shape.joins:
        key = _key(facts.relations.get(join.table))
        if join.table != output.table and key and join.columns and not key <= join.columns:
            return join.table
    return None


def _key(relation: Source | Model | None) -> frozenset[str]:
    """The columns that tell the rows of a relation apart; empty where nothing says so."""
    if relation is None:
        return frozenset()
    return frozenset(ref.name for ref in (relation.grain if isinstance(relation, Model) else relation.key_))


@rule("M402", "average-of-averages", severity=Severity.WARNING)
def average_of_averages(facts: Facts) -> Iterator[Problem]:
    """A ratio of ratios, or an average of averages.

    ## What it does
    Warns of ratios whose numerator and denominator are both rates (ratios, conversions, averages) of different metrics, of derived
    metrics that add up rates and divide by how many they are, and of metrics that average a column which the model's SQL has from AVG or
    from a quotient of aggregates.

    ## Why
    Each rate has a weight, the size of its denominator, which such an average forgets: 1 of 1 and 10 of 100 are 11 of 101, not 55 %.

    ## Example
        - {name: mean_ctr, type: derived, expr: (ctr_web + ctr_app) / 2}

    ## Use instead
        - {name: mean_ctr, type: derived, expr: (clicks_web + clicks_app) / (shown_web + shown_app), on_zero: absent}

    ## References
    - [Simpson's paradox](https://en.wikipedia.org/wiki/Simpson%27s_paradox)
    """
    measures = Measures(facts)
    for metric in facts.project.metrics.values():
        if isinstance(metric, Derived):
            yield from averaged(
                facts, metric, measures.is_rate, "rates", "divide the sum of what they count by that of what they count it of"
            )
        elif isinstance(metric, Simple):
            if metric.agg == "avg" and metric.expr is not None and _source_aggregate(facts, metric) in {"avg", "ratio"}:
                span, text = facts.quoted(metric.expr)
                yield Problem(span, f"'{text}' is an average already, in the SQL of '{metric.source}'", "average the rows below")
        else:
            inputs = [item.metric for item in inputs_of(metric).values()]
            if metric.type == "ratio" and len({ref.name for ref in inputs}) == 2 and all(measures.is_rate(ref.name) for ref in inputs):
                above, below = inputs
                yield Problem(
                    below.span, f"'{below}' is a rate, and so is the numerator '{above}': a ratio of ratios", "divide what they count"
                )
