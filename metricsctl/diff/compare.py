"""Two projects to the changes between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from metricsctl.core.diagnostics import Span
from metricsctl.definition.project import Project
from metricsctl.definition.references import dimension_lists
from metricsctl.definition.schema import Alias, Column, Dimension, Exposure, Metric, Model, Placed, Source
from metricsctl.diff import aspects
from metricsctl.diff.aspects import Aspects
from metricsctl.diff.categories import category_of
from metricsctl.diff.change import Category, Change
from metricsctl.diff.hashes import same_value
from metricsctl.diff.models import Statements, sql_changes
from metricsctl.lineage.nodes import NodeKind, node_id

__all__ = ["compare"]


def compare(base: Project, head: Project) -> tuple[Change, ...]:
    """The changes that make `head` of `base`, the worst first. Order, layout, comments and files do not matter."""
    return tuple(sorted(_Comparison(base, head).changes(), key=lambda change: change.sort_key))


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
    def __init__(self, base: Project, head: Project) -> None:
        self.base = base
        self.head = head

    def changes(self) -> Iterator[Change]:
        base, head = self.base, self.head
        yield from self._each(NodeKind.SOURCE, base.sources, head.sources, self._source)
        yield from self._each(NodeKind.MODEL, base.models, head.models, self._models())
        yield from self._each(NodeKind.DIMENSION, base.dimensions, head.dimensions, self._dimension)
        yield from self._each(NodeKind.METRIC, base.metrics, head.metrics, self._metric)
        yield from self._each(NodeKind.EXPOSURE, base.exposures, head.exposures, self._exposure)

    def _each(
        self, kind: NodeKind, before: Mapping[str, Any], after: Mapping[str, Any], both: Callable[[str, Any, Any], Iterator[Change]]
    ) -> Iterator[Change]:
        for name in before.keys() - after.keys():
            yield self._gone(kind, name, before[name])
        for name in after.keys() - before.keys():
            yield self._new(kind, name, after[name])
        for name in before.keys() & after.keys():
            yield from both(name, before[name], after[name])

    def _gone(self, kind: NodeKind, name: str, record: Placed) -> Change:
        key = node_id(kind, name)
        skipped = self.head.skipped.get(key)
        if skipped is not None:
            return Change(key, kind, name, Category.UNKNOWN, "left out", f"left out: {skipped.reason}", skipped.span)
        category = Category.BREAKING
        if isinstance(record, Exposure):
            tiers = [self.base.tier_of(metric) for ref in record.metrics() if (metric := self.base.metrics.get(ref.name)) is not None]
            category = Category.BREAKING if 0 in tiers else Category.GOVERNANCE
        elif isinstance(record, Dimension):
            category = self._bare_dimension(record)
        return Change(key, kind, name, category, "removed", "removed", _place(record))

    def _new(self, kind: NodeKind, name: str, record: Placed) -> Change:
        key = node_id(kind, name)
        if key in self.base.skipped:
            return Change(key, kind, name, Category.UNKNOWN, "added", "was left out before", _place(record))
        category = self._bare_dimension(record) if isinstance(record, Dimension) else Category.ADDITIVE
        words = f"new alias of {record.alias_of.name}" if isinstance(record, Alias) else f"new {kind.value}"
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
        before, after = aspects.metric_aspects(self.base, old), aspects.metric_aspects(self.head, new)
        found = list(_differing(NodeKind.METRIC, name, before, after, new))
        if before["type"].key == after["type"].key:
            yield from found
        elif isinstance(new, Alias) and same_value(self.base, self.head, name):
            reason = f"is an alias of {new.alias_of.name} now, with the same value"
            yield Change(node_id(NodeKind.METRIC, name), NodeKind.METRIC, name, Category.GOVERNANCE, "type", reason, _place(new))
        else:
            yield from (change for change in found if change.aspect not in {"filter", "expr"})

    def _source(self, name: str, old: Source, new: Source) -> Iterator[Change]:
        yield from _differing(NodeKind.SOURCE, name, aspects.source_aspects(self.base, old), aspects.source_aspects(self.head, new), new)
        yield from self._columns(name, old.columns, new.columns, declared=True)

    def _columns(self, relation: str, old: tuple[Column, ...], new: tuple[Column, ...], *, declared: bool) -> Iterator[Change]:
        """The declared columns; those of a model come from its SQL, so that declaring one neither makes nor drops it."""
        before = {column.name.name: column for column in old}
        after = {column.name.name: column for column in new}
        for name in before.keys() & after.keys():
            found = aspects.column_aspects(before[name]), aspects.column_aspects(after[name])
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
            yield from _differing(NodeKind.MODEL, name, aspects.model_aspects(self.base, old), aspects.model_aspects(self.head, new), new)
            yield from self._columns(name, old.columns, new.columns, declared=False)
            place = new.statement.span if new.statement else _place(new)
            for change in sql_changes(*statements, old, new):
                if change.column is None:
                    key = node_id(NodeKind.MODEL, name)
                    yield Change(key, NodeKind.MODEL, name, change.category, change.aspect, change.reason, place)
                else:
                    yield _column(name, change.column, change.category, change.aspect, change.reason, place)

        return both

    def _dimension(self, name: str, old: Dimension, new: Dimension) -> Iterator[Change]:
        yield from _differing(NodeKind.DIMENSION, name, aspects.dimension_aspects(old), aspects.dimension_aspects(new), new)

    def _exposure(self, name: str, old: Exposure, new: Exposure) -> Iterator[Change]:
        yield from _differing(
            NodeKind.EXPOSURE, name, aspects.exposure_aspects(self.base, old), aspects.exposure_aspects(self.head, new), new
        )


def _column(relation: str, name: str, category: Category, aspect: str, reason: str, place: Span) -> Change:
    key = node_id(NodeKind.COLUMN, f"{relation}.{name}")
    return Change(key, NodeKind.COLUMN, f"{relation}.{name}", category, aspect, reason, place)
