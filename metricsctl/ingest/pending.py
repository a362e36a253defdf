"""What a run has read and not yet folded or committed, and its counts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from metricsctl.ingest.readers import Chunk
from metricsctl.store.writer import FileMark

__all__ = ["Group", "Tally", "Waiting"]


@dataclass(slots=True)
class Tally:
    """Rows of a source in this run."""

    rows: int = 0
    accepted: int = 0
    duplicates: int = 0


@dataclass(slots=True)
class Group:
    """What is read and not committed yet."""

    bytes: int = 0
    accepted: int = 0
    touched: bool = False
    marks: list[FileMark] = field(default_factory=list)
    rejects: Counter[tuple[str, str]] = field(default_factory=Counter)


@dataclass(slots=True)
class Waiting:
    """Chunks that will be one batch; `first`: no other source reads them before."""

    source: str = ""
    first: bool = True
    chunks: list[Chunk] = field(default_factory=list)
    bytes: int = 0

    def takes(self, chunk: Chunk, source: str, first: bool, limit: int) -> bool:
        """Whether a chunk can join: the same source and form, and room for it."""
        if not self.chunks:
            return True
        head = self.chunks[0]
        alone = any(item.path is not None or item.too_long is not None for item in (head, chunk))
        same = (head.format, head.header) == (chunk.format, chunk.header) and not alone
        return same and (self.source, self.first) == (source, first) and self.bytes + len(chunk.data) <= limit
