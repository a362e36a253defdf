"""M1: references. Every name that is used is defined, and used names do not turn in circles."""

from __future__ import annotations

import contextlib
from collections.abc import Container, Iterable, Iterator
from typing import Any

from metricsctl.core.diagnostics import Severity
from metricsctl.core.errors import DataError
from metricsctl.core.names import nearest
from metricsctl.definition.forms import Ref
from metricsctl.definition.references import KIND_SECTIONS, dimension_lists, references
from metricsctl.definition.schema import SECTIONS, Exposure, MetricTest, Model, Simple, Source
from metricsctl.definition.usage import USAGE_FILE, parse_usage
from metricsctl.lint.facts import Facts
from metricsctl.lint.registry import Problem, rule


@rule("M104", "unknown-reference")
def unknown_reference(facts: Facts) -> Iterator[Problem]:
    """A name that nothing defines.

    ## What it does
    Checks every reference: a metric's source or model, the inputs of ratios, derived metrics and aliases, the dimensions of an exposure,
    the tables in a model's SQL, dimensions that are neither a column nor shared, the columns named by `time`, `grain` and
    `entities`, and (as a warning) the exposures in the table `usage.csv` beside the definitions. The hint is the nearest name there is.

    ## Why
    A reference that leads nowhere is a metric that cannot be computed.

    ## Example
        sources:
          - {name: ad_log, ...}
        metrics:
          - {name: clicks, type: simple, source: ad_logs, agg: count}

    ## Use instead
        metrics:
          - {name: clicks, type: simple, source: ad_log, agg: count}

    ## References
    - [References in the language](../spec.md)
    """
    yield from _unknown_records(facts)
    yield from _unknown_tables(facts)
    yield from _unknown_columns(facts)
    yield from _unknown_entities(facts)
    yield from _unknown_tags(facts)
    yield from _unknown_dimensions(facts)
    yield from _unknown_usage(facts)


def _unknown_records(facts: Facts) -> Iterator[Problem]:
    project = facts.project
    known: dict[str, Iterable[str]] = {"metric": project.all_metrics, "source or model": facts.relations}
    for record in (record for section in SECTIONS if section != "exposures" for record in getattr(project, section).values()):
        for kind, ref in references(record):
            kinds = tuple(section.rstrip("s") for section in KIND_SECTIONS[kind])
            if ref.name not in known[kind] and not facts.is_skipped(kinds, ref.name):
                yield Problem(ref.span, f"unknown {_kind(facts, kind)} '{ref}'", nearest(ref.name, known[kind]))


def _unknown_usage(facts: Facts) -> Iterator[Problem]:
    """Dashboards come and go, and the table changes daily: no error. What is no such table is for `impact`, which reads its numbers."""
    with contextlib.suppress(DataError):
        for item in parse_usage(facts.usage, facts.project.beside(USAGE_FILE)) if facts.usage else ():
            if item.exposure not in facts.project.exposures and not facts.is_skipped(("exposure",), item.exposure):
                hint = nearest(item.exposure, facts.project.exposures)
                yield Problem(item.span, f"unknown exposure '{item.exposure}'", hint, severity=Severity.WARNING)


def _kind(facts: Facts, kind: str) -> str:
    """Without models nobody means one."""
    return "source" if kind == "source or model" and not facts.project.models else kind


def _unknown_tables(facts: Facts) -> Iterator[Problem]:
    for model in facts.project.models.values():
        for name, span in model.statement.table_spans() if model.statement else ():
            if name not in facts.relations and not facts.is_skipped(("source", "model"), name):
                yield Problem(span, f"unknown {_kind(facts, 'source or model')} '{name}'", nearest(name, facts.relations))


def _unknown_entities(facts: Facts) -> Iterator[Problem]:
    for model in facts.project.models.values():
        relation = facts.relations.get(model.session.source.name) if model.session else None
        if model.session is not None and relation is not None and model.session.entity.name not in relation.entities:
            entity = model.session.entity
            hint = nearest(entity.name, relation.entities) or "name its key column under `entities:` there"
            yield Problem(entity.span, f"unknown entity '{entity}' in '{relation.name}'", hint)


def _unknown_tags(facts: Facts) -> Iterator[Problem]:
    known = {tag for metric in facts.project.metrics.values() for tag in metric.tags}
    for entry in facts.project.calendar.values():
        for tag in entry.tags():
            if tag.name not in known:
                yield Problem(tag.span, f"no metric has the tag '{tag}'", nearest(tag.name, known))


def _unknown_columns(facts: Facts) -> Iterator[Problem]:
    for name, relation in facts.relations.items():
        kind = "source" if isinstance(relation, Source) else "model"
        for ref in _named_columns(relation):
            if facts.missing(name, ref.name):
                yield Problem(ref.span, f"unknown column '{ref}' in {kind} '{name}'", _column_hint(facts, name, ref.name))


def _column_hint(facts: Facts, relation: str, column: str) -> str | None:
    return nearest(column, facts.columns.get(relation) or ()) or "list its `columns:` with name and type"


def _named_columns(relation: Source | Model) -> Iterator[Ref]:
    """The columns that a source or a model names outside of SQL."""
    time = (relation.time.column,) if relation.time is not None else ()
    own = (*relation.grain, *(column.name for column in relation.columns)) if isinstance(relation, Model) else relation.key_
    yield from (*time, *relation.entities.values(), *own)


