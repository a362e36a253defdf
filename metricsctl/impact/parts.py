"""What a report of impact is made of."""

from __future__ import annotations

from dataclasses import dataclass

from metricsctl.diff.change import Category, Change
from metricsctl.lineage.kinds import EdgeKind
from metricsctl.lineage.nodes import NodeKind, node_id

__all__ = ["ASKED", "Gate", "Impacted", "Link", "Path", "Summary", "Unknown", "WhyNot", "ids_of"]

ASKED = (NodeKind.METRIC, NodeKind.SERIES, NodeKind.EXPOSURE)
"""Of what kinds it can be asked why they move, or why not."""


def ids_of(name: str) -> tuple[str, ...]:
    """The ids that a name, bare or with its kind before it, may mean in such a question, the likeliest first.

    >>> ids_of("revenue")[0], ids_of("exposure:weekly")[0]
    ('metric:revenue', 'exposure:weekly')
    """
    typed = (name,) if name.partition(":")[0] in {kind.value for kind in ASKED} else ()
    return (*typed, *(node_id(kind, name) for kind in ASKED))


@dataclass(frozen=True, slots=True)
class Impacted:
    """A node that the change reaches, with probability `p`; `category` and `reason` are of the change that matters most to it.

    `via` are the ids from that change to the node, both included. `weight` says how much the node matters, `detail` is the kind of an
    exposure, and the type or aggregate of a metric.
    """

    id: str
    kind: NodeKind
    name: str
    category: Category
    p: float
    reason: str
    via: tuple[str, ...]
    weight: float
    owner: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Gate:
    """A rule that fails whatever the score: its name, the node that breaks it, and why."""

    name: str
    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """A metric of which nothing can be said, and why."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Link:
    """`source` passes the change on to `target`; columns between the two are left out."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Path:
    """A way from a changed node to the metric or consumer asked about: its nodes, and how each enters the next."""

    nodes: tuple[str, ...]
    edges: tuple[EdgeKind, ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """How many metrics move, are proven untouched, or cannot be told of."""

    moved: int
    untouched: int
    unknown: int


@dataclass(frozen=True, slots=True)
class WhyNot:
    """Why a metric or consumer does not move; `moves` says that it does after all.

    `reads` are the ids of all that it is made of, `changed` the changes among them, none of which gets through to it, and `proven` the ids
    of the nodes that give the same numbers although something beneath them has changed.
    """

    id: str
    moves: bool
    reads: tuple[str, ...]
    changed: tuple[Change, ...]
    proven: tuple[str, ...]
