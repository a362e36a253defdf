"""What a drill found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, TypedDict

from metricsctl.core.diagnostics import Diagnostic, Severity, Skipped

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Blind", "DrillData", "DrillReport", "Drilled"]


@dataclass(frozen=True, slots=True)
class Blind:
    """A metric of the highest tier that a fault moved without an alert of its own; `moved`: by which share, None if that says nothing."""

    metric: str
    moved: float | None


@dataclass(frozen=True, slots=True)
class Drilled:
    """One planted fault: what was done to which source from `since` to `until` (ISO 8601, UTC), and what came of it.

    `after` is the time in seconds from the fault to the end of the window of the first alert, by `metric` (in the segment `key`; empty: its
    total); None, like the rest, if nothing was caught. `alerts` are all metrics that noticed. `explanation` is the first hypothesis of
    `explain`, `named` whether it is about the source or the segment at fault. `blind`: metrics of the highest tier that it moved unseen.
    """

    fault: str
    source: str
    what: str
    since: str
    until: str
    after: float | None
    metric: str | None
    key: dict[str, str | None]
    alerts: tuple[str, ...]
    explanation: str | None
    named: bool | None
    blind: tuple[Blind, ...]

    @property
    def is_caught(self) -> bool:
        """Whether any metric noticed."""
        return self.after is not None


class DrillData(TypedDict):
    """A drill in JSON; see `DrillReport`."""

    tier: int | None
    faults: tuple[Drilled, ...]
    blind: tuple[str, ...]
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True, slots=True)
class DrillReport:
    """All planted faults, by kind and source; `skipped` could not be planted.

    `tier` is the highest tier that the project has (the smallest number), `blind` are its metrics that were moved, but never noticed.
    """

    name: ClassVar[str] = "drill"
    version: ClassVar[int] = 1

    tier: int | None
    faults: tuple[Drilled, ...]
    blind: tuple[str, ...]
    skipped: tuple[Skipped, ...] = ()
    noticed: tuple[Diagnostic, ...] = field(default=())

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """What was noticed, and what could not be planted."""
        return (
            *self.noticed,
            *(Diagnostic("skipped", Severity.INFO, f"{item.kind} in {item.name}: {item.reason}") for item in self.skipped),
        )

    @property
    def stats(self) -> dict[str, int]:
        """Counts."""
        caught = [item for item in self.faults if item.is_caught]
        return {
            "faults": len(self.faults),
            "caught": len(caught),
            "named": sum(item.named is True for item in caught),
            "blind": len(self.blind),
            "skipped": len(self.skipped),
        }

    def to_dict(self) -> DrillData:
        """Plain data."""
        return {"tier": self.tier, "faults": self.faults, "blind": self.blind, "skipped": self.skipped}

    def to_pandas(self) -> pd.DataFrame:
        """A row for each planted fault, with the fields of `Drilled` as columns."""
        import dataclasses

        import pandas as pd

        columns = [item.name for item in dataclasses.fields(Drilled)]
        return pd.DataFrame([[getattr(item, name) for name in columns] for item in self.faults], columns=columns)

    def _repr_html_(self) -> str:
        from metricsctl.core.html import notes, paragraph, table

        columns = ("fault", "source", "what", "caught", "by", "first explanation")
        return (table(columns, self.faults, _cells) or paragraph("nothing was planted")) + notes(self.diagnostics)


def _cells(item: Drilled) -> list[str | None]:
    caught = "no" if item.after is None else f"after {item.after / 3600:.1f} h"
    return [item.fault, item.source, item.what, caught, item.metric, item.explanation]
