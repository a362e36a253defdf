"""A change, and how bad its kind is."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from metricsctl.core.diagnostics import Span
from metricsctl.lineage.nodes import NodeKind

__all__ = ["Category", "Change"]


class Category(enum.StrEnum):
    """What a change does to those who read the number, the worst first."""

    BREAKING = "breaking"  # what was there is gone, or means another thing
    SEMANTIC = "semantic"  # values move
    UNKNOWN = "unknown"  # cannot be told
    GOVERNANCE = "governance"  # who answers for it, how much depends on it
    ADDITIVE = "additive"  # something new, nothing else
    COSMETIC = "cosmetic"  # texts

    @property
    def severity(self) -> float:
        """The share of a node's weight that such a change puts at risk."""
        return {"breaking": 1.0, "semantic": 0.8, "unknown": 0.6, "governance": 0.1, "additive": 0.05, "cosmetic": 0.0}[self.value]

    @property
    def moves(self) -> bool:
        """Whether values may move, so that what stands on the node is reached, too."""
        return self in {Category.BREAKING, Category.SEMANTIC, Category.UNKNOWN}


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one node: `aspect` is what changed of it (`filter`, `owner`, `removed` ...), `reason` says it in words.

    `id` is the node's ("metric:revenue"); `span` is its place in the head, or in the base if it is gone.
    """

    id: str
    kind: NodeKind
    name: str
    category: Category
    aspect: str
    reason: str
    span: Span | None = None

    @property
    def sort_key(self) -> tuple[float, int, str, str]:
        """The worst first, then by layer, name and aspect."""
        return -self.category.severity, self.kind.layer, self.name, self.aspect
