"""A project to its lineage graph: one method a kind of definition."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from metricsctl.core.diagnostics import Span
from metricsctl.definition.expression import Expression
from metricsctl.definition.project import Project
from metricsctl.definition.references import inputs_of, relations_of
from metricsctl.definition.schema import (
    Alias,
    CalendarEntry,
    Conversion,
    Cumulative,
    Exposure,
    ExternalSeries,
    Metric,
    Ratio,
    Simple,
    Source,
    Variant,
)
from metricsctl.lineage.graph import Coverage, LineageGraph
from metricsctl.lineage.kinds import EdgeKind
from metricsctl.lineage.labels import labels_of
from metricsctl.lineage.nodes import Edge, Node, NodeKind, node_id
from metricsctl.lineage.sql import GUESS, ModelLineage, Origin, column_lineage, model_tables

__all__ = ["Builder", "outline"]


class Builder:
    """Collects nodes and edges; each edge once, the surest first.

    `nodes` are those of all definitions, where `project` is only a part of them: it must hold all that what is in it refers to.
    """

    def __init__(self, project: Project, nodes: Mapping[str, Node] | None = None) -> None:
        self.project = project
        self.nodes = dict(outline(project) if nodes is None else nodes)
        self.edges: dict[tuple[str, str, EdgeKind], Edge] = {}
        self.incomplete: dict[str, tuple[str, ...]] = {}  # models some of whose columns a `*` hides, and what they read

    def build(self) -> LineageGraph:
        """Everything, upstream first."""
        project = self.project
        for source in project.sources.values():
            for column in source.columns:
                self._column(source.name.name, column.name.name)
        lineage = column_lineage(project)
        for found in lineage.values():
            self._model(found)
        for metric in project.all_metrics.values():
            self._metric(metric)
        for exposure in project.exposures.values():
            self._exposure(exposure)
        for series in project.series.values():
            self._series(series)
        nodes = {node.id: node for node in sorted(self.nodes.values(), key=lambda node: node.sort_key)}
        edges = tuple(sorted(self.edges.values(), key=lambda edge: edge.sort_key))
        covered = {node_id(NodeKind.MODEL, name): _coverage(found) for name, found in lineage.items()}
        return LineageGraph(nodes, edges, covered, project.skipped, labels_of(project))

    def _edge(self, source: str | None, target: str, kind: EdgeKind, span: Span | None, confidence: float = 1.0) -> None:
        if source is None or source not in self.nodes or target not in self.nodes:
            return
        known = self.edges.get((source, target, kind))
        if known is None or known.confidence < confidence:
            self.edges[source, target, kind] = Edge(source, target, kind, confidence, span)

    def _relation(self, name: str) -> str | None:
        """The id of the source or model called `name`."""
        if name in self.project.sources:
            return node_id(NodeKind.SOURCE, name)
        return node_id(NodeKind.MODEL, name) if name in self.project.models else None

    def _column(self, relation: str, name: str) -> str | None:
        """The id of a column, which comes to be when it is first heard of; one that is not declared stands where its table does."""
        parent = self._relation(relation)
        if parent is None:
            return None
        found = node_id(NodeKind.COLUMN, f"{relation}.{name}")
        if found not in self.nodes:
            record = self.project.relation(relation)
            said = next((column for column in record.columns if column.name.name == name), None) if record else None
            detail, description = (said.type if isinstance(record, Source) else None, said.description) if said else (None, None)
            place = said.name.span if said else _place_of_columns(record, self.nodes[parent])
            self.nodes[found] = Node(found, NodeKind.COLUMN, f"{relation}.{name}", detail, description, place, parent)
            self._edge(parent, found, EdgeKind.IDENTITY, place)
            for table in self.incomplete.get(relation, ()):
                self._edge(self._relation(table), found, EdgeKind.TABLE, place, GUESS)
        return found

    def _model(self, found: ModelLineage) -> None:
        name = found.model.name.name
        target = node_id(NodeKind.MODEL, name)
        for table, span in model_tables(found.model):
            self._edge(self._relation(table), target, EdgeKind.TABLE, span)
        for origin in found.statement.rows:
            self._edge(self._origin(origin), target, origin.kind, found.span_of(origin), origin.confidence)
        if not found.statement.complete:
            self.incomplete[name] = found.statement.tables
        for output, origins in found.statement.columns.items():
            column = self._column(name, output)
            for origin in origins:
                if column is not None:
                    self._edge(self._origin(origin), column, origin.kind, found.span_of(origin), origin.confidence)

    def _origin(self, origin: Origin) -> str | None:
        return self._relation(origin.relation) if origin.column is None else self._column(origin.relation, origin.column)

    def _metric(self, metric: Metric) -> None:
        target = node_id(NodeKind.METRIC, metric.name.name)
        if isinstance(metric, Simple):
            self._simple(metric, target)
        if isinstance(metric, Conversion):
            self._conversion(metric, target)
        kind = EdgeKind.IDENTITY if isinstance(metric, Alias) else EdgeKind.WINDOW if isinstance(metric, Cumulative) else EdgeKind.DERIVED
        for item in inputs_of(metric).values():
            self._edge(node_id(NodeKind.METRIC, item.metric.name), target, kind, item.metric.span)
            if item.filter is not None:
                self._filter(item.metric.name, item.filter, target)
        if isinstance(metric, Ratio) and metric.filter is not None:
            for item in (metric.numerator, metric.denominator):
                self._filter(item.metric.name, metric.filter, target)

    def _conversion(self, metric: Conversion, target: str) -> None:
        """Both event sets make the number; their event times and the key of the entity say which rows meet."""
        for ref in relations_of(metric):
            self._edge(self._relation(ref.name), target, EdgeKind.AGGREGATE, ref.span)
            relation = self.project.relation(ref.name)
            entity = relation.entities.get(metric.entity.name) if relation is not None else None
            time = relation.time.column if relation is not None and relation.time is not None else None
            for column, kind in ((entity, EdgeKind.JOIN), (time, EdgeKind.WINDOW)):
                if column is not None:
                    self._edge(self._column(ref.name, column.name), target, kind, column.span)

    def _simple(self, metric: Simple, target: str) -> None:
        relation = metric.source.name
        rows = EdgeKind.AGGREGATE if metric.expr is None else EdgeKind.TABLE
        self._edge(self._relation(relation), target, rows, metric.source.span)
        if metric.expr is not None:
            self._expression(relation, metric.expr, target, EdgeKind.AGGREGATE)
        if metric.filter is not None:
            self._expression(relation, metric.filter, target, EdgeKind.FILTER)
        said = {ref.name: ref.span for ref in metric.dimensions or ()}
        for name in self.project.dimensions_of(metric):
            self._dimension(relation, name, target, EdgeKind.GROUP, said.get(name, metric.source.span))
        record = self.project.relation(relation)
        time = None if record is None else record.time_column
        if time is not None:  # it tells the windows apart
            self._edge(self._column(relation, time.name), target, EdgeKind.GROUP, time.span)

    def _expression(self, relation: str, expression: Expression, target: str, kind: EdgeKind) -> None:
        model = self.project.models.get(relation)
        for use in expression.columns():
            name = use.path if model is not None and model.session is not None else use.name
            self._edge(self._column(relation, name), target, kind, use.span)

    def _dimension(self, relation: str, name: str, target: str, kind: EdgeKind, span: Span) -> None:
        """A dimension: a column, or where a shared one has an expression, the columns of that."""
        shared = self.project.dimensions.get(name)
        if shared is not None:
            self._edge(node_id(NodeKind.DIMENSION, name), target, kind, span)
        if shared is not None and shared.expr is not None:
            self._expression(relation, shared.expr, target, kind)
        else:
            self._edge(self._column(relation, name), target, kind, span)

    def _filter(self, metric: str, expression: Expression, target: str) -> None:
        """A filter upon a metric reads the columns of whatever that metric counts."""
        for relation in sorted(self._counted(metric, set())):
            self._expression(relation, expression, target, EdgeKind.FILTER)

    def _counted(self, name: str, seen: set[str]) -> set[str]:
        """The sources and models whose rows a metric counts, through all its inputs."""
        metric = self.project.all_metrics.get(name)
        if metric is None or name in seen:
            return set()
        seen.add(name)
        own = {ref.name for ref in relations_of(metric)}
        return own.union(*(self._counted(item.metric.name, seen) for item in inputs_of(metric).values()))

    def _exposure(self, exposure: Exposure) -> None:
        target = node_id(NodeKind.EXPOSURE, exposure.name.name)
        for ref in exposure.metrics():
            self._edge(node_id(NodeKind.METRIC, ref.name), target, EdgeKind.IDENTITY, ref.span)
            for use in exposure.filter.columns() if exposure.filter else ():
                for relation in sorted(self._counted(ref.name, set())):
                    self._dimension(relation, use.name, target, EdgeKind.FILTER, use.span)
        for ref in exposure.by:
            self._edge(node_id(NodeKind.DIMENSION, ref.name), target, EdgeKind.GROUP, ref.span)

    def _series(self, series: ExternalSeries) -> None:
        if series.metric is not None:  # another reading of the same number
            target = node_id(NodeKind.SERIES, series.name.name)
            self._edge(node_id(NodeKind.METRIC, series.metric.name), target, EdgeKind.IDENTITY, series.metric.span)


def outline(project: Project) -> dict[str, Node]:
    """The nodes of all definitions by id, without columns.

    Known days stand beside the graph's flow: no number is made of them, and none flows into them.
    """
    groups: tuple[tuple[NodeKind, Mapping[str, Any]], ...] = (
        (NodeKind.SOURCE, project.sources),
        (NodeKind.DIMENSION, project.dimensions),
        (NodeKind.MODEL, project.models),
        (NodeKind.METRIC, project.all_metrics),
        (NodeKind.EXPOSURE, project.exposures),
        (NodeKind.SERIES, project.series),
        (NodeKind.CALENDAR, project.calendar),
    )
    found = (
        Node(node_id(kind, name), kind, name, _detail(record), record.description, record.name.span)
        for kind, records in groups
        for name, record in records.items()
    )
    return {node.id: node for node in found}


def _detail(record: Any) -> str | None:
    if isinstance(record, Alias | Variant):
        return type(record).__name__.lower()
    if isinstance(record, Metric):
        return record.agg if isinstance(record, Simple) else record.type
    if isinstance(record, ExternalSeries):
        return str(record.grain)
    return record.kind if isinstance(record, Exposure) else record.effect if isinstance(record, CalendarEntry) else None


def _place_of_columns(record: Any, table: Node) -> Span | None:
    statement = getattr(record, "statement", None)
    return table.span if statement is None else statement.span


def _coverage(model: ModelLineage) -> Coverage:
    exact = weak = 0
    table = int(not model.statement.complete)
    for origins in model.statement.columns.values():
        sure = min((origin.confidence for origin in origins), default=model.statement.confidence)
        exact, weak, table = exact + (sure >= 1), weak + (GUESS < sure < 1), table + (sure <= GUESS)
    return Coverage(exact, weak, table)
