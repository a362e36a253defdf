"""YAML text as a tree in which every key and value knows its place.

PyYAML composes (in C where it can), and the scalars are resolved here by the rules of YAML 1.2's core schema, so that `NO`, `on` and
`2026-01-01` stay the strings that their writers meant. https://yaml.org/spec/1.2.2/#103-core-schema
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from metricsctl.core.diagnostics import Diagnostic, Severity, Span

__all__ = ["Entry", "ListNode", "MapNode", "Node", "ScalarNode", "parse", "scalar_regions"]

_BASE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INT = re.compile(r"[-+]?[0-9]+\Z|0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_WORDS: dict[str, Any] = {"": None, "~": None, "null": None, "true": True, "false": False}
_STR, _SEQ, _MAP = (f"tag:yaml.org,2002:{name}" for name in ("str", "seq", "map"))


class _LOADER(_BASE):  # type: ignore[misc]
    """Leaves the meaning of plain scalars to us, which halves the time of composing."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> str:  # noqa: ARG002 - the base's signature
        return _STR if kind is yaml.ScalarNode else _SEQ if kind is yaml.SequenceNode else _MAP


_TAGS = {"str", "int", "float", "bool", "null", "map", "seq", "timestamp", "merge", "value", "yaml", "!"}
MAX_NODES = 2_000_000


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ScalarNode:
    """A scalar: its text as written (unquoted), its value by YAML 1.2, its place.

    `style` is None for a plain one, else `'`, `"`, `|` or `>`; "file" is the text of a whole file.
    """

    span: Span
    text: str
    value: Any
    style: str | None
    indent: int = 0

    def span_of(self, start: int, end: int) -> Span:
        """The place of `text[start:end]` in the file; exact for text without escapes or folding, else the whole scalar."""
        if self.style == ">" or self.text[start:end].count("\n"):
            return self.span
        line = self.text.count("\n", 0, start)
        if self.style == "file":
            column = start - (self.text.rfind("\n", 0, start) + 1) + 1
            return Span(self.span.path, 1 + line, column, 1 + line, column + end - start)
        if self.style == "|":
            column = start - (self.text.rfind("\n", 0, start) + 1) + 1 + self.indent
            return Span(self.span.path, self.span.line + 1 + line, column, self.span.line + 1 + line, column + end - start)
        if self.span.end_line != self.span.line or "\n" in self.text:
            return self.span
        column = self.span.column + start + (1 if self.style else 0)
        return Span(self.span.path, self.span.line, column, self.span.line, column + end - start)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Entry:
    """A key of a mapping and its value."""

    key: ScalarNode
    value: Node


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class MapNode:
    """A mapping, in the order of the file."""

    span: Span
    entries: tuple[Entry, ...]

    def get(self, key: str) -> Node | None:
        """The value under `key`."""
        return next((entry.value for entry in self.entries if entry.key.text == key), None)

    def keys(self) -> Iterator[str]:
        """The keys as text."""
        return (entry.key.text for entry in self.entries)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ListNode:
    """A sequence."""

    span: Span
    items: tuple[Node, ...]


Node = ScalarNode | MapNode | ListNode


def plain_value(text: str) -> Any:
    """The value of a plain scalar by YAML 1.2's core schema.

    >>> plain_value("NO"), plain_value("0x1f"), plain_value("1.5"), plain_value("2026-01-01")
    ('NO', 31, 1.5, '2026-01-01')
    """
    lowered = text if text in _WORDS else text.lower()
    if lowered in _WORDS and (text in {lowered, lowered.capitalize(), lowered.upper()}):
        return _WORDS[lowered]
    if _INT.match(text):
        return int(text, 0) if text[:2] in {"0o", "0x"} else int(text)
    if _FLOAT.match(text):
        return float(text)
    return text


def to_plain(node: Node) -> Any:
    """The tree as plain data, for free-form values."""
    if isinstance(node, ScalarNode):
        return node.value
    if isinstance(node, ListNode):
        return [to_plain(item) for item in node.items]
    return {entry.key.text: to_plain(entry.value) for entry in node.entries}


