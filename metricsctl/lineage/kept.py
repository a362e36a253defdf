"""Answers about lineage, and the graph of the whole, kept by the content of the definitions.

The first question about a state of the definitions reads no more than what it reaches. One about all of them keeps the graph, which then
answers every other; so does the second one, where there are few definitions.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metricsctl.core.diagnostics import Skipped, Span
from metricsctl.core.kept import Kept, digest, program
from metricsctl.core.revive import bare, revive
from metricsctl.definition.discover import definition_files
from metricsctl.definition.project import Project
from metricsctl.lineage.graph import Coverage, LineageGraph, build
from metricsctl.lineage.kinds import EdgeKind
from metricsctl.lineage.nodes import Edge, Node, NodeKind
from metricsctl.lineage.part import answered
from metricsctl.lineage.question import Question
from metricsctl.lineage.report import LineageReport

__all__ = ["Definitions", "answer", "content_key"]

FORMAT = "2"
_FEW = 1_200  # metrics and models that are read whole within a second


@dataclass(frozen=True, slots=True)
class Definitions:
    """Where definitions lie, and how they are read.

    Attributes
    ----------
    paths
        Files and folders.
    keep
        Whether a file belongs to the project.
    read
        All of them in order; raises ProjectError where they are not.
    skim
        All of them as they are, no SQL parsed.
    check
        Raises ProjectError for definitions that are not in order.
    """

    paths: Sequence[Path]
    keep: Callable[[Path], bool]
    read: Callable[[], Project]
    skim: Callable[[], Project]
    check: Callable[[Project], Project]


def answer(question: Question, definitions: Definitions, folder: Path) -> LineageReport:
    """The answer to a question: what is kept in `folder` for this state of the definitions, else worked out and kept there.

    Raises ProjectError where what the answer stands on is broken, and where anything is that no SQL parser is needed to see; else as
    `metricsctl.lineage.report.trace`.
    """
    state = content_key(definitions.paths, definitions.keep)
    answers, key = Kept(folder, "lineage"), digest((state, repr(question)))
    data = answers.get(key)
    if data is not None:
        with contextlib.suppress(KeyError, TypeError, ValueError):
            return revive(LineageReport, data)
    graphs = Kept(folder, "graph")
    data = graphs.get(state)
    if data is not None:
        return question.of(_graph(data))
    asked_before = answers.get(state) or _FEW + 1  # how many definitions there are, if a part of them was read already
    if not question.takes_all and asked_before > _FEW:
        project = definitions.skim()
        report = answered(project, question, definitions.check)
        if report is not None:
            answers.put(key, bare(report), project.sql_files)
            answers.put(state, len(project.metrics) + len(project.models), project.sql_files)
            return report
    project = definitions.read()
    graph = build(project)
    graphs.put(state, _plain(graph), project.sql_files)
    return question.of(graph)


def content_key(paths: Sequence[Path], keep: Callable[[Path], bool]) -> str:
    """What the definitions at `paths` are: the texts of their files, where they lie, and from where they are looked at."""
    parts = [FORMAT, program(), str(Path.cwd())]
    for file, text in definition_files(paths)[0]:
        if keep(file):
            parts += [str(file), text]
    return digest(parts)


def _plain(graph: LineageGraph) -> dict[str, Any]:
    """Lists of plain values; an edge names its ends by number, and a path is said once."""
    paths: dict[str, int] = {}

    def span(found: Span | None) -> list[int] | None:
        if found is None:
            return None
        return [paths.setdefault(found.path, len(paths)), found.line, found.column, found.end_line, found.end_column]

    numbers = {key: number for number, key in enumerate(graph.nodes)}
    nodes = [[node.kind.value, node.name, node.detail, node.description, span(node.span), node.parent] for node in graph.nodes.values()]
    edges = [[numbers[edge.source], numbers[edge.target], edge.kind.value, edge.confidence, span(edge.span)] for edge in graph.edges]
    skipped = [[key, item.kind, item.name, item.reason, span(item.span)] for key, item in graph.skipped.items()]
    return {
        "nodes": nodes,
        "edges": edges,
        "skipped": skipped,
        "covered": {key: [found.exact, found.weak, found.table] for key, found in graph.covered.items()},
        "labels": {key: sorted(labels) for key, labels in graph.labels.items()},
        "paths": list(paths),
    }


def _graph(data: Any) -> LineageGraph:
    paths = data["paths"]
    kinds = {kind.value: kind for kind in EdgeKind}

    def span(found: list[int] | None) -> Span | None:
        return None if found is None else Span(paths[found[0]], *found[1:])

    nodes = {node.id: node for node in _nodes(data["nodes"], span)}
    names = list(nodes)
    edges = tuple(
        Edge(names[source], names[target], kinds[kind], confidence, span(place))
        for source, target, kind, confidence, place in data["edges"]
    )
    skipped = {key: Skipped(kind, name, reason, span(place)) for key, kind, name, reason, place in data["skipped"]}
    labels = {key: frozenset((name, value) for name, value in said) for key, said in data["labels"].items()}
    covered = {key: Coverage(*found) for key, found in data["covered"].items()}
    return LineageGraph(nodes, edges, covered, skipped, labels)


def _nodes(rows: list[Any], span: Callable[[list[int] | None], Span | None]) -> Iterator[Node]:
    for kind, name, detail, description, place, parent in rows:
        yield Node(f"{kind}:{name}", NodeKind(kind), name, detail, description, span(place), parent)