def _unknown_dimensions(facts: Facts) -> Iterator[Problem]:
    for record, listed in dimension_lists(facts.project):
        offered = _offered(facts, record)
        if offered is None:
            continue
        shared = facts.project.dimensions
        for ref in listed:
            computed = isinstance(record, Source | Model | Simple) and ref.name in shared
            if not computed and ref.name not in offered and not facts.is_skipped(("dimension",), ref.name):
                yield Problem(
                    ref.span, f"unknown dimension '{ref}'{_whose(record)}", nearest(ref.name, [*offered, *_shared(record, shared)])
                )


def _shared(record: Any, shared: Iterable[str]) -> Iterable[str]:
    return shared if isinstance(record, Source | Model | Simple) else ()


def _whose(record: Any) -> str:
    if isinstance(record, Source | Model):
        return f": neither a column of '{record.name}' nor a shared dimension"
    if isinstance(record, Simple):
        return f": neither a column of '{record.source}' nor a shared dimension"
    return ": no metric of this exposure has it" if isinstance(record, Exposure) else ": not all of its inputs have it"


def _offered(facts: Facts, record: Any) -> set[str] | None:
    """The dimensions that a record may list; None where that is unknown, because of `*` or of another mistake."""
    if isinstance(record, Source | Model):
        columns = facts.columns.get(record.name.name)
        return None if columns is None else set(columns)
    if isinstance(record, Simple):
        columns = facts.columns.get(record.source.name)
        return None if columns is None else set(columns)
    if isinstance(record, MetricTest):
        return _dimensions(facts, record.metric.name)
    if isinstance(record, Exposure):
        sets = [_dimensions(facts, ref.name) for ref in record.metrics()]
        return None if not sets or None in sets else set().union(*(item for item in sets if item is not None))
    return _dimensions(facts, record.name.name)


def _dimensions(facts: Facts, metric: str) -> set[str] | None:
    """The dimensions that all simple metrics under a metric are stored by."""
    bases = facts.bases(metric)
    if not bases or any(base.source.name not in facts.relations for base in bases.values()):
        return None
    return set.intersection(*(set(facts.project.dimensions_of(base)) for base in bases.values()))


@rule("M105", "cycle")
def cycle(facts: Facts) -> Iterator[Problem]:
    """Definitions that stand on each other in a circle.

    ## What it does
    Finds circles among metrics, and among models. One finding a circle, at its first member, with the path.

    ## Why
    None of them can be computed: each waits for the next.

    ## Example
        - {name: a, type: derived, expr: b + 1}
        - {name: b, type: derived, expr: a * 2}

    ## Use instead
    Base one of them on a source, or on a metric outside of the circle.

    ## References
    - [graphlib: topological order and circles](https://docs.python.org/3/library/graphlib.html)
    """
    project = facts.project
    metrics = {name: [ref.name for kind, ref in references(metric) if kind == "metric"] for name, metric in project.all_metrics.items()}
    models = {name: model.inputs() for name, model in project.models.items()}
    names: tuple[tuple[str, dict[str, list[str]], dict[str, Ref]], ...] = (
        ("metric", metrics, {name: metric.name for name, metric in project.all_metrics.items()}),
        ("model", models, {name: model.name for name, model in project.models.items()}),
    )
    for kind, graph, refs in names:
        for path in cycles(graph):
            first = min(path, key=lambda name: refs[name].span)
            start = path.index(first)
            turned = [*path[start:], *path[:start], first]
            yield Problem(refs[first].span, f"{kind} '{first}' stands on itself: {' -> '.join(turned)}", "take one of these steps out")


def cycles(graph: dict[str, list[str]]) -> Iterator[list[str]]:
    """Circles of a graph, each as its members in order; together they hold at least one edge of every circle.

    >>> list(cycles({"a": ["b"], "b": ["a", "c"], "c": []}))
    [['a', 'b']]
    """
    import graphlib

    edges = {name: [target for target in dict.fromkeys(targets) if target in graph] for name, targets in graph.items()}
    while True:
        try:
            graphlib.TopologicalSorter(edges).prepare()
        except graphlib.CycleError as error:
            found: list[str] = error.args[1][::-1]  # the standard library lists it from input to user
            edges[found[-2]].remove(found[-1])
            yield found[:-1]
        else:
            return


@rule("M106", "unused", severity=Severity.WARNING)
def unused(facts: Facts) -> Iterator[Problem]:
    """A source, model or shared dimension that nothing uses.

    ## What it does
    Warns of sources and models that no metric stands on, also not by way of a model that is used itself, and of shared dimensions that no
    list names.

    ## Why
    It is read and kept for nobody, and a reader takes it for something that matters.

    ## Example
        sources:
          - {name: old_log, ...}      # no metric, no model reads it

    ## Use instead
    Delete it, or define the metric it was meant for.

    ## References
    - [Sources, models and dimensions](../spec.md)
    """
    used = facts.used_relations
    listed = {ref.name for _, refs in dimension_lists(facts.project) for ref in refs}
    groups: tuple[tuple[str, Iterable[Any], Container[str], str], ...] = (
        ("source", facts.project.sources.values(), used, "no metric and no used model reads it"),
        ("model", facts.project.models.values(), used, "no metric and no used model reads it"),
        ("dimension", facts.project.dimensions.values(), listed, "no `dimensions:` lists it"),
    )
    for kind, records, names, hint in groups:
        for record in records:
            if record.name.name not in names and not facts.mentioned_by_skipped(record.name.name):
                yield Problem(record.name.span, f"unused {kind} '{record.name}'", hint)
