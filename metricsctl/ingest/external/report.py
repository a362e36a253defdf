"""What bringing series did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypedDict

from metricsctl.core.diagnostics import Diagnostic
from metricsctl.core.serial import plain
from metricsctl.core.timegrid import to_iso

__all__ = ["BroughtSeries", "SeriesReport"]


class BroughtData(TypedDict):
    """A series in JSON."""

    name: str
    files: int
    rows: int
    rejected: dict[str, int]
    points: int
    new: int
    changed: int
    gone: int
    watermark: str | None


@dataclass(frozen=True, slots=True)
class BroughtSeries:
    """One series: its files and rows, those refused by reason, all points it has now, and how they differ from what was known.

    `watermark` (microseconds, UTC): the values of windows that end at or before it are not expected to change.
    """

    name: str
    files: int
    rows: int
    rejected: Mapping[str, int]
    points: int
    new: int
    changed: int
    gone: int
    watermark: int | None

    def to_dict(self) -> BroughtData:
        """Plain data."""
        return {
            "name": self.name,
            "files": self.files,
            "rows": self.rows,
            "rejected": dict(sorted(self.rejected.items())),
            "points": self.points,
            "new": self.new,
            "changed": self.changed,
            "gone": self.gone,
            "watermark": None if self.watermark is None else to_iso(self.watermark),
        }


@dataclass(frozen=True, slots=True)
class SeriesReport:
    """All series that were brought; `over_limit`: some had more rejects than allowed, and stayed as they were."""

    name: ClassVar[str] = "ingest-series"
    version: ClassVar[int] = 1

    store: str
    series: tuple[BroughtSeries, ...]
    over_limit: bool
    diagnostics: tuple[Diagnostic, ...] = field(default=())

    @property
    def stats(self) -> dict[str, int]:
        """Counts."""
        changes = sum(item.new + item.changed + item.gone for item in self.series)
        return {"series": len(self.series), "points": sum(item.points for item in self.series), "changes": changes}

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {"store": self.store, "series": plain(self.series), "over_limit": self.over_limit}
