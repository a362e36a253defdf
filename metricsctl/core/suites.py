"""Outcomes of checks in suites, for reports that a test dashboard can show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Case", "Outcome", "Suite"]

Outcome = Literal["passed", "failure", "error", "skipped"]


@dataclass(frozen=True, slots=True)
class Case:
    """One check: how it ended, in one line why (`message`), of what kind that is, at length (`details`), and where it stands."""

    name: str
    outcome: Outcome
    message: str = ""
    kind: str = ""
    details: str = ""
    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Suite:
    """Cases that belong together."""

    name: str
    cases: tuple[Case, ...]

    @property
    def failures(self) -> int:
        """How many did not hold."""
        return sum(case.outcome == "failure" for case in self.cases)

    @property
    def errors(self) -> int:
        """How many could not be run."""
        return sum(case.outcome == "error" for case in self.cases)
