"""What is said of files that are not as they were, and of lines that cannot be read."""

from __future__ import annotations

from metricsctl.core.diagnostics import Diagnostic, Severity
from metricsctl.engine.batch import LoadedBatch, Reject
from metricsctl.ingest.readers import Chunk

__all__ = ["cut_off", "other_content", "too_long"]


def cut_off(name: str, before: int) -> Diagnostic:
    """Of a file that begins as it did and is shorter than the `before` bytes that were read of it: its end would count twice."""
    message = f"{name} is cut off: {before:,} bytes of it were read before, and it begins as it did then; nothing of it is read now"
    return Diagnostic("cut-off", Severity.WARNING, message, None, "it goes on once it is longer than that, or from another name")


def other_content(name: str, read: int, before: int) -> Diagnostic:
    """Of a file that is read as a new one though one of its name is known: a log that began anew, or one that was cut off."""
    shorter = read < before
    message = f"{name} has other content than what was read under this name before: it is read as a new file"
    hint = "if it was cut off, what is left of it counts twice now: `metricsctl ingest --rebuild`" if shorter else None
    return Diagnostic("other-content", Severity.WARNING if shorter else Severity.INFO, message, None, hint)


def too_long(chunk: Chunk, secret: frozenset[str]) -> LoadedBatch:
    """A line that is too long to be read, as a reject; its beginning is shown where nothing in it can be personal data."""
    shown = None if secret else (chunk.too_long or b"").decode("utf-8", "replace") + "..."
    return LoadedBatch(1, 0, (Reject("too_long", chunk.file.name, chunk.first_line, shown),), None)
