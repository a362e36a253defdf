"""Two projects to the changes between them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from metricsctl.core.diagnostics import Span
from metricsctl.definition.project import Project
from metricsctl.definition.references import dimension_lists
from metricsctl.definition.schema import Alias, Column, Dimension, Exposure, Metric, MetricTest, Model, Placed, Simple, Source
from metricsctl.diff.aspects import Aspects, aspects_of
from metricsctl.diff.categories import category_of
from metricsctl.diff.change import Category, Change
from metricsctl.diff.models import SqlChange, Statements, sql_changes
from metricsctl.diff.renames import Renames
from metricsctl.diff.values import Proof
from metricsctl.lineage.nodes import NodeKind, node_id

__all__ = ["compare"]


def compare(base: Project, head: Project, proof: Proof | None = None) -> tuple[Change, ...]:
    """The changes that make `head` of `base`, the worst first. Order, layout, comments and files do not matter.

    What is written otherwise and proven to give the same numbers is cosmetic; `proof` may bring what is known of that already.
    """
    found = _Comparison(base, head, proof or Proof(base, head)).changes()
    return tuple(sorted(found, key=lambda change: change.sort_key))


_INHERIT = {NodeKind.METRIC, NodeKind.MODEL}
"""What may change although nobody has touched it: dimensions come from a source, columns out of a `*`."""


def _place(record: Placed) -> Span:
    name = getattr(record, "name", None)
    found = getattr(name, "span", None)
    return found if isinstance(found, Span) else record.span


def _differing(kind: NodeKind, name: str, before: Aspects, after: Aspects, places: Placed) -> Iterator[Change]:
    """A change for each aspect with another key; an aspect that only one side has is one of another type."""
    for aspect in before.keys() & after.keys():
        old, new = before[aspect], after[aspect]
        if old.key != new.key:
            category = category_of(kind.value, aspect, old.key, new.key)
            reason = f"{aspect.replace('_', ' ')}: {old.text} -> {new.text}"
            if old.text == new.text or aspect in {"description", "meta"}:
                reason = f"{aspect.replace('_', ' ')} changed"
            yield Change(node_id(kind, name), kind, name, category, aspect, reason, places.places.get(aspect) or _place(places))


class _Comparison:
    def __init__(self, base: Project, head: Project, proof: Proof) -> None:
        self.base = base
        self.head = head
        self.proof = proof
        self.renames = Renames(base, head, proof)

    def changes(self) -> Iterator[Change]:
        base, head = self.base, self.head
        yield from self._each(NodeKind.SOURCE, base.sources, head.sources, self._source)
        yield from self._each(NodeKind.MODEL, base.models, head.models, self._models())
        yield from self._each(NodeKind.DIMENSION, base.dimensions, head.dimensions, self._plainly(NodeKind.DIMENSION))
        yield from self._each(NodeKind.METRIC, base.all_metrics, head.all_metrics, self._metric)
        yield from self._each(NodeKind.EXPOSURE, base.exposures, head.exposures, self._plainly(NodeKind.EXPOSURE))
        yield from self._each(NodeKind.SERIES, base.series, head.series, self._plainly(NodeKind.SERIES))
        yield from self._each(NodeKind.CALENDAR, base.calendar, head.calendar, self._plainly(NodeKind.CALENDAR))
        yield from self._tests()

    def _each(
        self, kind: NodeKind, before: Mapping[str, Any], after: Mapping[str, Any], both: Callable[[str, Any, Any], Iterator[Change]]
    ) -> Iterator[Change]:
        for name in before.keys() - after.keys():
            yield self._gone(kind, name, before[name])
        for name in after.keys() - before.keys():
            yield self._new(kind, name, after[name])
        for name in before.keys() & after.keys():
            if before[name] is not after[name] or kind in _INHERIT:
                yield from both(name, before[name], after[name])

    def _gone(self, kind: NodeKind, name: str, record: Placed) -> Change:
        key = node_id(kind, name)
        skipped = self.head.skipped.get(key)
        if skipped is not None:
            return Change(key, kind, name, Category.UNKNOWN, "left out", f"left out: {skipped.reason}", skipped.span)
        category, words = self.renames.gone(kind, name)
        if isinstance(record, Exposure):
            tiers = [self.base.tier_of(metric) for ref in record.metrics() if (metric := self.base.metrics.get(ref.name)) is not None]
            category = Category.BREAKING if 0 in tiers else Category.GOVERNANCE
        elif isinstance(record, Dimension):
            category = self._bare_dimension(record)
        elif kind is NodeKind.CALENDAR:
            category = Category.GOVERNANCE
        return Change(key, kind, name, category, "removed", words, _place(record))

    def _new(self, kind: NodeKind, name: str, record: Placed) -> Change:
        key = node_id(kind, name)
        if key in self.base.skipped:
            return Change(key, kind, name, Category.UNKNOWN, "added", "was left out before", _place(record))
        category = self._bare_dimension(record) if isinstance(record, Dimension) else Category.ADDITIVE
        words = self.renames.new(kind, name) or (
            f"new alias of {record.alias_of.name}" if isinstance(record, Alias) else f"new {kind.value}"
        )
        return Change(key, kind, name, category, "added", words, _place(record))

    def _bare_dimension(self, record: Dimension) -> Category:
        """A shared dimension that comes or goes: with an expression of its own it is another thing than the column of its name."""
        if record.expr is None:
            return Category.ADDITIVE
        name = record.name.name
        was, now = name in self._used(self.base), name in self._used(self.head)
        return Category.SEMANTIC if was and now else Category.BREAKING if was else Category.ADDITIVE

    def _used(self, project: Project) -> set[str]:
        """The dimensions that metrics list."""
        return {ref.name for _, refs in dimension_lists(project) for ref in refs}

    def _metric(self, name: str, old: Metric, new: Metric) -> Iterator[Change]:
        if old is new and not self._inherits_other(new):
            return
        before, after = self._said(NodeKind.METRIC, old, new)
        found = list(_differing(NodeKind.METRIC, name, before, after, new))
        same_type = before["type"].key == after["type"].key
        if any(change.category.moves for change in found) and self.proof.same(node_id(NodeKind.METRIC, name)):
            if isinstance(new, Alias) and not same_type:
                reason = f"is an alias of {new.alias_of.name} now, with the same value"
                yield Change(node_id(NodeKind.METRIC, name), NodeKind.METRIC, name, Category.GOVERNANCE, "type", reason, _place(new))
                return
            found = [_settled(change) for change in found]
        elif not same_type:
            found = [change for change in found if change.aspect not in {"filter", "expr"}]
        yield from found

    def _inherits_other(self, metric: Metric) -> bool:
        """Whether a metric that nobody touched has other dimensions, because its source has."""
        return isinstance(metric, Simple) and self.base.dimensions_of(metric) != self.head.dimensions_of(metric)

    def _source(self, name: str, old: Source, new: Source) -> Iterator[Change]:
        yield from _differing(NodeKind.SOURCE, name, *self._said(NodeKind.SOURCE, old, new), new)
        yield from self._columns(name, old.columns, new.columns, declared=True)

    def _columns(self, relation: str, old: tuple[Column, ...], new: tuple[Column, ...], *, declared: bool) -> Iterator[Change]:
        """The declared columns; those of a model come from its SQL, so that declaring one neither makes nor drops it."""
        before = {column.name.name: column for column in old}
        after = {column.name.name: column for column in new}
        for name in before.keys() & after.keys():
            found = self._said(NodeKind.COLUMN, before[name], after[name])
            yield from _differing(NodeKind.COLUMN, f"{relation}.{name}", *found, after[name])
        if declared:
            for name in before.keys() - after.keys():
                yield _column(relation, name, Category.BREAKING, "removed", "column dropped", _place(before[name]))
            for name in after.keys() - before.keys():
                yield _column(relation, name, Category.ADDITIVE, "added", "new column", _place(after[name]))

    def _models(self) -> Callable[[str, Model, Model], Iterator[Change]]:
        if not self.base.models or not self.head.models:
            return lambda *_: iter(())
        statements = Statements(self.base), Statements(self.head)

        def both(name: str, old: Model, new: Model) -> Iterator[Change]:
            if old is not new:
                yield from _differing(NodeKind.MODEL, name, *self._said(NodeKind.MODEL, old, new), new)
                yield from self._columns(name, old.columns, new.columns, declared=False)
            place = new.statement.span if new.statement else _place(new)
            yield from self._sql(name, sql_changes(*statements, old, new), lambda column: _spelled(statements, name, column), place)

        return both

    def _sql(self, name: str, changes: Iterable[SqlChange], spelled: Callable[[str], str], place: Span) -> Iterator[Change]:
        """The changes of a model's SQL, those that are proven to give the same settled; `spelled` writes a column as the SQL does."""
        said, settled = set[str](), False
        for change in changes:
            if change.column is None:
                key = node_id(NodeKind.MODEL, name)
                found = Change(key, NodeKind.MODEL, name, change.category, change.aspect, change.reason, place)
                proven = self.proof.same(key) and self.proof.same_hidden(name)
                settled = settled or proven
            else:
                said.add(change.column)
                found = _column(name, spelled(change.column), change.category, change.aspect, change.reason, place)
                found = self.renames.column(found, name, change.column)
                proven = change.aspect == "expression" and self.proof.same_expression(name, change.column)
            yield _settled(found) if proven else found
        if settled:  # the same rows out of other tables: their columns may be others under the same names
            for column in self.proof.other_expressions(name, said):
                yield _column(name, spelled(column), Category.SEMANTIC, "expression", "expression: the same text over other columns", place)

    def _said(self, kind: NodeKind, old: Placed, new: Placed) -> tuple[Aspects, Aspects]:
        return aspects_of(self.base, kind.value, old), aspects_of(self.head, kind.value, new)

    def _plainly(self, kind: NodeKind) -> Callable[[str, Placed, Placed], Iterator[Change]]:
        """What is compared key by key, and no more."""
        return lambda name, old, new: _differing(kind, name, *self._said(kind, old, new), new)

    def _tests(self) -> Iterator[Change]:
        """A test is a matter of the metric that it tests."""
        before, after = self.base.tests, self.head.tests
        for name in before.keys() - after.keys():
            yield self._test(before[name], Category.GOVERNANCE, f"test removed: {name}")
        for name in after.keys() - before.keys():
            yield self._test(after[name], Category.ADDITIVE, f"new test: {name}")
        for name in before.keys() & after.keys():
            if before[name] is not after[name] and before[name].to_dict() != after[name].to_dict():
                yield self._test(after[name], Category.GOVERNANCE, f"test changed: {name}")

    def _test(self, test: MetricTest, category: Category, words: str) -> Change:
        name = test.metric.name
        return Change(node_id(NodeKind.METRIC, name), NodeKind.METRIC, name, category, "test", words, _place(test))


def _column(relation: str, name: str, category: Category, aspect: str, reason: str, place: Span) -> Change:
    key = node_id(NodeKind.COLUMN, f"{relation}.{name}")
    return Change(key, NodeKind.COLUMN, f"{relation}.{name}", category, aspect, reason, place)


def _spelled(statements: tuple[Statements, Statements], model: str, folded: str) -> str:
    """A column's name as the SQL writes it, which is how the graph knows it; the dialect compares it otherwise."""
    for side in reversed(statements):
        for column in side.columns.get(model) or ():
            if side.fold(model, column) == folded:
                return column
    return folded


def _settled(change: Change) -> Change:
    """A change that would move values, but is proven not to."""
    if not change.category.moves:
        return change
    return replace(change, category=Category.COSMETIC, reason=f"{change.reason} (proven to give the same)")
