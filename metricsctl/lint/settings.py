"""What a project may choose for its rules."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Override", "Settings"]


@dataclass(frozen=True, slots=True)
class Override:
    """Severities for files: `paths` are globs (none means all files), `severity` says error, warning, info or off by prefixes of codes."""

    paths: tuple[str, ...]
    severity: Mapping[str, str]


def _today() -> dt.date:
    return dt.datetime.now(tz=dt.UTC).date()


@dataclass(frozen=True, slots=True)
class Settings:
    """`lint.*` of the configuration, and the day that dates are held against (UTC).

    Attributes
    ----------
    max_depth
        How deep metrics may stand on each other (M107).
    today
        For removal dates, and for the ends of snoozes.
    overrides
        Severities for all or for some files; the last that fits wins.
    folder
        What the globs of overrides count from; None is the project's root.
    """

    max_depth: int = 10
    today: dt.date = field(default_factory=_today)
    overrides: tuple[Override, ...] = ()
    folder: Path | None = None
