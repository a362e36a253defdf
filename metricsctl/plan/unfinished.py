"""What the language says and the engine does not compute yet: one function a construct, to be deleted when its computation is built.

Nothing is left out in silence: a metric that stands on such a construct is a `Skipped` in the plan, with its place and the way out, and so
is every metric computed from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from metricsctl.core.diagnostics import Diagnostic, Severity, Skipped, Span
from metricsctl.core.timegrid import GRAIN_HELP, Grain
from metricsctl.definition.project import Project
from metricsctl.definition.references import inputs_of, relations_of
from metricsctl.definition.schema import Conversion, Cumulative, Derived, Metric, Model, Ratio, Simple, Source
from metricsctl.definition.streaming import obstacle

__all__ = ["Obstacle", "left_out", "not_computed"]


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why rows or a metric cannot be had: what it is called in a sentence, and where it stands."""

    what: str
    span: Span


Relations = dict[str, Obstacle | None]


def _conversion(metric: Metric) -> Obstacle | None:
    return Obstacle("conversion metrics", metric.place("type")) if isinstance(metric, Conversion) else None


def _hopping(metric: Metric) -> Obstacle | None:
    if not isinstance(metric, Simple) or metric.window is None:
        return None
    slide = metric.window.slide
    try:
        Grain.parse(str(slide))
    except ValueError:
        return Obstacle(f"hopping windows with a slide of {slide} (it is no grain: {GRAIN_HELP})", metric.window.place("slide"))
    return None


def _semi_additive(metric: Metric) -> Obstacle | None:
    stock = metric.semi_additive if isinstance(metric, Simple) else None
    if not isinstance(metric, Simple) or stock is None:
        return None
    if metric.window is not None:
        return Obstacle("semi-additive metrics in hopping windows", metric.place("window"))
    if metric.agg not in _OF_STOCKS:
        return Obstacle(f"semi-additive metrics with `agg: {metric.agg}`", metric.place("agg"))
    return None


_OF_STOCKS = {"sum", "avg", "min", "max", "count"}

METRICS: tuple[Callable[[Metric], Obstacle | None], ...] = (_conversion, _hopping, _semi_additive)


def _numbers(project: Project, metric: Metric) -> Obstacle | None:
    """What needs states, of a metric that is to keep none."""
    if not isinstance(metric, Simple) or metric.rollup != "final_only":
        return None
    waiting, sources, sessions = [metric.source.name], set(), False
    while waiting:
        relation = project.relation(waiting.pop())
        if isinstance(relation, Model):
            sessions = sessions or relation.session is not None
            waiting += relation.inputs()
        elif relation is not None:
            sources.add(relation.name.name)
    needs = {
        "hopping windows": metric.window is not None,
        "semi-additive metrics": metric.semi_additive is not None,
        "sessions": sessions,
        "several sources": len(sources) > 1,
    }
    what = next((name for name, needed in needs.items() if needed), None)
    return None if what is None else Obstacle(f"{what} with `rollup: final_only`", metric.place("rollup"))


def _above_sessions(project: Project, relation: Source | Model) -> Obstacle | None:
    """What is to be made of sessions again."""
    if not isinstance(relation, Model):
        return None
    read = next((name for name in relation.inputs() if (below := project.models.get(name)) is not None and below.session), None)
    if read is None:
        return None
    place = relation.session.place("source") if relation.session is not None else relation.place("sql")
    return Obstacle(f"a model over the sessions of '{read}'", place)


def _static(project: Project, relation: Source | Model) -> Obstacle | None:
    file = project.static_tables.get(relation.name.name)
    if file is None or file.is_file():
        return None
    return Obstacle(f"a static table whose file is missing ({file.name})", relation.place("static"))


def _stateful(project: Project, relation: Source | Model) -> Obstacle | None:
    statement = relation.statement if isinstance(relation, Model) else None
    if statement is None:
        return None
    found = obstacle(statement.text, statement.dialect, *sorted(project.static_tables))
    return None if found is None else Obstacle(f"{found[0]} in a model", statement.node.span_of(found[1], found[2]))


def _without_time(_: Project, relation: Source | Model) -> Obstacle | None:
    return Obstacle("sources without `time:`", relation.name.span) if isinstance(relation, Source) and relation.time is None else None


RELATIONS: tuple[Callable[[Project, Source | Model], Obstacle | None], ...] = (_above_sessions, _static, _stateful, _without_time)


