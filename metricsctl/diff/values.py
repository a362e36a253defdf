"""The value of every node as a key: what it is made of, followed down to the sources, by meaning and not by name.

Two nodes with one key give the same numbers from the same events. So a metric is proven untouched even where what it reads was rewritten:
a filter that moved from one model to another, a model split in two, a column renamed with its uses.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from metricsctl.definition.expression import Expression
from metricsctl.definition.project import Project
from metricsctl.definition.references import inputs_of, relations_of
from metricsctl.definition.schema import Alias, Conversion, Derived, Input, Metric, Model, Ratio, Session, Simple, Source
from metricsctl.definition.sql import SqlSyntaxError
from metricsctl.diff.aspects import Aspects, aspects_of
from metricsctl.diff.categories import tells_value
from metricsctl.lineage.sql import model_tables, read_statement
from metricsctl.lineage.sql.canonical import Keys, conjuncts, folded, path_of
from metricsctl.lineage.sql.relation import Part, Relation, Unclear, call, merged

__all__ = ["Proof", "Values"]

Memo = dict[tuple[str, str, tuple[tuple[str, str], ...]], Relation]
# aspects whose meaning is followed to what they name
_FOLLOWED = {"source", "expr", "filter", "dimensions", "numerator", "denominator", "alias_of", "metric", "base", "convert", "entity"}


def _digest(parts: Iterable[object]) -> str:
    return hashlib.blake2b(repr(list(parts)).encode(), digest_size=16).hexdigest()


def _told(kind: str, found: Aspects, without: Iterable[str] = ()) -> str:
    """The key of the aspects that numbers depend on."""
    return _digest((name, aspect.key) for name, aspect in sorted(found.items()) if name not in without and tells_value(kind, name))


@dataclass
class Values:
    """The keys of one project, each made when it is asked for. `memo` is shared by projects that are compared."""

    project: Project
    memo: Memo = field(default_factory=dict)
    relations: dict[str, Relation] = field(default_factory=dict)
    metrics: dict[str, str] = field(default_factory=dict)

    def relation(self, name: str) -> Relation:
        """The relation of a source or model, all models in it dissolved; a table that is not defined, or a circle, counts by name."""
        if name not in self.relations:
            self.relations[name] = _named(f"table:{name}")
            source, model = self.project.sources.get(name), self.project.models.get(name)
            if source is not None:
                self.relations[name] = self._source(source)
            elif model is not None:
                self.relations[name] = self._model(model)
        return self.relations[name]

    def _source(self, source: Source) -> Relation:
        base = call("source", source.name.name, _told("source", aspects_of(self.project, "source", source)))
        columns = {
            _fold(self.project, source, column.name.name): Part(
                call("column", source.name.name, column.name.name, _told("column", aspects_of(self.project, "column", column)))
            )
            for column in source.columns
        }
        return Relation(base, columns, rest="" if columns else base, leaves=frozenset({base}))

    def _model(self, model: Model) -> Relation:
        text = model.statement
        if model.session is not None:
            return self._session(model.session)
        if text is None:
            return self._static(model)
        tables = {folded(name, text.dialect): self.relation(name) for name in sorted({name for name, _ in model_tables(model)})}
        key = (text.text, text.dialect, tuple((name, found.key) for name, found in tables.items()))
        if key not in self.memo:
            self.memo[key] = _dissolved(model, tables)
        return self.memo[key]

    def _session(self, session: Session) -> Relation:
        """Sessions over the rows of a source; `first.<column>` is there for each of its columns."""
        name = session.source.name
        source = self.relation(name)
        base = call("session", source.rows, self._entity(name, session.entity.name), self._time(name), str(session.gap))
        columns = {column: Part(call("of", base, column)) for column in Session.COLUMNS}
        columns |= {f"first.{column}": Part(call("first", base, part.key)) for column, part in source.columns.items()}
        return Relation(base, columns, rest=call("first", source.rest) if source.rest else "", leaves=frozenset({base}))

    def _static(self, model: Model) -> Relation:
        base = call("static", model.static or model.name.name)
        columns = {_fold(self.project, model, column.name.name): column for column in model.columns}
        parts = {
            name: Part(call("of", base, name, _told("column", aspects_of(self.project, "column", column))))
            for name, column in columns.items()
        }
        return Relation(base, parts, rest="" if parts else base, leaves=frozenset({base}))

    def _entity(self, relation: str, entity: str) -> str:
        record = self.project.relation(relation)
        column = None if record is None else record.entities.get(entity)
        return f"missing:{entity}" if column is None else self._field(relation, column.name)

    def _time(self, relation: str) -> str:
        record = self.project.relation(relation)
        column = None if record is None else record.time_column
        return "" if column is None else self._field(relation, column.name)

    def node(self, key: str) -> str | None:
        """The key of a node of the lineage graph by its id; None for what has no value of its own (exposures, dimensions)."""
        kind, _, name = key.partition(":")
        if kind == "metric" and name in self.project.all_metrics:
            return self.metric(name)
        if kind in {"source", "model"} and self.project.relation(name) is not None:
            return self.relation(name).rows
        if kind == "column":
            return self.column(*name.split(".", 1))
        return None

    def column(self, relation: str, name: str) -> str | None:
        """The key of a column and of the rows that it stands in; None where it is not there."""
        record, found = self.project.relation(relation), self.expression(relation, name)
        if record is None or found is None:
            return None
        said = next((column for column in record.columns if column.name.name == name), None)
        declared = "" if said is None or isinstance(record, Source) else _told("column", aspects_of(self.project, "column", said))
        return call("in", self.relation(relation).rows, found, declared)

    def expression(self, relation: str, name: str) -> str | None:
        """The key of a column's expression alone."""
        record = self.project.relation(relation)
        found = None if record is None else self.relation(relation).column(_fold(self.project, record, name))
        return None if found is None else found.key

    def metric(self, name: str) -> str:
        """The key of a metric; one that is not defined, or stands on itself, counts by name."""
        if name not in self.metrics:
            self.metrics[name] = f"metric:{name}"
            record = self.project.all_metrics.get(name)
            if record is not None:
                self.metrics[name] = self._metric(record)
        return self.metrics[name]

    def _metric(self, metric: Metric) -> str:
        if isinstance(metric, Alias):
            return self.metric(metric.alias_of.name)
        said = _told("metric", aspects_of(self.project, "metric", metric), _FOLLOWED)
        return call("metric", said, *self._made(metric))

    def _made(self, metric: Metric) -> Iterable[str]:
        if isinstance(metric, Simple):
            yield from self._simple(metric)
        elif isinstance(metric, Ratio):
            for item in (metric.numerator, metric.denominator):
                yield self._input(item)
                yield self._filter(item.metric.name, metric.filter)
        elif isinstance(metric, Derived):
            inputs = {name: self._input(item) for name, item in inputs_of(metric).items()}
            yield self._expression(metric.expr, lambda name: inputs.get(name, f"missing:{name}"))
        elif isinstance(metric, Conversion):
            for ref in relations_of(metric):
                yield self.relation(ref.name).rows
                yield self._entity(ref.name, metric.entity.name)
                yield self._time(ref.name)
        else:  # a variant, a running total
            yield from map(self._input, inputs_of(metric).values())

    def _simple(self, metric: Simple) -> Iterable[str]:
        name = metric.source.name
        found = self.relation(name)
        kept = set(found.filters)
        if metric.filter is not None:
            kept |= self._conditions(name, metric.filter)
        yield call("rows", found.base, *sorted(kept))
        yield "" if metric.expr is None else self._over(name, metric.expr)
        for dimension in sorted(self.project.dimensions_of(metric)):
            yield f"{dimension}={self._dimension(name, dimension)}"
        if metric.semi_additive is not None:
            yield from (self._field(name, ref.name) for ref in metric.semi_additive.per)
        yield self._time(name)

    def _dimension(self, relation: str, name: str) -> str:
        shared = self.project.dimensions.get(name)
        return self._field(relation, name) if shared is None or shared.expr is None else self._over(relation, shared.expr)

    def _field(self, relation: str, name: str) -> str:
        return self.expression(relation, name) or f"missing:{relation}.{name}"

    def _over(self, relation: str, expression: Expression) -> str:
        return self._expression(expression, lambda path: self._field(relation, self._name(relation, path)))

    def _name(self, relation: str, path: str) -> str:
        """The column that a path means: `first.country` of sessions, the last part of `orders.country`."""
        model = self.project.models.get(relation)
        return path if model is not None and model.session is not None else path.rpartition(".")[2]

    def _conditions(self, relation: str, expression: Expression) -> set[str]:
        keys = Keys(expression.dialect, lambda column: self._field(relation, self._name(relation, path_of(column))))
        return {keys.of(term) for term in conjuncts(expression.tree)}

    def _expression(self, expression: Expression, value: object) -> str:
        assert callable(value)  # noqa: S101 - for the type checker
        return Keys(expression.dialect, lambda column: str(value(path_of(column)))).of(expression.tree)

    def _input(self, item: Input) -> str:
        return call("input", self.metric(item.metric.name), self._filter(item.metric.name, item.filter), str(item.offset))

    def _filter(self, metric: str, expression: Expression | None) -> str:
        """A filter upon a metric, over the rows of whatever that metric counts."""
        if expression is None:
            return ""
        return call("filter", *(f"{name}:{self._over(name, expression)}" for name in sorted(self._counted(metric, set()))))

    def _counted(self, name: str, seen: set[str]) -> set[str]:
        metric = self.project.all_metrics.get(name)
        if metric is None or name in seen:
            return set()
        seen.add(name)
        own = {ref.name for ref in relations_of(metric)}
        return own.union(*(self._counted(item.metric.name, seen) for item in inputs_of(metric).values()))


