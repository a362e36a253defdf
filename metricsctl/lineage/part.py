"""The part of a project that a question about its lineage reaches, so that no SQL is parsed that cannot matter.

The part is closed: it holds whatever its definitions refer to. Its graph has every edge into each of its nodes, and so answers the question
as the graph of the whole project does.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from metricsctl.core.diagnostics import Severity
from metricsctl.core.errors import ProjectError, UnknownName
from metricsctl.definition.project import Project
from metricsctl.definition.sql import SqlSyntaxError
from metricsctl.lineage.build import Builder, outline
from metricsctl.lineage.graph import LineageGraph
from metricsctl.lineage.labels import labels_of
from metricsctl.lineage.nodes import NodeKind, node_id
from metricsctl.lineage.question import Question
from metricsctl.lineage.report import LineageReport, usual_reach
from metricsctl.lineage.select import Reach, Selected, is_glob, is_label, may_be_column, select, split
from metricsctl.lineage.uses import Uses

__all__ = ["answered"]

_RELATIONS = (f"{NodeKind.SOURCE.value}:", f"{NodeKind.MODEL.value}:")
_BESIDE = {NodeKind.DIMENSION, NodeKind.SERIES, NodeKind.CALENDAR}  # what is shown among columns only


def answered(project: Project, question: Question, check: Callable[[Project], Project]) -> LineageReport | None:
    """The answer to a question by the part of a project that it reaches; None where all must be read: for the answer, or for its error.

    `project` may have been read without parsing its SQL. It must be in order as far as no SQL has to be parsed to see that, since what
    could not be read might belong to the part; `check` raises ProjectError for definitions that are not. Raises UnknownName and UsageError
    as `metricsctl.lineage.report.trace`.
    """
    if question.takes_all or project.skipped or project.duplicates or any(item.severity is Severity.ERROR for item in project.findings):
        return None
    starts = _starts(project, question)
    with contextlib.suppress(SqlSyntaxError, ProjectError):
        part = None if starts is None else _part(project, starts)
        if part is None:
            return None
        # the bare nodes of all other definitions, too, so that names mean what they always do
        graph = dataclasses.replace(Builder(check(part), outline(project)).build(), labels=_labels(project, question))
        with contextlib.suppress(UnknownName):  # of a column: what it may have meant stands in the others
            return question.of(graph)
    return None


def _part(project: Project, starts: Iterable[tuple[str, Reach]]) -> Project | None:
    """What can be reached from some definitions, and all that those stand on; None if the YAML names what is not there."""
    uses = Uses(project)
    if uses.dangles():
        return None
    found: set[str] = set()
    for key, reach in starts:
        found |= _reached([key], reach.up, uses.inputs) | _reached([key], reach.down, uses.users)
    return _only(project, _reached(found, None, uses.inputs))


def _labels(project: Project, question: Question) -> Mapping[str, frozenset[tuple[str, str]]]:
    """The labels of all definitions, if one is asked for."""
    return labels_of(project) if any(is_label(split(word)[0]) for word in question.words) else {}


def _starts(project: Project, question: Question) -> list[tuple[str, Reach]] | None:
    """The definitions that a question begins with, and how far to look around each; None where their names do not tell them."""
    outlined = LineageGraph(outline(project), (), labels=_labels(project, question))
    chosen: list[Selected] = []
    owning: list[Selected] = []  # those whose columns are chosen, perhaps
    for word in question.words:
        name, reach = split(word)
        if is_label(name) or not may_be_column(name):
            chosen += select(outlined, [word])
            continue
        owners = [] if is_glob(name) else _owners(name, outlined)
        if not owners:
            return None
        owning += [Selected(key, reach) for key in owners]
    if question.column is not None and not any(item.id.startswith(_RELATIONS) for item in chosen):
        return None  # it may be one of any table
    beside = any(outlined.nodes[item.id].kind in _BESIDE for item in chosen)
    if question.columns or question.column is not None or owning or beside:
        return [(item.id, _reach_in_columns(item, question, project)) for item in (*chosen, *owning)]
    return [(item.id, _reach(item, question)) for item in chosen]


def _reach(item: Selected, question: Question) -> Reach:
    return Reach(None, 0) if question.path else item.reach or usual_reach(question.direction, question.depth)


def _reach_in_columns(item: Selected, question: Question, project: Project) -> Reach:
    """The same where columns are shown: from one to a filter upon a metric is one step, however many metrics lie between."""
    reach = Reach(None, None) if question.column is not None else _reach(item, question)  # the ways through it may lead on
    kind, _, name = item.id.partition(":")
    source = project.sources.get(name) if kind == NodeKind.SOURCE else None
    hidden = kind == NodeKind.MODEL or (source is not None and source.implied)  # of some of its columns only its readers tell
    return Reach(0 if reach.up == 0 else None, 0 if reach.down == 0 and not hidden else None)


def _owners(name: str, outlined: LineageGraph) -> list[str]:
    """What a name with a dot may mean: a definition, or a column of a source or model."""
    bare = name.removeprefix(f"{NodeKind.COLUMN.value}:")
    dots = [place for place, sign in enumerate(bare) if sign == "."]
    keys = [name, *(f"{kind.value}:{name}" for kind in NodeKind), *(f"{kind}{bare[:dot]}" for kind in _RELATIONS for dot in dots)]
    return [key for key in dict.fromkeys(keys) if key in outlined.nodes]


def _reached(start: Iterable[str], depth: int | None, step: Callable[[str], Iterable[str]]) -> set[str]:
    """What can be reached in at most `depth` steps, the start included."""
    seen = set(start)
    front = sorted(seen)
    while front and (depth is None or depth > 0):
        front = sorted({after for before in front for after in step(before)} - seen)
        seen.update(front)
        depth = None if depth is None else depth - 1
    return seen


def _only(project: Project, keys: set[str]) -> Project:
    """A project with just some of its definitions, all shared dimensions, and nothing that stands beside the graph."""

    def kept(kind: NodeKind, records: Mapping[str, Any]) -> dict[str, Any]:
        return {name: record for name, record in records.items() if node_id(kind, name) in keys}

    of_variants = {variant.of.name for name, variant in project.variants.items() if node_id(NodeKind.METRIC, name) in keys}
    return dataclasses.replace(
        project,
        sources=kept(NodeKind.SOURCE, project.sources),
        models=kept(NodeKind.MODEL, project.models),
        metrics={name: metric for name, metric in project.metrics.items() if node_id(NodeKind.METRIC, name) in keys or name in of_variants},
        exposures=kept(NodeKind.EXPOSURE, project.exposures),
        series=kept(NodeKind.SERIES, project.series),
        calendar={},
        tests={},
    )
