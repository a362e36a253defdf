"""Findings with a place: what is said about a file, without knowing who prints it."""

from __future__ import annotations

import enum
from dataclasses import dataclass

__all__ = ["Diagnostic", "Edit", "Fix", "Severity", "Skipped", "Span", "one_line"]


class Severity(enum.StrEnum):
    """How bad a finding is; `rank` orders them."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """Higher is worse."""
        return {"error": 2, "warning": 1, "info": 0}[self.value]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a text file; lines and columns count from 1, the end is exclusive.

    `path` is relative to the project's root where it lies below it, with forward slashes.
    """

    path: str
    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"

    def __lt__(self, other: Span) -> bool:
        return (self.path, self.line, self.column) < (other.path, other.line, other.column)

    @classmethod
    def of_file(cls, path: str) -> Span:
        """The beginning of a file, for what has no better place."""
        return cls(path, 1, 1, 1, 1)


@dataclass(frozen=True, slots=True)
class Edit:
    """What stands at `span` gives way to `text`; an empty stretch is an insertion."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """How a finding is mended: edits that belong together, in words what they do.

    A safe fix leaves every definition that works as it is with the meaning that it has.
    """

    message: str
    edits: tuple[Edit, ...]
    safe: bool = True


def one_line(text: str) -> str:
    r"""A text with everything that is not printed written as Python writes it.

    >>> print(one_line("a\nb"))
    a\nb
    """
    return text if text.isprintable() else "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding: a code, a severity, one line what, where, one line how to mend it, and the edits that do so where they are known."""

    code: str
    severity: Severity
    message: str
    span: Span | None = None
    hint: str | None = None
    fix: Fix | None = None

    def __post_init__(self) -> None:
        # names and values of a file are quoted as they are: one with a line break, or with a terminal's codes, must not act
        object.__setattr__(self, "message", one_line(self.message))
        object.__setattr__(self, "hint", self.hint and one_line(self.hint))

    @property
    def sort_key(self) -> tuple[str, int, int, str, str]:
        """By place, then by code."""
        place = (self.span.path, self.span.line, self.span.column) if self.span else ("", 0, 0)
        return (*place, self.code, self.message)


@dataclass(frozen=True, slots=True)
class Skipped:
    """Work that was left out, and why: never silence."""

    kind: str
    name: str
    reason: str
    span: Span | None = None
