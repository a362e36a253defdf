"""What the maintenance of a store did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from metricsctl.core.diagnostics import Diagnostic
from metricsctl.core.serial import plain

__all__ = ["CompactReport", "Compacted", "VacuumReport", "Vacuumed"]


@dataclass(frozen=True, slots=True)
class Compacted:
    """A table that was compacted: its files, states and bytes before and after."""

    name: str
    files_before: int
    files: int
    states_before: int
    states: int
    bytes_before: int
    bytes: int


@dataclass(frozen=True, slots=True)
class CompactReport:
    """A compaction: how many tables were looked at, and those that were not compact already."""

    name: ClassVar[str] = "store-compact"
    version: ClassVar[int] = 1

    path: str
    looked_at: int
    tables: tuple[Compacted, ...]

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """None."""
        return ()

    @property
    def stats(self) -> dict[str, int]:
        """Counts."""
        return {"looked_at": self.looked_at, "compacted": len(self.tables)}

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {"path": self.path, "looked_at": self.looked_at, "tables": plain(self.tables)}


@dataclass(frozen=True, slots=True)
class Vacuumed:
    """Files of a table that are no longer part of it: how many, and their bytes."""

    name: str
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class VacuumReport:
    """The files that left their table more than `hours` ago; with `dry_run` they are still there."""

    name: ClassVar[str] = "store-vacuum"
    version: ClassVar[int] = 1

    path: str
    hours: int
    dry_run: bool
    tables: tuple[Vacuumed, ...]

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """None."""
        return ()

    @property
    def stats(self) -> dict[str, int]:
        """Counts."""
        return {"files": sum(table.files for table in self.tables), "bytes": sum(table.bytes for table in self.tables)}

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {"path": self.path, "hours": self.hours, "dry_run": self.dry_run, "tables": plain(self.tables)}
