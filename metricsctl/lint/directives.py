"""`# metricsctl: disable=M104 why`: the comments by which a file tells the linter what to leave unsaid.

    source: ad_logs    # metricsctl: disable=M104 comes with the next release
    # metricsctl: disable=M2 a draft          alone on its line: for the line below, and all that is indented under it
    # metricsctl: disable-file=M202,M207
    # metricsctl: snooze=M203 until=2027-01-01

In SQL, also in that of a `sql: |`, the same stands after `--`.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from metricsctl.core.diagnostics import Span
from metricsctl.core.names import nearest
from metricsctl.definition.source import scalar_regions

__all__ = ["MARK", "Directive", "Malformed", "directives_of"]

MARK = "metricsctl:"
_COMMENT = re.compile(r"(#|--)[ \t]*metricsctl:[ \t]*(.*?)[ \t]*\Z")
_WORDS = re.compile(r"([\w-]+)(?:[ \t]*=[ \t]*([\w-]+(?:[ \t]*,[ \t]*[\w-]+)*))?")
_UNTIL = re.compile(r"\buntil[ \t]*=[ \t]*(\S+)")
_KINDS = ("disable", "disable-file", "snooze")


@dataclass(frozen=True, slots=True)
class Directive:
    """One comment: what it leaves unsaid, on which lines (both ends included; 0 to 0 is the whole file), until when.

    `comment` is its whole stretch, `codes` the place of each code in it.
    """

    kind: str
    comment: Span
    codes: tuple[tuple[str, Span], ...]
    lines: tuple[int, int]
    until: dt.date | None = None


@dataclass(frozen=True, slots=True)
class Malformed:
    """A comment that means to be one and is not understood."""

    span: Span
    message: str
    hint: str | None


def directives_of(path: str, text: str) -> Iterator[Directive | Malformed]:
    """The directives of a file, in its order."""
    if MARK not in text:
        return
    lines = text.split("\n")
    is_yaml = not path.endswith(".sql")
    regions = scalar_regions(text) if is_yaml else []
    for number, line in enumerate(lines, 1):
        if MARK not in line:
            continue
        match = _COMMENT.search(line)
        if match is None or not _is_comment(match, number, line, regions, is_yaml=is_yaml):
            continue
        yield _read(path, lines, number, match)


def _is_comment(match: re.Match[str], line: int, text: str, regions: Sequence[tuple[str, int, int, int, int]], *, is_yaml: bool) -> bool:
    """Whether it stands in no text: `#` outside of all scalars, `--` in SQL."""
    column = match.start() + 1
    inside = next((style for style, *place in regions if _within(line, column, place)), None)
    if match[1] == "--":
        return not is_yaml or inside == "|"
    return is_yaml and inside is None and (match.start() == 0 or text[match.start() - 1] in " \t")


def _within(line: int, column: int, place: Sequence[int]) -> bool:
    first, start, last, end = place
    return (first, start) <= (line, column) < (last, end)


def _read(path: str, lines: Sequence[str], number: int, match: re.Match[str]) -> Directive | Malformed:
    comment = Span(path, number, match.start() + 1, number, match.end() + 1)
    words = _WORDS.match(match[2])

    def at(start: int, end: int) -> Span:
        offset = match.start(2)
        return Span(path, number, offset + start + 1, number, offset + end + 1)

    if words is None:
        return Malformed(comment, f"'{match[0]}' names no directive", f"one of {', '.join(_KINDS)}")
    kind = words[1]
    if kind not in _KINDS:
        return Malformed(at(*words.span(1)), f"unknown directive '{kind}'", nearest(kind, _KINDS))
    if words[2] is None:
        return Malformed(at(*words.span(1)), f"'{kind}' names no rule", f"write {kind}=M104")
    start = words.start(2)
    codes = tuple((code[0], at(start + code.start(), start + code.end())) for code in re.finditer(r"[\w-]+", words[2]))
    until = None
    if kind == "snooze":
        day = _UNTIL.search(match[2])
        if day is None:
            return Malformed(at(*words.span(1)), "'snooze' has no end", "write until=2027-01-01")
        try:
            until = dt.date.fromisoformat(day[1])
        except ValueError:
            return Malformed(at(*day.span(1)), f"'{day[1]}' is no date", "write until=2027-01-01")
    covered = (0, 0) if kind == "disable-file" else _covered(lines, number, match.start())
    return Directive(kind, comment, codes, covered, until)


def _covered(lines: Sequence[str], number: int, start: int) -> tuple[int, int]:
    """The lines that a comment is about: its own, or where it stands alone the next one with all that is indented under it."""
    if lines[number - 1][:start].strip():
        return number, number
    first = next((index for index in range(number, len(lines)) if not _is_blank(lines[index])), None)
    if first is None:
        return number, number
    indent = _indent(lines[first])
    last = first
    for index in range(first + 1, len(lines)):
        if _is_blank(lines[index]):
            continue
        if _indent(lines[index]) <= indent:
            break
        last = index
    return first + 1, last + 1


def _is_blank(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith(("#", "--"))


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
