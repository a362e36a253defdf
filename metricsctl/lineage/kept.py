"""The lineage graph kept by the content of the definitions, so that a question about a large project does not read it all again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from metricsctl.core.diagnostics import Skipped, Span
from metricsctl.core.kept import Kept, digest, program
from metricsctl.definition.discover import definition_files
from metricsctl.definition.project import Project
from metricsctl.lineage.graph import Coverage, LineageGraph, build
from metricsctl.lineage.kinds import EdgeKind
from metricsctl.lineage.nodes import Edge, Node, NodeKind

__all__ = ["content_key", "graph_of", "sql_files"]

FORMAT = "1"


def graph_of(paths: Sequence[Path], read: Callable[[], Project], folder: Path | None, keep: Callable[[Path], bool]) -> LineageGraph:
    """The graph of the definitions at `paths`: out of `folder` if it is kept there, else of what `read` gives, which is kept then.

    `keep` says whether a file belongs to the project; `read` raises ProjectError for one that is broken, of which nothing is kept.
    """
    if folder is None:
        return build(read())
    store, key = Kept(folder, "graph"), content_key(paths, keep)
    data = store.get(key)
    if data is not None:
        return _graph(data)
    project = read()
    graph = build(project)
    store.put(key, _plain(graph), sql_files(project))
    return graph


def content_key(paths: Sequence[Path], keep: Callable[[Path], bool]) -> str:
    """What the definitions at `paths` are: the texts of their files, where they lie, and from where they are looked at."""
    parts = [FORMAT, program(), str(Path.cwd())]
    for file, text in definition_files(paths)[0]:
        if keep(file):
            parts += [str(file), text]
    return digest(parts)


def sql_files(project: Project) -> list[Path]:
    """The files with SQL that models name."""
    found = [(model.span.path, model.sql_file) for model in project.models.values() if model.sql_file is not None]
    return sorted({project.root / Path(path).parent / file for path, file in found})


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
        "coverage": [graph.coverage.exact, graph.coverage.weak, graph.coverage.table],
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
    return LineageGraph(nodes, edges, Coverage(*data["coverage"]), skipped, labels)


def _nodes(rows: list[Any], span: Callable[[list[int] | None], Span | None]) -> Iterator[Node]:
    for kind, name, detail, description, place, parent in rows:
        yield Node(f"{kind}:{name}", NodeKind(kind), name, detail, description, span(place), parent)
