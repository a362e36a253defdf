"""Findings that a file itself wants unsaid, and suppressions that suppress nothing (M901)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from metricsctl.core.diagnostics import Diagnostic, Edit, Fix, Severity, Span
from metricsctl.core.names import nearest
from metricsctl.lint.directives import Directive, Malformed, directives_of
from metricsctl.lint.fixes import removal

__all__ = ["UNUSED", "Suppressed", "suppress"]

UNUSED = "M901"
ALWAYS = "M001"  # broken YAML cannot be wished away


@dataclass(frozen=True, slots=True)
class Suppressed:
    """What is left to say, and how many findings are not said."""

    findings: tuple[Diagnostic, ...]
    count: int


def suppress(
    findings: Sequence[Diagnostic], texts: Mapping[str, str], *, ran: Collection[str], known: Mapping[str, str], today: dt.date
) -> Suppressed:
    """Leave unsaid what the files' directives name, and say which directives name nothing (M901, if it is among `ran`).

    Parameters
    ----------
    findings
        What the rules found.
    texts
        The texts of all files by path.
    ran
        Codes of the rules that ran: of others nobody can say whether they would have found something.
    known
        The code of each rule by its name.
    today
        A snooze ends with its day.
    """
    directives = [item for path, text in texts.items() for item in directives_of(path, text)]
    if not directives:
        return Suppressed(tuple(findings), 0)
    used: set[tuple[int, int]] = set()
    kept = [item for item in findings if not _is_suppressed(item, directives, known, today, used)]
    unused = list(_unused(directives, texts, used, ran, known, today)) if UNUSED in ran else []
    return Suppressed(tuple(sorted([*kept, *unused], key=lambda item: item.sort_key)), len(findings) - len(kept))


def _is_suppressed(
    item: Diagnostic, directives: Sequence[Directive | Malformed], known: Mapping[str, str], today: dt.date, used: set[tuple[int, int]]
) -> bool:
    """Whether a directive names the finding; every one that does is used."""
    if item.span is None or item.code == ALWAYS:
        return False
    found = False
    for number, directive in enumerate(directives):
        if isinstance(directive, Malformed) or directive.comment.path != item.span.path or _is_over(directive, today):
            continue
        first, last = directive.lines
        if first and not (first <= item.span.end_line and item.span.line <= last):
            continue
        for place, (word, _) in enumerate(directive.codes):
            if item.code.startswith(known.get(word, word)):
                used.add((number, place))
                found = True
    return found


def _is_over(directive: Directive, today: dt.date) -> bool:
    return directive.until is not None and today > directive.until


def _unused(
    directives: Sequence[Directive | Malformed],
    texts: Mapping[str, str],
    used: set[tuple[int, int]],
    ran: Collection[str],
    known: Mapping[str, str],
    today: dt.date,
) -> Iterable[Diagnostic]:
    codes = set(known.values())
    for number, directive in enumerate(directives):
        if isinstance(directive, Malformed):
            yield Diagnostic(UNUSED, Severity.WARNING, directive.message, directive.span, directive.hint)
            continue
        idle = [place for place in range(len(directive.codes)) if (number, place) not in used]
        for place in idle:
            word, span = directive.codes[place]
            meant = {code for code in codes if code.startswith(known.get(word, word))}
            if meant and not meant & set(ran):
                continue
            message, hint = _said(directive, word, bool(meant), codes, today)
            fix = _fix(directive, place, all_idle=len(idle) == len(directive.codes), text=texts[directive.comment.path])
            yield Diagnostic(UNUSED, Severity.WARNING, message, span, hint, fix)


def _said(directive: Directive, word: str, exists: bool, codes: Collection[str], today: dt.date) -> tuple[str, str | None]:
    if not exists:
        return f"no rule begins with '{word}'", nearest(word, codes)
    if _is_over(directive, today):
        return f"the snooze of '{word}' ended on {directive.until}", "take the comment out"
    return f"'{word}' is suppressed, and finds nothing here", "take the comment out"


def _fix(directive: Directive, place: int, *, all_idle: bool, text: str) -> Fix:
    """Take out the code with its comma, or the whole comment where no code in it is of use."""
    if all_idle:
        return Fix("take the comment out", (removal(directive.comment, text.split("\n")),))
    word, span = directive.codes[place]
    if place:
        before = directive.codes[place - 1][1]
        cut = Span(span.path, span.line, before.end_column, span.line, span.end_column)
    else:
        after = directive.codes[place + 1][1]
        cut = Span(span.path, span.line, span.column, span.line, after.column)
    return Fix(f"take '{word}' out of the comment", (Edit(cut, ""),))
