"""How to ingest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["MEMORY", "IngestOptions"]

_MIB = 1 << 20
MEMORY = 600_000_000  # what a run takes unless more is allowed


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """How to ingest.

    `source` names the source of all files; `final` closes every window that they reach; `rebuild` makes the store anew from them;
    `dry_run` reads and counts only; `atomic` publishes all at once, or nothing where there are too many rejects. `drop_late` rejects what
    a stream would not have waited for: rows whose window lies behind the watermark when they are read.
    `rejects` is a file for rejected rows, `max_rejects` how many there may be (`100` or `1%`).
    `now` (microseconds, UTC) bounds the future, the start of the run by default. `memory` (bytes) is what the run may take; `batch_bytes`
    of input are read at once and `group_bytes` committed, by default in proportion to it.
    """

    source: str | None = None
    final: bool = False
    rebuild: bool = False
    dry_run: bool = False
    atomic: bool = False
    drop_late: bool = False
    rejects: Path | None = None
    max_rejects: str = "1%"
    now: int | None = None
    memory: int = MEMORY
    batch_bytes: int | None = None
    group_bytes: int | None = None

    @property
    def batch(self) -> int:
        """Bytes of input that are read at once."""
        return self.batch_bytes or max(_MIB, self.memory // 12)

    @property
    def group(self) -> int:
        """Bytes of input that are committed at once, at most."""
        return self.group_bytes or max(_MIB, self.memory // 2)
