"""Mending by edits: what stands at a span gives way to a text, and nothing else of the file is touched."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from metricsctl.core.diagnostics import Diagnostic, Edit, Fix, Span

__all__ = ["ROUNDS", "apply", "entry_removal", "fixable", "read_raw", "removal", "unified_diff"]

ROUNDS = 20
"""How often a project is read and mended again until nothing is left to mend: edits of one place wait for each other."""

_BOM = "\ufeff"


def read_raw(path: Path) -> str:
    """The text of a file as it is, its byte order mark and its line ends included."""
    return path.read_bytes().decode("utf-8")


def fixable(findings: Iterable[Diagnostic], *, unsafe: bool) -> list[Fix]:
    """The fixes among findings, in the order of the findings; those that are not safe only if asked for."""
    return [item.fix for item in findings if item.fix is not None and (item.fix.safe or unsafe)]


def apply(texts: dict[str, str], fixes: Sequence[Fix]) -> tuple[dict[str, str], int]:
    """The texts of files by path with the fixes made, as far as they do not get into each other's way, and how many were made.

    A fix is made whole or not at all; what overlaps an edit that is made already waits for the next round. Texts keep their byte
    order mark and their line ends.
    """
    starts = {path: _line_starts(text) for path, text in texts.items()}
    taken: dict[str, list[tuple[int, int, str]]] = {path: [] for path in texts}
    made = 0
    for fix in fixes:
        found = [_located(edit, texts, starts) for edit in fix.edits]
        if not found or any(item is None for item in found):
            continue
        placed = [item for item in found if item is not None]
        again = [item for item in placed if (item[1], item[2], item[3]) not in taken[item[0]]]
        if any(_overlaps(item, taken[item[0]]) for item in again):
            continue
        for path, start, end, text in again:
            taken[path].append((start, end, text))
        made += 1
    return {path: _edited(text, taken[path]) for path, text in texts.items() if taken[path]}, made


def _line_starts(text: str) -> list[int]:
    starts = [1 if text.startswith(_BOM) else 0]
    position = text.find("\n")
    while position >= 0:
        starts.append(position + 1)
        position = text.find("\n", position + 1)
    return starts


def _located(edit: Edit, texts: dict[str, str], starts: dict[str, list[int]]) -> tuple[str, int, int, str] | None:
    """Path, start, end and text of an edit; None where its file is not at hand."""
    span = edit.span
    if span.path not in texts or max(span.line, span.end_line) > len(starts[span.path]):
        return None
    lines = starts[span.path]
    text = edit.text.replace("\n", "\r\n") if "\r\n" in texts[span.path] else edit.text
    return span.path, lines[span.line - 1] + span.column - 1, lines[span.end_line - 1] + span.end_column - 1, text


def _overlaps(item: tuple[str, int, int, str], taken: Sequence[tuple[int, int, str]]) -> bool:
    """Whether two edits share a character, or begin at one place (then nobody could say which comes first)."""
    _, start, end, _ = item
    return any((start < other_end and other_start < end) or start == other_start for other_start, other_end, _ in taken)


def _edited(text: str, edits: Sequence[tuple[int, int, str]]) -> str:
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def removal(span: Span, lines: Sequence[str]) -> Edit:
    """The edit that takes a stretch away: with its whole lines where nothing else stands on them, else with the blanks before it."""
    before = lines[span.line - 1][: span.column - 1]
    after = lines[span.end_line - 1][span.end_column - 1 :]
    if not before.strip() and not after.strip():
        if span.end_line < len(lines):
            return Edit(Span(span.path, span.line, 1, span.end_line + 1, 1), "")
        return Edit(Span(span.path, span.line, 1, span.end_line, len(lines[span.end_line - 1]) + 1), "")
    if not before.strip():  # what follows, a comment, stays where the stretch began
        return Edit(Span(span.path, span.line, span.column, span.end_line, span.end_column + len(after) - len(after.lstrip())), "")
    start = len(before.rstrip()) + 1 if not after.strip() else span.column
    return Edit(Span(span.path, span.line, start, span.end_line, span.end_column), "")


def entry_removal(span: Span, lines: Sequence[str]) -> Edit:
    """The edit that takes an entry out of a mapping or a list, with the comma that parted it from its neighbour."""
    before = lines[span.line - 1][: span.column - 1]
    after = lines[span.end_line - 1][span.end_column - 1 :]
    if before.rstrip().endswith(","):
        return Edit(Span(span.path, span.line, len(before.rstrip()), span.end_line, span.end_column), "")
    if after.lstrip().startswith(","):
        rest = after.lstrip()[1:]
        end = span.end_column + len(after) - len(rest.lstrip())
        return Edit(Span(span.path, span.line, span.column, span.end_line, end), "")
    return removal(span, lines)


def unified_diff(path: Path, before: str, after: str, root: Path) -> str:
    """The change of a file, as `diff -u` and `git diff` show it."""
    import difflib

    shown = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()
    lines = difflib.unified_diff(before.splitlines(keepends=True), after.splitlines(keepends=True), f"a/{shown}", f"b/{shown}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
