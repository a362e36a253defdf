"""What a sample holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from metricsctl.core.diagnostics import Diagnostic
from metricsctl.core.serial import plain

__all__ = ["SampleReport", "SampledFile"]


@dataclass(frozen=True, slots=True)
class SampledFile:
    """One file: where its sample lies, its rows, those kept, how many have no key, and how many could not be read."""

    path: str
    source: str
    written: str
    rows: int
    kept: int
    without_key: int
    malformed: int


@dataclass(frozen=True, slots=True)
class SampleReport:
    """A sample: its folder, how it was drawn, by source the columns that were hashed, and its files."""

    name: ClassVar[str] = "sample"
    version: ClassVar[int] = 1

    folder: str
    by: str
    rate: float
    hashed: Mapping[str, tuple[str, ...]]
    files: tuple[SampledFile, ...]
    diagnostics: tuple[Diagnostic, ...] = field(default=())

    @property
    def stats(self) -> dict[str, int]:
        """Counts of the run."""
        return {
            "files": len(self.files),
            "rows": sum(file.rows for file in self.files),
            "kept": sum(file.kept for file in self.files),
            "malformed": sum(file.malformed for file in self.files),
        }

    @property
    def incomplete(self) -> bool:
        """Whether some file could be read only in part."""
        return any(item.code == "damaged-file" for item in self.diagnostics)

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {"folder": self.folder, "by": self.by, "rate": self.rate, "hashed": plain(self.hashed), "files": plain(self.files)}
