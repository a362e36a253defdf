"""What every result that a command prints has in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

from metricsctl.core.diagnostics import Diagnostic

__all__ = ["Report"]


class Report(Protocol):
    """A result of the library: a frozen dataclass that knows its name, its data and what was noticed on the way.

    `name` and `version` make the `schema` of its JSON envelope, `metricsctl/<name>/v<version>`.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Findings that go with the result."""

    @property
    def stats(self) -> Mapping[str, Any]:
        """Counts about the run; never durations, so that the JSON is repeatable."""

    def to_dict(self) -> Any:
        """The result itself as plain data (`data` of the envelope)."""
