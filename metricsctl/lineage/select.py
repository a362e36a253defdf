"""From words on a command line to nodes of the graph: names, globs, labels, and how far around them to look."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence
from dataclasses import dataclass

from metricsctl.core.errors import UnknownName, UsageError
from metricsctl.core.names import nearest
from metricsctl.lineage.graph import LineageGraph
from metricsctl.lineage.nodes import Node, NodeKind, node_id

__all__ = ["LABELS", "Reach", "Selected", "is_glob", "is_label", "may_be_column", "select", "select_column", "split"]

_KINDS = {kind.value for kind in NodeKind}
LABELS = ("tag", "owner", "tier", "service", "repo", "file")
"""What nodes can be chosen by, beside their names: `tag:gold` is every definition with that tag."""
_AROUND = re.compile(r"(?:(?P<up>\d*)\+)?(?P<name>[^+].*?)(?:\+(?P<down>\d*))?$")


@dataclass(frozen=True, slots=True)
class Reach:
    """How far to look upstream and downstream of a node: in steps, None to the end, 0 not at all."""

    up: int | None
    down: int | None


@dataclass(frozen=True, slots=True)
class Selected:
    """A node that was chosen; `reach` is None where the word does not say how far to look around it."""

    id: str
    reach: Reach | None


def select(graph: LineageGraph, words: Sequence[str]) -> tuple[Selected, ...]:
    """The nodes that `words` mean, each once, in the order asked.

    A word is a name, bare (`revenue`, `ad_log.country`) or typed (`metric:revenue`), a glob of names (`revenue_*`), or a label (`tag:gold`,
    `owner:team-ads`, `tier:0`, `service:payments`, `repo:shop/ads`, `file:models/paid.sql`). `+word` adds all that it is made of, `word+2`
    what is made of it in two steps. UnknownName if there is no such node; UsageError if a bare name means several kinds.
    """
    found: dict[str, Selected] = {}
    for word in words:
        name, reach = split(word)
        for key in _meant(graph, name):
            found.setdefault(key, Selected(key, reach))
    return tuple(found.values())


def split(word: str) -> tuple[str, Reach | None]:
    """The name, glob or label in a word, and how far the word says to look around it; UsageError where it holds none.

    >>> split("+revenue")
    ('revenue', Reach(up=None, down=0))
    """
    around = _AROUND.match(word)
    if around is None:
        raise UsageError(f"'{word}' names no node", hint="for example revenue, +revenue, revenue+2, tag:gold")
    says = around["up"] is not None or around["down"] is not None
    return around["name"], Reach(_steps(around["up"]), _steps(around["down"])) if says else None


def is_label(name: str) -> bool:
    """Whether a name is a label with its value."""
    label, _, value = name.partition(":")
    return label in LABELS and bool(value)


def is_glob(name: str) -> bool:
    """Whether a name stands for all that are like it."""
    return any(sign in name for sign in "*?[")


def may_be_column(name: str) -> bool:
    """Whether a name may mean a column: it has a dot in it, or says so."""
    return "." in name or name.startswith(f"{NodeKind.COLUMN.value}:")


def _steps(text: str | None) -> int | None:
    return 0 if text is None else int(text) if text else None


def _meant(graph: LineageGraph, name: str) -> list[str]:
    if is_label(name):
        return _labelled(graph, *name.split(":", 1))
    if is_glob(name):
        return _matching(graph, name)
    return [_one(graph, name)]


def _labelled(graph: LineageGraph, label: str, value: str) -> list[str]:
    """The nodes with a label; a file is named by the end of its path, or by a glob."""
    wanted = value.lower()

    def fits(said: str) -> bool:
        if label == "file":
            return said == value or said.endswith(f"/{value}") or fnmatch.fnmatch(said, value)
        return said.lower() == wanted or fnmatch.fnmatchcase(said.lower(), wanted)

    found = [key for key, labels in graph.labels.items() if any(name == label and fits(said) for name, said in labels)]
    if not found:
        known = sorted({said for labels in graph.labels.values() for name, said in labels if name == label})
        hint = nearest(value, known) or (f"known: {', '.join(known[:8])}" if known else f"nothing here has a {label}")
        raise UnknownName(f"nothing has {label} '{value}'", hint=hint)
    return found


def _matching(graph: LineageGraph, glob: str) -> list[str]:
    kind, _, rest = glob.partition(":")
    typed = kind in _KINDS and bool(rest)
    name = rest if typed else glob
    columns = "." in name or (typed and kind == NodeKind.COLUMN.value)
    found = [
        node.id
        for node in graph.nodes.values()
        if (node.kind.value == kind if typed else (node.kind is NodeKind.COLUMN) == columns) and fnmatch.fnmatchcase(node.name, name)
    ]
    if not found:
        raise UnknownName(f"no node is called like '{glob}'", hint="`metricsctl list` shows the names")
    return found


def _one(graph: LineageGraph, name: str) -> str:
    typed = ":" in name and name.partition(":")[0] in _KINDS
    found = [key for key in ([name] if typed else [node_id(kind, name) for kind in NodeKind]) if key in graph.nodes]
    if not found:
        raise _unknown(graph, name, typed=typed)
    if len(found) > 1:
        raise UsageError(f"'{name}' is ambiguous", hint="say " + " or ".join(found))
    return found[0]


def _unknown(graph: LineageGraph, name: str, *, typed: bool) -> UnknownName:
    left_out = next((item for key, item in graph.skipped.items() if name in {key, item.name}), None)
    if left_out is not None:
        message = f"{left_out.kind} '{left_out.name}' is left out: {left_out.reason}"
        return UnknownName(message, span=left_out.span, hint="run `metricsctl lint`")
    if typed:
        kind, _, rest = name.partition(":")
        return UnknownName.of(kind, rest, (node.name for node in graph.nodes.values() if node.kind.value == kind))
    return UnknownName.of("node", name, _bare_names(graph, name))


def _bare_names(graph: LineageGraph, name: str) -> list[str]:
    """What a bare name could have been: columns only for one with a dot."""
    return [node.name for node in graph.nodes.values() if (node.kind is NodeKind.COLUMN) == ("." in name)]


def select_column(graph: LineageGraph, column: str, nodes: Sequence[Node]) -> tuple[str, ...]:
    """The ids of the columns called `column` (bare, or `table.column`) in the sources and models among `nodes`, else in any.

    UnknownName if there is none.
    """
    columns = [node for node in graph.nodes.values() if node.kind is NodeKind.COLUMN]
    within = {node.id for node in nodes if node.kind in {NodeKind.SOURCE, NodeKind.MODEL}}
    if within:
        columns = [node for node in columns if node.parent in within]
    found = tuple(node.id for node in columns if column in {node.name, _last(node)})
    if not found:
        raise UnknownName.of("column", column, {_last(node) for node in columns})
    return found


def _last(node: Node) -> str:
    return node.name.partition(".")[2]
