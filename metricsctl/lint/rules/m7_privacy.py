"""M7: privacy. Where personal data comes to light."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from metricsctl.core.diagnostics import Span
from metricsctl.definition.schema import Model, Simple
from metricsctl.lineage.kinds import EdgeKind
from metricsctl.lint.facts import Facts
from metricsctl.lint.registry import Problem, rule

_COUNTING = ("count", "count_distinct")
_CARRIED = (EdgeKind.IDENTITY, EdgeKind.DERIVED, EdgeKind.WINDOW)


@rule("M701", "exposed-personal-data")
def exposed_personal_data(facts: Facts) -> Iterator[Problem]:
    """A column with personal data that reaches an exposed metric or dimension.

    ## What it does
    Follows columns with `pii: true` through the SQL of models, and reports those which a metric with an exposure aggregates, or is split
    by. Counting them (`count`, `count_distinct`) shows nobody, and neither does a filter; an aggregate in a model ends the trail.

    ## Why
    A dimension of user ids is a list of users, and the largest value of a column of mail addresses is a mail address: on every dashboard,
    in the store, and in each export of it.

    ## Example
        sources:
          - name: orders
            dimensions: [email]
            columns: [{name: email, type: string, pii: true}]

    ## Use instead
        metrics:
          - {name: buyers, type: simple, source: orders, agg: count_distinct, expr: email}

    ## References
    - [GDPR, Article 4 (1): personal data](https://gdpr-info.eu/art-4-gdpr/)
    - [GDPR, Article 5 (1) c: data minimisation](https://gdpr-info.eu/art-5-gdpr/)
    """
    if not any(column.pii for relation in facts.relations.values() for column in relation.columns):
        return
    personal = _Personal(facts)
    said: set[Span] = set()
    for metric in facts.project.metrics.values():
        if not isinstance(metric, Simple) or metric.name.name not in facts.exposures or metric.source.name not in facts.relations:
            continue
        exposure = facts.exposures[metric.name.name][0].name
        for use in metric.expr.columns() if metric.expr is not None and metric.agg not in _COUNTING else ():
            if personal.holds(metric.source.name, use.path if facts.has_sessions(metric.source.name) else use.name):
                yield Problem(use.span, f"'{use.name}' is personal data, and reaches exposure '{exposure}' by '{metric.name}'", _HINT)
        for ref in metric.dimensions if metric.dimensions is not None else facts.relations[metric.source.name].dimensions:
            column = None if ref.span in said else _personal_part(facts, personal, metric.source.name, ref.name)
            if column is not None:
                said.add(ref.span)
                what = "is" if ref.name == column else f"is made of '{column}', which is"
                yield Problem(
                    ref.span, f"dimension '{ref}' {what} personal data, and reaches exposure '{exposure}' by '{metric.name}'", _HINT
                )


_HINT = "count it distinct, or leave it out"


def _personal_part(facts: Facts, personal: _Personal, relation: str, dimension: str) -> str | None:
    """The column with personal data that a dimension is or is made of."""
    shared = facts.project.dimensions.get(dimension)
    names = shared.expr.names() if shared is not None and shared.expr is not None else [dimension]
    return next((name for name in names if personal.holds(relation, name)), None)


@dataclass(slots=True)
class _Personal:
    """Which columns hold personal data, declared or taken over from below; each is followed once."""

    facts: Facts
    _known: dict[tuple[str, str], bool] = field(default_factory=dict)

    def holds(self, relation: str, column: str) -> bool:
        """Whether a column of a source or model does."""
        key = (relation, column)
        if key not in self._known:
            self._known[key] = False  # a circle proves nothing
            record = self.facts.relations.get(relation)
            declared = record is not None and any(item.pii and item.name.name == column for item in record.columns)
            self._known[key] = declared or (isinstance(record, Model) and self._made(record, column))
        return self._known[key]

    def _made(self, model: Model, column: str) -> bool:
        """Whether a model's column is made of one that does."""
        if model.session is not None:
            below = self.facts.relations.get(model.session.source.name)
            entity = below.entities.get(model.session.entity.name) if below is not None else None
            name = entity.name if column == "entity" and entity is not None else column.removeprefix("first.")
            return name != column and self.holds(model.session.source.name, name)
        if model.statement is None:
            return False
        shape = self.facts.shape(model)
        output = shape.outputs.get(column)
        if not shape.is_plain or output is None:
            return self._traced(model, column)
        if output.aggregate is not None:
            return False
        tables = (output.table,) if output.table else tuple(shape.aliases.values())
        names = (output.column,) if output.column else output.mentions
        return any(self.holds(table, name) for table in tables for name in names)

    def _traced(self, model: Model, column: str) -> bool:
        """The same by the lineage of the whole statement."""
        lineage = self.facts.lineage.get(model.name.name)
        origins = () if lineage is None else lineage.statement.columns.get(column, ())
        return any(item.kind in _CARRIED and item.column is not None and self.holds(item.relation, item.column) for item in origins)
