"""Where a finding about a key's value stands, and the text there."""

from __future__ import annotations

from typing import Any

from metricsctl.core.diagnostics import Span
from metricsctl.lint.facts import Facts

__all__ = ["text_at", "value_at"]


def text_at(facts: Facts, span: Span) -> str:
    """The text of a stretch of one line, without the quotes of the YAML around it."""
    found = facts.unquoted(span)
    return facts.line(found.path, found.line)[found.column - 1 : found.end_column - 1]


def value_at(facts: Facts, record: Any, key: str) -> tuple[Span, str]:
    """The place of a key's value and its text, as written; the name of the record where the value takes several lines."""
    span: Span = record.place(key)
    if key not in record.places or span.line != span.end_line:
        return record.name.span, str(record.name)
    return span, text_at(facts, span)