class _Builder:
    """Turns PyYAML's nodes into ours; counts them, because aliases can multiply."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.lines = text.split("\n")
        self.findings: list[Diagnostic] = []
        self.open: set[int] = set()
        self.built: dict[int, Node] = {}
        self.count = 0

    def span(self, node: yaml.Node) -> Span:
        start, end = node.start_mark, node.end_mark
        line, column = end.line, end.column
        if isinstance(node, yaml.ScalarNode) and node.style in {"|", ">"}:
            line, column = max(end.line - 1, start.line), 0
            column = len(self.lines[line]) if line < len(self.lines) else 0
        elif not isinstance(node, yaml.ScalarNode) and column == 0 and line > start.line:
            line -= 1  # a block collection ends where the next one begins
            while line > start.line and not self.lines[line].strip():
                line -= 1
            column = len(self.lines[line].rstrip())
        return Span(self.path, start.line + 1, start.column + 1, line + 1, column + 1)

    def error(self, message: str, span: Span, hint: str | None = None) -> None:
        self.findings.append(Diagnostic("M001", Severity.ERROR, message, span, hint))

    def build(self, node: yaml.Node) -> Node:
        if node.__class__ is yaml.ScalarNode and not node.style and node.tag == _STR:  # nine of ten
            return self.plain(node)
        done = self.built.get(id(node))
        if done is not None:
            return done
        self.count += 1
        span = self.span(node)
        if id(node) in self.open or self.count > MAX_NODES:
            self.error("an alias that contains itself" if id(node) in self.open else "too many values in one file", span)
            return ScalarNode(span, "", None, None)
        if node.tag.removeprefix("tag:yaml.org,2002:") not in _TAGS:
            self.error(f"the tag '{node.tag}' is not supported", span, "write the plain value")
        self.open.add(id(node))
        built = self._build(node, span)
        self.open.discard(id(node))
        self.built[id(node)] = built
        return built

    def plain(self, node: yaml.Node) -> ScalarNode:
        """A plain scalar without a tag; an alias to one is cheaper made again than remembered."""
        self.count += 1
        start, end, text = node.start_mark, node.end_mark, node.value
        span = Span(self.path, start.line + 1, start.column + 1, end.line + 1, end.column + 1)
        if self.count > MAX_NODES:
            self.error("too many values in one file", span)
            return ScalarNode(span, "", None, None)
        return ScalarNode(span, text, text if text[:1].isalpha() and text.lower() not in _WORDS else plain_value(text), None)

    def _build(self, node: yaml.Node, span: Span) -> Node:
        if isinstance(node, yaml.ScalarNode):
            return self.scalar(node, span)
        if isinstance(node, yaml.SequenceNode):
            return ListNode(span, tuple(self.build(item) for item in node.value))
        entries: dict[str, Entry] = {}
        for key_node, value_node in node.value:
            key = self.build(key_node)
            if not isinstance(key, ScalarNode):
                self.error("a key must be plain text", key.span)
                continue
            if key.text in entries:
                first = entries[key.text].key.span
                self.error(f"duplicate key '{key.text}'", key.span, f"first on line {first.line}: keep one of them")
                continue
            entries[key.text] = Entry(key, self.build(value_node))
        return MapNode(span, tuple(entries.values()))

    def scalar(self, node: yaml.ScalarNode, span: Span) -> ScalarNode:
        text, style = str(node.value), node.style or None
        value = text if style else plain_value(text)
        indent = 0
        if style == "|":
            body = self.lines[span.line] if span.line < len(self.lines) else ""
            indent = len(body) - len(body.lstrip(" "))
        return ScalarNode(span, text, value, style, indent)


def _syntax_error(error: yaml.YAMLError, path: str, text: str) -> Diagnostic:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    lines = text.split("\n")
    problem = getattr(error, "problem", None) or str(error).split("\n", 1)[0]
    hint = None
    shown = lines[line - 1] if line <= len(lines) else ""
    if "nesting depth" in problem:  # libyaml's own limit, from 0.2.6 on
        return Diagnostic("M001", Severity.ERROR, "nested too deeply", Span(path, line, column, line, column + 1), None)
    if shown[: len(shown) - len(shown.lstrip())].count("\t"):
        problem, hint = "a tab in the indentation", "YAML is indented with spaces only"
        column = shown.index("\t") + 1
    return Diagnostic("M001", Severity.ERROR, f"YAML does not parse: {problem}", Span(path, line, column, line, column + 1), hint)


def parse(text: str, path: str) -> tuple[Node | None, list[Diagnostic]]:
    """Parse one document; a syntax error gives (None, [the error]), an empty file (None, []).

    The findings are M001: syntax, duplicate keys, and what a definition file must not contain.
    """
    try:
        root = yaml.compose(text, Loader=_LOADER)
    except (yaml.YAMLError, RecursionError) as error:
        if isinstance(error, RecursionError):
            return None, [Diagnostic("M001", Severity.ERROR, "nested too deeply", Span.of_file(path))]
        return None, [_syntax_error(error, path, text)]
    if root is None:
        return None, []
    builder = _Builder(path, text)
    try:
        node = builder.build(root)
    except RecursionError:
        return None, [Diagnostic("M001", Severity.ERROR, "nested too deeply", Span.of_file(path))]
    return node, builder.findings


def scalar_regions(text: str) -> list[tuple[str, int, int, int, int]]:
    """Where texts stand that may hold a `#` which begins no comment: (style, line, column, end line, end column) of scalars with a style.

    Lines and columns count from 1, the end is exclusive; of a block scalar only what follows its first line counts. Stops where YAML
    breaks.
    """
    found = []
    try:
        for token in yaml.scan(text, Loader=_LOADER):
            if isinstance(token, yaml.ScalarToken) and token.style:
                start, end = token.start_mark, token.end_mark
                block = token.style in "|>"
                first = (start.line + 2, 1) if block else (start.line + 1, start.column + 1)
                found.append((str(token.style), *first, end.line + 1, end.column + 1))
    except yaml.YAMLError:
        pass
    return found
