"""From a difference of two projects, from change events, or from one node, to what moves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from metricsctl.changes.event import ChangeEvent
from metricsctl.changes.match import matches, unknown_metrics
from metricsctl.core.diagnostics import Diagnostic
from metricsctl.core.errors import UnknownName
from metricsctl.definition.project import Project
from metricsctl.definition.schema import Alias
from metricsctl.diff.change import Category, Change
from metricsctl.diff.compare import compare
from metricsctl.diff.values import Proof
from metricsctl.impact.gates import fired
from metricsctl.impact.links import links_between
from metricsctl.impact.parts import ASKED, Gate, Impacted, Path, Summary, Unknown, WhyNot, ids_of
from metricsctl.impact.reach import Graph, Reached, Root, paths_to, reach
from metricsctl.impact.report import ImpactReport, Question
from metricsctl.impact.score import K, level_of, score_of, weight_of
from metricsctl.lineage.graph import build
from metricsctl.lineage.nodes import NodeKind, node_id

__all__ = ["Options", "impact_of_difference", "impact_of_events", "impact_of_node"]

MAX_PATHS = 100


_SECTIONS = {
    NodeKind.SOURCE: "sources",
    NodeKind.MODEL: "models",
    NodeKind.METRIC: "all_metrics",
    NodeKind.SERIES: "series",
    NodeKind.EXPOSURE: "exposures",
}
"""Where the definitions of each kind that has owners stand in a project."""


@dataclass(frozen=True, slots=True)
class Options:
    """What else is asked, and what the score goes by.

    `why`: a metric or consumer all of whose paths are wanted; `why_not`: one of which it is asked why it does not move; `usage`: views of
    exposures in 30 days, by name; `k`: the scale of the score; `min_coverage`: the share of columns that must be traced exactly, else a
    gate fires; `fail_on`: the threshold that reports shall tell of.
    """

    why: str | None = None
    why_not: str | None = None
    usage: Mapping[str, float] = field(default_factory=dict)
    k: float = K
    min_coverage: float | None = None
    fail_on: str | None = None


def impact_of_difference(base: Project, head: Project, label: str, options: Options = Options()) -> ImpactReport:
    """What moves between two projects; `label` names the base. UnknownName if `why` is no metric."""
    proof = Proof(base, head)
    changes = compare(base, head, proof)
    graph = Graph(build(head))
    if any(change.id not in graph.nodes for change in changes):  # what is gone stands in the base alone
        graph = graph.with_the_gone(build(base))
    found = _Impact("base", label, base, head, graph, changes, options, proof.same)
    return found.report(fired(base, head, graph, changes, found.reached))


def impact_of_events(
    project: Project,
    events: Sequence[ChangeEvent],
    label: str,
    options: Options = Options(),
    malformed: tuple[Diagnostic, ...] = (),
) -> ImpactReport:
    """What change events may move: all that stands on the sources and models that they are about."""
    graph = Graph(build(project))
    changes: list[Change] = []
    unmatched = []
    for event in events:
        found = matches(project, event)
        changes += [_assumed(graph, key, str(event), "event") for key in found]
        if not found:
            unmatched.append(str(event))
        else:
            unmatched += [f"metric '{name}', which {event} names" for name in unknown_metrics(project, event)]
    ordered = tuple(sorted(changes, key=lambda change: change.sort_key))
    return _Impact("change", label, project, project, graph, ordered, options).report(unmatched=tuple(unmatched), malformed=malformed)


def impact_of_node(project: Project, kind: NodeKind, name: str, options: Options = Options()) -> ImpactReport:
    """What would move if one metric, or one source or model, did. UnknownName if there is none of that name."""
    graph = Graph(build(project))
    kinds = (kind, NodeKind.MODEL) if kind is NodeKind.SOURCE else (kind,)
    key = next((node_id(one, name) for one in kinds if node_id(one, name) in graph.nodes), None)
    if key is None:
        known = [node.name for node in graph.nodes.values() if node.kind in kinds]
        raise UnknownName.of("source or model" if kind is NodeKind.SOURCE else kind.value, name, known)
    question: Question = "source" if kind is NodeKind.SOURCE else "metric"
    return _Impact(question, name, project, project, graph, (_assumed(graph, key, "if it changed", "assumed"),), options).report()


def _assumed(graph: Graph, key: str, reason: str, aspect: str) -> Change:
    """A change of which no more is known than where: it is taken to move values."""
    node = graph.nodes[key]
    return Change(key, node.kind, node.name, Category.SEMANTIC, aspect, reason, node.span)


class _Impact:
    """One reckoning: changes, what they reach, and what that weighs."""

    def __init__(
        self,
        question: Question,
        subject: str,
        base: Project,
        head: Project,
        graph: Graph,
        changes: tuple[Change, ...],
        options: Options,
        same: Callable[[str], bool] | None = None,
    ) -> None:
        self.question: Question = question
        self.subject = subject
        self.base = base
        self.head = head
        self.graph = graph
        self.changes = changes
        self.options = options
        self.same = same
        self.roots = _roots(changes)
        self.reached = reach(graph, self.roots, same) if same else reach(graph, self.roots)

    def report(self, gates: tuple[Gate, ...] = (), unmatched: tuple[str, ...] = (), malformed: tuple[Diagnostic, ...] = ()) -> ImpactReport:
        impacted = sorted((self.impacted(item) for item in self.reached.values()), key=lambda item: (-item.kind.layer, -item.p, item.name))
        unknown = self.unknown(impacted)
        raw = sum(item.p * item.weight for item in impacted) + sum(
            root.severity * self.weight(root.id) for root in self.roots if root.id not in self.reached
        )
        score = score_of(raw, self.options.k)
        why, why_not = self.options.why, self.options.why_not
        level: Any = level_of(score)
        return ImpactReport(
            question=self.question,
            subject=self.subject,
            changes=self.changes,
            impacted=tuple(impacted),
            summary=self.summary(impacted, unknown),
            raw=raw,
            score=score,
            k=self.options.k,
            level=level,
            gates=(*gates, *self.coverage_gate()),
            unknown=unknown,
            unmatched=unmatched,
            why=why,
            paths=self.paths(why) if why else (),
            why_not=self.why_not(why_not) if why_not else None,
            coverage=self.graph.coverage,
            links=links_between(self.graph, self.reached),
            malformed=malformed,
            threshold=self.options.fail_on,
        )

    def weight(self, key: str) -> float:
        """The weight of a node; what is gone weighs what it did, and an alias nothing beside its target: it is the same number."""
        if self.is_counted_already(key):
            return 0.0
        node = self.graph.nodes.get(key)
        there = node is not None and node.name in self.records(node.kind)[0]
        return weight_of(self.head if there else self.base, key, self.options.usage)

    def is_counted_already(self, key: str) -> bool:
        """Whether a node is an alias that was not changed itself, and whose target is hit."""
        name = key.removeprefix("metric:")
        record = self.head.metrics.get(name, self.base.metrics.get(name)) if key.startswith("metric:") else None
        changed = any(root.id == key and root.category.moves for root in self.roots)
        return isinstance(record, Alias) and not changed and node_id(NodeKind.METRIC, record.alias_of.name) in self.reached

    def impacted(self, found: Reached) -> Impacted:
        node = self.graph.nodes[found.id]
        root = self.graph.nodes[found.root.id]
        reason = found.root.reason if found.id == found.root.id else f"from {root.kind.value} {root.name}: {found.root.reason}"
        record = next((there[node.name] for there in self.records(node.kind) if node.name in there), None)
        owner = None if record is None else (self.head if node.name in self.records(node.kind)[0] else self.base).owner_of(record)
        weight = self.weight(found.id)
        return Impacted(node.id, node.kind, node.name, found.root.category, found.p, reason, found.via, weight, owner, node.detail)

    def records(self, kind: NodeKind) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """The definitions of a kind that have owners: those of the head, those of the base."""
        section = _SECTIONS.get(kind)
        return ({}, {}) if section is None else (getattr(self.head, section), getattr(self.base, section))

    def unknown(self, impacted: Iterable[Impacted]) -> tuple[Unknown, ...]:
        """The metrics that cannot be told of: left out of the project, or hit by a change that is not understood."""
        found = {key: item.reason for key, item in self.head.skipped.items() if key.startswith("metric:")}
        found |= {item.id: item.reason for item in impacted if item.kind is NodeKind.METRIC and item.category is Category.UNKNOWN}
        return tuple(Unknown(key, reason) for key, reason in sorted(found.items()))

    def summary(self, impacted: Iterable[Impacted], unknown: tuple[Unknown, ...]) -> Summary:
        blurred = {item.id for item in unknown}
        moved = {item.id for item in impacted if item.kind is NodeKind.METRIC} - blurred
        return Summary(len(moved), len({f"metric:{name}" for name in self.head.all_metrics} - moved - blurred), len(unknown))

    def coverage_gate(self) -> tuple[Gate, ...]:
        least, found = self.options.min_coverage, self.graph.coverage
        if least is None or found.share >= least:
            return ()
        return (Gate("coverage", "project", f"{found}; {100 * least:g} % must be exact"),)

    def asked(self, name: str) -> str:
        """The id of a metric, else of a series or an exposure; UnknownName if there is none."""
        key = next((key for key in ids_of(name) if key in self.graph.nodes), None)
        if key is None:
            raise UnknownName.of("metric", name, [node.name for node in self.graph.nodes.values() if node.kind in ASKED])
        return key

    def why_not(self, name: str) -> WhyNot:
        key = self.asked(name)
        reads = self.graph.upstream(key)
        changed = tuple(change for change in self.changes if change.id in {key, *reads})
        hit = self.reached.keys() | {change.id for change in changed}
        proven = {
            edge.target for edge in self.graph.edges if edge.source in hit and edge.target in {key, *reads} and self.proven(edge.target)
        }
        return WhyNot(key, key in self.reached, tuple(sorted(reads)), changed, tuple(sorted(proven)))

    def proven(self, key: str) -> bool:
        return key not in self.reached and self.same is not None and self.same(key)

    def paths(self, name: str) -> tuple[Path, ...]:
        key = self.asked(name)
        if key not in self.reached:
            return ()
        found = paths_to(self.graph, self.reached, key, MAX_PATHS)
        return tuple(Path((*(edge.source for edge in edges), key), tuple(edge.kind for edge in edges)) for edges in found)


def _roots(changes: Sequence[Change]) -> tuple[Root, ...]:
    """One root a node: the worst category of its changes, and what the changes of that category say."""
    found: dict[str, list[Change]] = {}
    for change in sorted(changes, key=lambda item: item.sort_key):
        found.setdefault(change.id, []).append(change)
    roots = []
    for key, mine in found.items():
        worst = mine[0].category
        reasons = dict.fromkeys(change.reason for change in mine if change.category is worst)
        roots.append(Root(key, worst, "; ".join(reasons)))
    return tuple(roots)
