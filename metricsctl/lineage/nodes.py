"""What the lineage graph is made of: typed nodes and typed edges."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from metricsctl.core.diagnostics import Span
from metricsctl.lineage.kinds import EdgeKind

__all__ = ["Edge", "Node", "NodeKind", "node_id"]


class NodeKind(enum.StrEnum):
    """What a node stands for, in the order of the layers."""

    SOURCE = "source"
    MODEL = "model"
    COLUMN = "column"
    DIMENSION = "dimension"
    METRIC = "metric"
    SERIES = "series"
    EXPOSURE = "exposure"
    CALENDAR = "calendar"

    @property
    def layer(self) -> int:
        """Lower is further upstream."""
        return list(NodeKind).index(self)


def node_id(kind: NodeKind, name: str) -> str:
    """The id of a node.

    >>> node_id(NodeKind.COLUMN, "ad_log.ts")
    'column:ad_log.ts'
    """
    return f"{kind.value}:{name}"


@dataclass(frozen=True, slots=True)
class Node:
    """A node; `detail` is what else is to be known of its kind: a metric's type or aggregate, a column's type, an exposure's kind.

    `parent` is the id of the source or model that a column belongs to.
    """

    id: str
    kind: NodeKind
    name: str
    detail: str | None = None
    description: str | None = None
    span: Span | None = None
    parent: str | None = None

    @property
    def sort_key(self) -> tuple[int, str]:
        """By layer, then by name."""
        return self.kind.layer, self.name


@dataclass(frozen=True, slots=True)
class Edge:
    """`source` enters `target`: how, how sure that is (1 certain, 0.5 no closer than the table), and where it is said."""

    source: str
    target: str
    kind: EdgeKind
    confidence: float = 1.0
    span: Span | None = None

    @property
    def sort_key(self) -> tuple[str, str, str]:
        """By its ends, then by kind."""
        return self.source, self.target, self.kind.value