class Proof:
    """Two projects, and which of their nodes are proven to give the same numbers."""

    def __init__(self, base: Project, head: Project) -> None:
        memo: Memo = {}
        self.base = Values(base, memo)
        self.head = Values(head, memo)
        self._known: dict[str, bool] = {}

    def same(self, key: str) -> bool:
        """Whether the node with this id has a value in both, and the same."""
        if key not in self._known:
            before, after = self.base.node(key), self.head.node(key)
            self._known[key] = before is not None and before == after
        return self._known[key]

    def same_hidden(self, model: str) -> bool:
        """Whether the columns of a model that are not known, if any, are those of the same tables in both."""
        return self.base.relation(model).rest == self.head.relation(model).rest

    def same_expression(self, relation: str, column: str) -> bool:
        """Whether a column is made by the same expression in both, whatever rows it stands in."""
        before, after = self.base.expression(relation, column), self.head.expression(relation, column)
        return before is not None and before == after

    def other_expressions(self, model: str, without: Collection[str]) -> list[str]:
        """The columns that a model has in both, but by other expressions."""
        before, after = self.base.relation(model).columns, self.head.relation(model).columns
        return sorted(name for name in before.keys() & after.keys() if name not in without and before[name].key != after[name].key)


def _named(base: str) -> Relation:
    return Relation(base, {}, rest=base, leaves=frozenset({base}))


def _fold(project: Project, record: Source | Model, name: str) -> str:
    statement = record.statement if isinstance(record, Model) else None
    return folded(name, statement.dialect if statement is not None else project.defaults_of(record).dialect)


def _dissolved(model: Model, tables: Mapping[str, Relation]) -> Relation:
    """The relation of a model's statement; one that is not understood is itself, over all that its tables give."""
    from metricsctl.lineage.sql.dissolve import branches_of

    text = model.statement
    assert text is not None  # noqa: S101 - the caller has asked
    try:
        return merged(branches_of(text.text, text.dialect, lambda name: tables.get(name) or _named(f"table:{name}")))
    except (Unclear, RecursionError, SqlSyntaxError):
        base = call("opaque", text.dialect, _digest([text.canonical()]), *(f"{name}={found.key}" for name, found in tables.items()))
        known = tuple((name, None) for name in tables)
        names = read_statement(text.text, text.dialect, known)
        columns = {folded(name, text.dialect): Part(call("of", base, folded(name, text.dialect))) for name in names.columns}
        return Relation(base, columns, rest="" if names.complete else base, leaves=frozenset({base}))
