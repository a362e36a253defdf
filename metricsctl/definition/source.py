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
_STR = "tag:yaml.org,2002:str"
_MAP, _SEQ = "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"
_COLLECTION_TAGS = {_MAP, _SEQ}
_QUOTES = {"'", '"'}
_INT = re.compile(r"[-+]?[0-9]+\Z|0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_WORDS: dict[str, Any] = {"": None, "~": None, "null": None, "true": True, "false": False}
_TAGS = {"str", "int", "float", "bool", "null", "map", "seq", "timestamp", "merge", "value", "yaml", "!"}
_SPECIAL = {f"{sign}{word}": float(f"{sign}{word[1:]}") for sign in ("", "-", "+") for word in (".inf", ".Inf", ".INF")}
_SPECIAL |= {word: float("nan") for word in (".nan", ".NaN", ".NAN")}
_MAX_DIGITS = 300  # a longer number is text to Python too, and none of ours
_FOREIGN_BREAKS = re.compile("[\x85\u2028\u2029]")
_MAYBE_NOT_TEXT = frozenset("+-.0123456789~nNtTfF")
MAX_VALUES = 1_000_000


class _Loader(_BASE):  # type: ignore[misc]
    """PyYAML's composer without its own guesses at types, which are those of YAML 1.1 and cost a third of its time."""

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> str:  # noqa: ARG002 - a composer's signature
        """The tag of what has none: "" for a scalar, so that it is told from one with a tag."""
        return "" if kind is yaml.ScalarNode else _MAP if kind is yaml.MappingNode else _SEQ

    def descend_resolver(self, parent: Any, index: Any) -> None:
        """No tag depends on the path."""

    def ascend_resolver(self) -> None:
        """No tag depends on the path."""


# the nodes are not frozen, though nobody changes them: 5,000 metrics have a hundred thousand, and freezing doubles what they cost
@dataclass(slots=True, eq=False, repr=False)
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


@dataclass(slots=True, eq=False, repr=False)
class Entry:
    """A key of a mapping and its value."""

    key: ScalarNode
    value: Node


@dataclass(slots=True, eq=False, repr=False)
class MapNode:
    """A mapping, in the order of the file."""

    span: Span
    entries: tuple[Entry, ...]

    def get(self, key: str) -> Node | None:
        """The value under `key`."""
        return next((entry.value for entry in self.entries if entry.key.text == key), None)

    def key(self, key: str) -> ScalarNode:
        """The key itself. Raises StopIteration if it is not there."""
        return next(entry.key for entry in self.entries if entry.key.text == key)

    def keys(self) -> Iterator[str]:
        """The keys as text."""
        return (entry.key.text for entry in self.entries)


@dataclass(slots=True, eq=False, repr=False)
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
    if text and text[0] not in _MAYBE_NOT_TEXT:
        return text
    lowered = text if text in _WORDS else text.lower()
    if lowered in _WORDS and (text in {lowered, lowered.capitalize(), lowered.upper()}):
        return _WORDS[lowered]
    if len(text) > _MAX_DIGITS:
        return text
    if text in _SPECIAL:
        return _SPECIAL[text]
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
    """Turns PyYAML's nodes into ours. Where there are aliases it counts what they multiply to, before anyone reads it."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.lines = text.split("\n")
        self.findings: list[Diagnostic] = []
        self.has_aliases = "&" in text and "*" in text
        self.built: dict[int, tuple[Node, int] | None] = {}  # by the id of PyYAML's node: ours and its size; None while it is being built

    def error(self, message: str, span: Span, hint: str | None = None) -> None:
        self.findings.append(Diagnostic("M001", Severity.ERROR, message, span, hint))

    def root(self, node: yaml.Node) -> Node:
        """The whole document; an empty scalar where its aliases make too much of it."""
        if not self.has_aliases:
            return self.build(node)
        tree, size = self.counted(node)
        if size > MAX_VALUES:
            self.findings = [item for item in self.findings if "alias" in item.message]
            self.error(
                f"aliases make {size:,} values of this file", Span.of_file(self.path), "write the values out, or put them in several files"
            )
            return ScalarNode(tree.span, "", None, None)
        return tree

    def counted(self, node: yaml.Node) -> tuple[Node, int]:
        """A node of a document with aliases, built once, and how many values it stands for."""
        key = id(node)
        if key in self.built:
            known = self.built[key]
            if known is not None:
                return known
            span = self.span(node)
            self.error("an alias that contains itself", span)
            return ScalarNode(span, "", None, None), 1
        self.built[key] = None
        tree = self.build(node)
        parts = () if isinstance(node, yaml.ScalarNode) else node.value
        inner = (item for part in parts for item in (part if isinstance(part, tuple) else (part,)))
        size = 1 + sum(known[1] for item in inner if (known := self.built.get(id(item))) is not None)
        self.built[key] = tree, size
        return tree, size

    def child(self, node: yaml.Node) -> Node:
        return self.counted(node)[0] if self.has_aliases else self.build(node)

    def build(self, node: yaml.Node) -> Node:
        """One node, its children included."""
        if isinstance(node, yaml.ScalarNode):
            return self.scalar(node)
        span = self.span(node)
        if node.tag not in _COLLECTION_TAGS:
            self.check_tag(node, span)
        if isinstance(node, yaml.SequenceNode):
            return ListNode(span, tuple([self.child(item) for item in node.value]))
        entries: dict[str, Entry] = {}
        for key_node, value_node in node.value:
            key = self.child(key_node)
            if not isinstance(key, ScalarNode):
                self.error("a key must be plain text", key.span)
            elif key.text in entries:
                first = entries[key.text].key.span
                self.error(f"duplicate key '{key.text}'", key.span, f"first on line {first.line}: keep one of them")
            else:
                entries[key.text] = Entry(key, self.child(value_node))
        return MapNode(span, tuple(entries.values()))

    def scalar(self, node: yaml.ScalarNode) -> ScalarNode:
        text, style, start, end = node.value, node.style or None, node.start_mark, node.end_mark
        if style is None or style in _QUOTES:
            span = Span(self.path, start.line + 1, start.column + 1, end.line + 1, end.column + 1)
            if start.line >= len(self.lines):  # nothing at all, after a text that ends without a line end
                last = len(self.lines)
                span = Span(self.path, last, len(self.lines[-1]) + 1, last, len(self.lines[-1]) + 1)
            if node.tag:
                return ScalarNode(span, text, self.tagged(node, span), style)
            return ScalarNode(span, text, plain_value(text) if style is None else text, style)
        line = max(end.line - 1, start.line)
        column = len(self.lines[line]) if line < len(self.lines) else 0
        span = Span(self.path, start.line + 1, start.column + 1, line + 1, column + 1)
        if node.tag:
            self.tagged(node, span)
        body = self.lines[span.line] if style == "|" and span.line < len(self.lines) else ""
        return ScalarNode(span, text, text, style, len(body) - len(body.lstrip(" ")))

    def span(self, node: yaml.Node) -> Span:
        """The place of a collection; a block one ends where the next thing begins, which is not its own."""
        start, end = node.start_mark, node.end_mark
        line, column = end.line, end.column
        if not isinstance(node, yaml.ScalarNode) and column == 0 and line > start.line:
            line -= 1
            while line > start.line and not self.lines[line].strip():
                line -= 1
            column = len(self.lines[line].rstrip())
        return Span(self.path, start.line + 1, start.column + 1, line + 1, column + 1)

    def tagged(self, node: yaml.ScalarNode, span: Span) -> Any:
        """The value of a scalar with a tag: `!!str 5` is text, `!!int "5"` is a number."""
        self.check_tag(node, span)
        return node.value if node.tag in {_STR, "!"} else plain_value(node.value)

    def check_tag(self, node: yaml.Node, span: Span) -> None:
        """A tag that somebody wrote: only those of plain data are taken, and nothing is ever made of one."""
        if node.tag.removeprefix("tag:yaml.org,2002:") not in _TAGS:
            self.error(f"the tag '{node.tag}' is not supported", span, "write the plain value")


def _foreign_break(text: str, place: int, path: str) -> Diagnostic:
    """A character that ends a line in YAML 1.1, as the parser reads it, and in nobody's editor."""
    line, column = text.count("\n", 0, place) + 1, place - text.rfind("\n", 0, place)
    code = f"{ord(text[place]):04X}"
    hint = f'write it as "\\u{code.lower()}" in double quotes, or leave it out'
    return Diagnostic("M001", Severity.ERROR, f"the line separator U+{code}", Span(path, line, column, line, column + 1), hint)


def _syntax_error(error: yaml.YAMLError, path: str, text: str) -> Diagnostic:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    lines = text.split("\n")
    problem = getattr(error, "problem", None) or str(error).split("\n", 1)[0]
    hint = None
    if line > len(lines):  # where a text ends without a line end, the parser counts one more
        line, column = len(lines), len(lines[-1]) + 1
    shown = lines[line - 1]
    column = min(column, len(shown) + 1)
    if "another document" in problem:
        problem, hint = "a second document in one file", "put it in a file of its own"
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
    foreign = _FOREIGN_BREAKS.search(text)
    if foreign is not None:
        return None, [_foreign_break(text, foreign.start(), path)]
    try:
        root = yaml.compose(text, Loader=_Loader)
    except (yaml.YAMLError, RecursionError) as error:
        if isinstance(error, RecursionError):
            return None, [Diagnostic("M001", Severity.ERROR, "nested too deeply", Span.of_file(path))]
        return None, [_syntax_error(error, path, text)]
    if root is None:
        return None, []
    builder = _Builder(path, text)
    try:
        node = builder.root(root)
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
        for token in yaml.scan(text, Loader=_Loader):
            if isinstance(token, yaml.ScalarToken) and token.style:
                start, end = token.start_mark, token.end_mark
                block = token.style in "|>"
                first = (start.line + 2, 1) if block else (start.line + 1, start.column + 1)
                found.append((str(token.style), *first, end.line + 1, end.column + 1))
    except yaml.YAMLError:
        pass
    return found
