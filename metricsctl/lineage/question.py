"""What is asked of the lineage graph."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from metricsctl.lineage.graph import LineageGraph
from metricsctl.lineage.report import Direction, LineageReport, trace

__all__ = ["Question"]


@dataclass(frozen=True, slots=True)
class Question:
    """The words of a question, as `metricsctl.lineage.report.trace` takes them."""

    nodes: tuple[str, ...] = ()
    direction: Direction = "both"
    depth: int | None = None
    columns: bool = False
    column: str | None = None
    path: tuple[str, str] | None = None
    whole: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        """The words that name nodes."""
        return self.path or self.nodes

    @property
    def takes_all(self) -> bool:
        """Whether the answer is the whole graph."""
        return self.whole or not self.words

    def of(self, graph: LineageGraph) -> LineageReport:
        """The answer; see `trace` for the errors."""
        options = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return trace(graph, **options)