def left_out(item: Skipped) -> Diagnostic:
    """The finding about a metric that is not computed."""
    return Diagnostic("M006", Severity.WARNING, f"metric '{item.name}' is not computed: {item.reason}", item.span)


def not_computed(project: Project) -> dict[str, Skipped]:
    """The metrics (variants among them) that cannot be computed yet, by name, each with the reason and its place."""
    relations: Relations = {}
    found: dict[str, Skipped | None] = {}
    for name in project.all_metrics:
        _reason(project, name, relations, found)
    return {name: skipped for name, skipped in found.items() if skipped is not None}


def _reason(project: Project, name: str, relations: Relations, found: dict[str, Skipped | None]) -> Skipped | None:
    if name in found or name not in project.all_metrics:
        return found.get(name)
    found[name] = None  # circles are a finding of lint; here they only have to end
    metric = project.all_metrics[name]
    found[name] = next(_reasons(project, metric, relations, found), None)
    return found[name]


def _reasons(project: Project, metric: Metric, relations: Relations, found: dict[str, Skipped | None]) -> Iterator[Skipped]:
    name = metric.name.name
    for construct in METRICS:
        if (own := construct(metric)) is not None:
            yield Skipped("metric", name, f"{own.what} are not computed yet", own.span)
    if (own := _numbers(project, metric)) is not None:
        yield Skipped("metric", name, f"{own.what} are not computed yet", own.span)
    for ref in relations_of(metric):
        if ref.name in project.static_tables:
            yield Skipped("metric", name, f"'{ref}' is a static table, which has no events", ref.span)
        if (below := _relation(project, ref.name, relations)) is not None:
            yield Skipped("metric", name, f"it counts rows of '{ref}', and {below.what} cannot be computed yet", below.span)
    if isinstance(metric, Cumulative) and (spread := _spread(project, metric)) is not None:
        yield Skipped("metric", name, f"{spread} do not add up over time", metric.metric.span)
    if isinstance(metric, Ratio | Derived) and (apart := _apart(project, metric)) is not None:
        reason = f"the numbers of '{apart}' (`rollup: final_only`) do not add up to the windows and dimensions of its inputs"
        yield Skipped("metric", name, reason, metric.name.span)
    for item in inputs_of(metric).values():
        if _reason(project, item.metric.name, relations, found) is not None:
            yield Skipped("metric", name, f"it uses '{item.metric}', which is not computed yet", item.metric.span)


def _apart(project: Project, metric: Metric) -> str | None:
    """The input of a ratio or derived metric that keeps numbers only, in other windows or by more dimensions than the metric has."""
    inputs = [below for below in _below(project, metric) if isinstance(below, Simple)]
    shared = set.intersection(*(set(project.dimensions_of(item)) for item in inputs)) if inputs else set()
    coarsest = max((project.grain_of(item).microseconds for item in inputs), default=0)
    for item in inputs:
        fits = set(project.dimensions_of(item)) == shared and project.grain_of(item).microseconds == coarsest
        if item.rollup == "final_only" and not fits:
            return item.name.name
    return None


def _below(project: Project, metric: Metric) -> Iterator[Metric]:
    """What a metric is computed from, however far below."""
    waiting, seen = [metric], set()
    while waiting:
        for item in inputs_of(waiting.pop()).values():
            below = project.all_metrics.get(item.metric.name)
            if below is not None and item.metric.name not in seen:
                seen.add(item.metric.name)
                waiting.append(below)
                yield below


def _spread(project: Project, metric: Cumulative) -> str | None:
    """What a cumulative metric stands on that has more than its own window in it already."""
    for below in _below(project, metric):
        if isinstance(below, Cumulative):
            return "cumulative metrics"
        if isinstance(below, Simple) and below.rollup == "final_only":
            return "numbers without states (`rollup: final_only`)"
        if isinstance(below, Simple) and (below.window or below.semi_additive):
            return "hopping windows" if below.window else "stocks"
    return None


def _relation(project: Project, name: str, known: Relations) -> Obstacle | None:
    """What hinders the rows of a source or model, its own or of what it reads."""
    relation = project.relation(name)
    if name not in known and relation is not None:
        known[name] = None  # as above
        own = next((one for construct in RELATIONS if (one := construct(project, relation)) is not None), None)
        inputs = relation.inputs() if isinstance(relation, Model) else ()
        known[name] = own or next((one for item in inputs if (one := _relation(project, item, known)) is not None), None)
    return known.get(name)
