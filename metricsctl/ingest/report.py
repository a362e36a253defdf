"""What an ingest did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, TypedDict

from metricsctl.core.diagnostics import Diagnostic
from metricsctl.core.serial import plain
from metricsctl.core.timegrid import to_iso
from metricsctl.engine.batch import Reject
from metricsctl.ingest.readers import Status

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FileReport", "IngestReport", "RejectCount", "SourceReport"]


class SourceData(TypedDict):
    """A source in JSON."""

    name: str
    rows: int
    accepted: int
    rejected: int
    duplicates: int
    max_time: str | None
    watermark: str | None
    closed_until: str | None


@dataclass(frozen=True, slots=True)
class FileReport:
    """One file: what became of it, the (decompressed) bytes that this run read from it, and the rows it rejected."""

    path: str
    source: str
    status: Status
    bytes: int
    rejected: int


@dataclass(frozen=True, slots=True)
class RejectCount:
    """Rejects of one reason: how many, and the first of them."""

    source: str
    reason: str
    count: int
    first: Reject


@dataclass(frozen=True, slots=True)
class SourceReport:
    """One source after the run: rows of this run, and how far it has come (microseconds, UTC).

    `rows` are the accepted, the rejected, and the duplicates, whose key was counted before.
    """

    name: str
    rows: int
    accepted: int
    rejected: int
    max_time: int | None
    watermark: int | None
    closed_until: int | None
    duplicates: int = 0

    def to_dict(self) -> SourceData:
        """Plain data, times as ISO 8601 in UTC."""
        times = (None if time is None else to_iso(time) for time in (self.max_time, self.watermark, self.closed_until))
        max_time, watermark, closed_until = times
        return {
            "name": self.name,
            "rows": self.rows,
            "accepted": self.accepted,
            "rejected": self.rejected,
            "duplicates": self.duplicates,
            "max_time": max_time,
            "watermark": watermark,
            "closed_until": closed_until,
        }


@dataclass(frozen=True, slots=True)
class IngestReport:
    """The whole run. `waiting` are metrics that are new or changed since the store was fed first: they need a rebuild.

    `published` is the number of partial states written, by rollup; `groups` how many commit groups there were.
    """

    name: ClassVar[str] = "ingest"
    version: ClassVar[int] = 1

    store: str
    sources: tuple[SourceReport, ...]
    files: tuple[FileReport, ...]
    rejects: tuple[RejectCount, ...]
    published: Mapping[str, int]
    groups: int
    waiting: tuple[str, ...]
    max_rejects: str
    over_limit: bool
    dry_run: bool = False
    rebuilt: bool = False
    diagnostics: tuple[Diagnostic, ...] = field(default=())

    @property
    def rows(self) -> int:
        """Rows read by this run."""
        return sum(source.rows for source in self.sources)

    @property
    def rejected(self) -> int:
        """Rows rejected by this run."""
        return sum(source.rejected for source in self.sources)

    @property
    def incomplete(self) -> bool:
        """Whether some file could be read only in part."""
        return any(file.status == "truncated" for file in self.files)

    @property
    def changed(self) -> bool:
        """Whether the store is another than before."""
        return self.groups > 0

    @property
    def stats(self) -> dict[str, int]:
        """Counts of the run."""
        statuses = [file.status for file in self.files]
        return {"rows": self.rows, "rejected": self.rejected, "files": len(statuses)} | {
            f"files_{status}": statuses.count(status) for status in ("read", "grown", "unchanged", "empty", "truncated")
        }

    def to_dict(self) -> dict[str, Any]:
        """Plain data; unchanged files are counted in `stats`, not listed."""
        return {
            "store": self.store,
            "sources": plain(self.sources),
            "files": plain([file for file in self.files if file.status != "unchanged"]),
            "rejects": plain(self.rejects),
            "published": plain(self.published),
            "groups": self.groups,
            "waiting": list(self.waiting),
            "max_rejects": self.max_rejects,
            "over_limit": self.over_limit,
            "dry_run": self.dry_run,
            "rebuilt": self.rebuilt,
        }

    def to_pandas(self) -> pd.DataFrame:
        """A row for each source: name, rows, accepted, rejected, and the times max_time, watermark, closed_until (UTC)."""
        import pandas as pd

        times = ("max_time", "watermark", "closed_until")
        columns = ("name", "rows", "accepted", "rejected", *times)
        frame = pd.DataFrame([[getattr(item, name) for name in columns] for item in self.sources], columns=list(columns))
        return frame.assign(**{name: pd.to_datetime(frame[name], unit="us", utc=True) for name in times})

    def _repr_html_(self) -> str:
        from metricsctl.core.html import notes, paragraph, table

        counts = self.stats
        kinds = [f"{counts[f'files_{status}']:,} {status}" for status in ("read", "grown", "unchanged", "empty", "truncated")]
        files = "files: " + (", ".join(kind for kind in kinds if not kind.startswith("0 ")) or "none")
        sources = table(("source", "events", "accepted", "rejected", "latest event"), self.sources, _source_cells)
        rejects = table(("source", "reason", "rows", "first at"), self.rejects, _reject_cells)
        return sources + rejects + paragraph(files) + notes(self.diagnostics)


def _source_cells(item: SourceReport) -> tuple[str | None, ...]:
    latest = None if item.max_time is None else to_iso(item.max_time)
    return item.name, f"{item.rows:,}", f"{item.accepted:,}", f"{item.rejected:,}", latest


def _reject_cells(item: RejectCount) -> tuple[str, ...]:
    return item.source, item.reason, f"{item.count:,}", f"{item.first.file}:{item.first.line}"
