"""Project to plan: which rollups, which measures in them, and how each metric is computed from those."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from metricsctl.core.errors import ProjectError
from metricsctl.core.timegrid import Grain, local_to_utc
from metricsctl.definition.expression import Expression
from metricsctl.definition.project import Project
from metricsctl.definition.references import inputs_of
from metricsctl.definition.rewrite import quote_dotted
from metricsctl.definition.schema import Alias, Cumulative, Derived, Input, Metric, Model, Ratio, Session, Simple, Source, Variant
from metricsctl.plan.external import externals
from metricsctl.plan.types import (
    ROWS,
    Base,
    Computation,
    Finished,
    Formula,
    FormulaInput,
    InputColumn,
    KeyColumn,
    Match,
    Measure,
    ModelPlan,
    Plan,
    Rollup,
    SessionPlan,
    SourcePlan,
    Span,
    Sql,
    StateKind,
    StaticTable,
    Stock,
    digest,
)
from metricsctl.plan.unfinished import not_computed

__all__ = ["build"]

_STATES: dict[str, StateKind] = {
    "count": "count",
    "sum": "sum",
    "avg": "mean",
    "min": "min",
    "max": "max",
    "first": "first",
    "last": "last",
    "count_distinct": "distinct",
    "median": "quantiles",
    "percentile": "quantiles",
    "stddev": "moments",
}
_TAKEN: dict[str, StateKind] = {"last": "last", "first": "first"}
_HOUR, _QUARTER = Grain(1, "h"), Grain(15, "m")
_RATIO = Sql("numerator / denominator", "duckdb")


def build(project: Project) -> Plan:
    """The plan of a project whose references are in order (see `metricsctl lint`); what cannot be computed yet is in `Plan.skipped`."""
    return _Builder(project).build()


@dataclass(frozen=True, slots=True)
class _Relation:
    """A source or model as the planner sees it: what it is made of, and its event time."""

    sources: tuple[str, ...]
    models: tuple[ModelPlan, ...]
    time_column: str
    meaning: str
    statics: tuple[StaticTable, ...] = ()
    session: SessionPlan | None = None


@dataclass(slots=True)
class _Builder:
    project: Project
    rollups: dict[str, Rollup] = field(default_factory=dict)
    used: dict[str, set[str]] = field(default_factory=dict)
    relations: dict[str, _Relation] = field(default_factory=dict)

    def build(self) -> Plan:
        skipped = not_computed(self.project)
        wanted = {name: metric for name, metric in self.project.all_metrics.items() if name not in skipped}
        computations = {name: self.computation(metric, ()) for name, metric in wanted.items()}
        heartbeats = {name: self.heartbeat(name) for name in self.used}
        sources = {name: self.source(name, heartbeats[name]) for name in sorted(self.used)}
        brought = externals(self.project)
        return Plan(
            {**sources, **brought.sources},
            dict(sorted({**self.rollups, **brought.rollups}.items())),
            {**brought.computations, **computations},
            skipped,
        )

    def computation(self, metric: Metric, filters: tuple[Expression, ...], span: Span | None = None) -> Computation:
        """How a metric is computed; `filters` come from the ratios above it and hold for every row, `span` from a cumulative one."""
        if isinstance(metric, Alias):
            return self.computation(self.project.metric(metric.alias_of.name), filters, span)
        if isinstance(metric, Simple):
            own = () if metric.filter is None else (metric.filter,)
            return self.base(metric, (*own, *filters), span or self.hopping(metric))
        if isinstance(metric, Ratio):
            own = () if metric.filter is None else (metric.filter,)
            return Formula(metric.name.name, _RATIO, self.inputs(metric, (*own, *filters), span), metric.on_zero)
        if isinstance(metric, Variant):
            return self.computation(self.project.metric(metric.of.name), (metric.filter, *filters), span)
        if isinstance(metric, Cumulative):
            return self.computation(self.project.metric(metric.metric.name), filters, self.cumulative(metric))
        assert isinstance(metric, Derived)  # noqa: S101 - the other types are not computed yet
        expr = Sql(quote_dotted(metric.expr.text, metric.expr.dialect), metric.expr.dialect)
        return Formula(metric.name.name, expr, self.inputs(metric, filters, span), metric.on_zero)

    def inputs(self, metric: Metric, filters: tuple[Expression, ...], span: Span | None) -> Mapping[str, FormulaInput]:
        found = {}
        for name, item in inputs_of(metric).items():
            found[name] = FormulaInput(self.input(item, filters, span), item.offset)
        return found

    def input(self, item: Input, filters: tuple[Expression, ...], span: Span | None) -> Computation:
        own = () if item.filter is None else (item.filter,)
        return self.computation(self.project.metric(item.metric.name), (*own, *filters), span)

    def cumulative(self, metric: Cumulative) -> Span:
        if metric.start is None:
            return Span(trailing=metric.window, to_date=metric.to_date, week_start=self.project.week_start_of(metric))
        return Span(start=local_to_utc(dt.datetime.combine(metric.start, dt.time()), self.project.zone_of(metric)))

    def hopping(self, metric: Simple) -> Span | None:
        window = metric.window
        if window is None:
            return None
        return Span(trailing=window.size, slide=self.project.in_weeks_of(metric, Grain.parse(str(window.slide))))

    def base(self, metric: Simple, filters: tuple[Expression, ...], span: Span | None) -> Base:
        relation = self.relation(metric.source.name)
        zone, grain = self.project.zone_of(metric), self.project.grain_of(metric)
        if metric.window is not None:
            grain = self.project.in_weeks_of(metric, Grain.parse(str(metric.window.slide)))
        stock, entity = self.stock(metric)
        keys = tuple(self.key(metric, name) for name in self.project.dimensions_of(metric))
        types = self.types_of(metric, filters)
        kind = _TAKEN[stock.take] if stock is not None else _kind(metric)
        p = 0.5 if metric.agg == "median" else metric.p
        final_only = metric.rollup == "final_only"
        finished = Finished(kind, metric.agg, p) if final_only else None
        expr = None if metric.expr is None else _sql(metric.expr)
        measure = Measure("number" if final_only else kind, expr, tuple(map(_sql, filters)), types, finished)
        rollup = Rollup(
            relation=metric.source.name,
            sources=relation.sources,
            models=relation.models,
            time_column=relation.time_column,
            keys=keys,
            grain=grain,
            zone=zone,
            meaning=relation.meaning,
            statics=relation.statics,
            session=relation.session,
            entity=entity,
            final_only=final_only,
        )
        known = self.rollups.setdefault(rollup.id, rollup)
        if measure.id not in {item.id for item in known.measures}:
            measures = sorted((*known.measures, measure), key=lambda item: (item.id != "rows", item.id))
            self.rollups[rollup.id] = replace(known, measures=tuple(measures))
        return Base(metric.name.name, rollup.id, measure, metric.agg, p, span, stock)

    def stock(self, metric: Simple) -> tuple[Stock | None, tuple[Sql, ...]]:
        """What is taken of each entity, and what tells entities apart."""
        stock = metric.semi_additive
        if stock is None:
            return None, ()
        names = [ref.name for ref in stock.per]
        self.use(metric.source.name, set(names))
        return Stock(stock.take, stock.carry), tuple(Sql(_quoted(name), "duckdb") for name in names)

    def key(self, metric: Simple, name: str) -> KeyColumn:
        dimension = self.project.dimensions.get(name)
        if dimension is None or dimension.expr is None:
            model = self.project.models.get(metric.source.name)
            types = self.use(metric.source.name, {name}) if model is None else _types(model, {name})
            return KeyColumn(name, Sql(_quoted(name), "duckdb"), types)
        return KeyColumn(name, _sql(dimension.expr), self.use(metric.source.name, set(dimension.expr.names())))

    def types_of(self, metric: Simple, filters: tuple[Expression, ...]) -> tuple[tuple[str, str], ...]:
        expressions = [item for item in (metric.expr, *filters) if item is not None]
        return self.use(metric.source.name, {name for item in expressions for name in item.names()})

    def use(self, relation: str, names: set[str]) -> tuple[tuple[str, str], ...]:
        """Remember that columns of a source are read; gives their declared types."""
        source = self.project.sources.get(relation)
        if source is None:
            return ()
        self.used.setdefault(relation, set()).update(names)
        return _types(source, names)

    def relation(self, name: str) -> _Relation:
        """What a source or model is made of; models in the order of their dependence."""
        known = self.relations.get(name)
        if known is None:
            found = self.project.relation(name)
            assert found is not None  # noqa: S101 - references are checked before planning
            known = self.source_relation(found) if isinstance(found, Source) else self.model_relation(found)
            self.relations[name] = known
        return known

    def source_relation(self, source: Source) -> _Relation:
        assert source.time is not None  # noqa: S101 - the key is required
        self.used.setdefault(source.name.name, set())
        column = source.time.column.name
        zone = self.project.zone_of(source)
        counted = [_match(source), _key(source), str(source.dedup or source.time.lateness) if source.key_ else None]
        meaning = [column, zone, *(counted if any(counted) else ())]
        return _Relation((source.name.name,), (), column, digest(meaning))

    def static_relation(self, model: Model) -> _Relation:
        path = self.project.static_tables[model.name.name]
        columns = tuple(InputColumn(item.name.name, item.type) for item in model.columns)
        content = hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
        table = StaticTable(model.name.name, path, columns)
        return _Relation((), (), "", digest([content, _types(model, None)]), (table,))

    def session_relation(self, model: Model, session: Session) -> _Relation:
        below = self.project.relation(session.source.name)
        assert below is not None  # noqa: S101 - references are checked before planning
        upstream, entity = self.relation(session.source.name), below.entities[session.entity.name].name
        firsts = self.firsts(below)
        types = self.use(session.source.name, {entity, *firsts})
        gap = session.gap.microseconds
        meaning = digest([upstream.meaning, upstream.time_column, entity, gap, firsts, types])
        plan = SessionPlan(model.name.name, session.source.name, upstream.time_column, entity, gap, firsts, meaning)
        return replace(upstream, time_column="session_start", meaning=meaning, session=plan)

    def firsts(self, below: Source | Model) -> tuple[str, ...]:
        """The columns of a relation that any expression asks the first value of: `first.<column>`."""
        expressions: list[Expression | None] = [item.expr for item in self.project.dimensions.values()]
        for metric in self.project.all_metrics.values():
            expressions += [metric.expr] if isinstance(metric, Simple | Derived) else []
            expressions += [metric.filter] if isinstance(metric, Simple | Ratio | Variant) else []
            expressions += [item.filter for item in inputs_of(metric).values()]
        uses = (use for expression in expressions if expression is not None for use in expression.columns())
        known = {column.name.name for column in below.columns}
        return tuple(sorted({use.name for use in uses if use.table == "first" and (isinstance(below, Model) or use.name in known)}))

    def model_relation(self, model: Model) -> _Relation:
        if model.static is not None:
            return self.static_relation(model)
        if model.session is not None:
            return self.session_relation(model, model.session)
        assert model.statement is not None  # noqa: S101 - the loader has read it
        statement = model.statement
        upstream = [self.relation(table) for table in statement.tables()]
        names = set(statement.column_names())
        for table in statement.tables():
            source = self.project.sources.get(table)
            if source is not None:
                self.use(table, {column.name.name for column in source.columns} if statement.has_star() else names)
        if model.time is None:
            message = f"model '{model.name}' has no event time"
            raise ProjectError(message, span=model.name.span, hint="time: {column: ...}")
        sql = Sql(statement.canonical(), statement.dialect)
        sources = tuple(dict.fromkeys(name for item in upstream for name in item.sources))
        models = tuple(dict.fromkeys(item for found in upstream for item in found.models))
        statics = tuple(dict.fromkeys(item for found in upstream for item in found.statics))
        read = [self.project.sources[table] for table in statement.tables() if table in self.project.sources]
        types = [_types(source, None if statement.has_star() else names) for source in read]
        meaning = digest([sql.text, model.time.column.name, [item.meaning for item in upstream], types])
        return _Relation(sources, (*models, ModelPlan(model.name.name, sql)), model.time.column.name, meaning, statics)

    def heartbeat(self, source: str) -> Rollup:
        """The rows of a source by window: whether it was alive; in the finest grain that its metrics have.

        Days and longer hours begin at any quarter of an hour UTC, according to their zone.
        """
        relation = self.source_relation(self.project.sources[source])
        fed = [rollup.grain for rollup in self.rollups.values() if source in rollup.sources]
        grains = [grain if grain.is_fixed else _QUARTER for grain in fed]
        finest = min(grains, key=lambda grain: grain.microseconds, default=_HOUR)
        return Rollup(source, (source,), (), relation.time_column, (), finest, "UTC", (ROWS,), relation.meaning)

    def source(self, name: str, heartbeat: Rollup) -> SourcePlan:
        source = self.project.sources[name]
        assert source.time is not None  # noqa: S101 - the key is required
        wanted = self.used[name] | {source.time.column.name} | set(_key(source))
        columns = tuple(InputColumn(item.name.name, item.type) for item in source.columns if item.name.name in wanted)
        floor = source.time.min_time
        return SourcePlan(
            name=name,
            columns=columns,
            time_column=source.time.column.name,
            zone=self.project.zone_of(source),
            lateness=source.time.lateness,
            max_ahead=source.time.max_ahead,
            min_time=0 if floor is None else int(floor.timestamp()) * 1_000_000,
            heartbeat=heartbeat,
            secret=frozenset(part for item in source.columns if item.pii for part in (item.name.name, item.name.name.partition(".")[0])),
            match=_match(source),
            others=tuple(_match(other) for other in self.project.sources.values() if other.match and other is not source),
            key=_key(source),
            dedup=source.dedup or source.time.lateness,
        )


def _kind(metric: Simple) -> StateKind:
    """The state that an aggregate is kept as."""
    if metric.approximate:
        return "sketch"
    kind = _STATES[metric.agg]
    return "values" if kind == "quantiles" and metric.exact else kind


def _types(relation: Source | Model, names: set[str] | None) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((item.name.name, item.type) for item in relation.columns if names is None or item.name.name in names))


def _match(source: Source) -> Match:
    return tuple((field, tuple(values)) for field, values in source.match.items())


def _key(source: Source) -> tuple[str, ...]:
    return tuple(ref.name for ref in source.key_)


def _sql(expression: Expression) -> Sql:
    return Sql(expression.canonical(), expression.dialect)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
