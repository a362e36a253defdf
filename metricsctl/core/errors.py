"""Errors that a user can mend: one line what, where, and one line how."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, Self

from metricsctl.core.diagnostics import Diagnostic, Severity, Skipped, Span
from metricsctl.core.names import nearest

__all__ = ["DataError", "MetricsctlError", "NotComputed", "ProjectError", "StoreError", "UnknownName", "UsageError"]


class MetricsctlError(Exception):
    """Base of every error that is the user's to mend; `exit_code` as `docs/cli.md` says."""

    exit_code: ClassVar[int] = 2
    code: str = "usage"

    def __init__(self, message: str, *, hint: str | None = None, span: Span | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.span = span
        if code is not None:
            self.code = code

    def diagnostic(self) -> Diagnostic:
        """The error as a finding."""
        return Diagnostic(self.code, Severity.ERROR, self.message, self.span, self.hint)


class UsageError(MetricsctlError):
    """A wrong argument, option, configuration, or a path that cannot be used."""


class ProjectError(MetricsctlError):
    """The definitions are broken; `diagnostics` says where."""

    code = "project"

    def __init__(self, message: str, *, diagnostics: Sequence[Diagnostic] = (), hint: str | None = None, span: Span | None = None) -> None:
        super().__init__(message, hint=hint, span=span)
        self.diagnostics = tuple(diagnostics)

    @classmethod
    def of(cls, diagnostics: Iterable[Diagnostic]) -> Self:
        """The error of a project whose errors are `diagnostics`."""
        found = tuple(diagnostics)
        what = "1 error" if len(found) == 1 else f"{len(found)} errors"
        return cls(f"the definitions have {what}", diagnostics=found, hint="run `metricsctl lint` for all findings")


class UnknownName(UsageError):  # noqa: N818 - reads better at the raise
    """A name on the command line or in a call that the project does not have."""

    code = "unknown-name"

    @classmethod
    def of(cls, kind: str, name: str, known: Iterable[str]) -> Self:
        """An unknown `kind` called `name`, with the nearest known one as the hint."""
        return cls(f"unknown {kind} '{name}'", hint=nearest(name, known) or f"there is no {kind} to name yet")


class NotComputed(UsageError):  # noqa: N818 - reads better at the raise
    """A metric that is defined, and that this version cannot compute."""

    code = "M006"

    @classmethod
    def of(cls, skipped: Skipped) -> Self:
        """The error of a metric that was left out of the plan."""
        hint = "keep the definition: it comes alive with a later version; `metricsctl list metrics` names the others"
        return cls(f"metric '{skipped.name}' is not computed: {skipped.reason}", hint=hint, span=skipped.span)


class DataError(MetricsctlError):
    """Data that cannot be read, or only in part."""

    exit_code = 3
    code = "data"


class StoreError(DataError):
    """A store that is locked, diverged, of another version, or not there."""

    code = "store"
