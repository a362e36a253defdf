"""The shapes that a value in the YAML may have.

A form knows three things about itself: how to read a node, how to say what it accepts, and its JSON Schema. The loader, the table in
`docs/spec.md` and `metricsctl schema project` are all made from these, so that they cannot disagree.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from metricsctl.core.diagnostics import Diagnostic, Edit, Fix, Severity, Span
from metricsctl.core.names import close_match, nearest
from metricsctl.definition.source import ListNode, MapNode, Node, ScalarNode, to_plain

__all__ = [
    "Bad",
    "Choice",
    "Flag",
    "Form",
    "Free",
    "ListOf",
    "MapOf",
    "Name",
    "Number",
    "OneOrMore",
    "Parsed",
    "Reader",
    "Ref",
    "Table",
    "Text",
    "kind_of",
]

T = TypeVar("T")
_TRAPS = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}


class Bad(Exception):  # noqa: N818 - internal: a value could not be read, and the finding is already noted
    """A value that could not be read."""


@dataclass(frozen=True, slots=True)
class Ref:
    """A name with its place."""

    name: str
    span: Span

    def __str__(self) -> str:
        return self.name

    def to_dict(self) -> str:
        """In reports a name is its text."""
        return self.name


class Table(dict[str, T]):
    """A mapping from free names, which knows where each of them stands."""

    __slots__ = ("places",)

    def __init__(self) -> None:
        super().__init__()
        self.places: dict[str, Span] = {}


_TRAP = re.compile(r"(?:(yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF)|[-+]?0[0-7]+|[-+]?[1-9][0-9]*(?::[0-5]?[0-9])+)\Z")
_TRAP_STARTS = frozenset("yYnNoO0123456789+-")


def replacement(node: ScalarNode, text: str) -> Fix:
    """The fix that writes another text in a scalar's place."""
    return Fix(f"write {text}", (Edit(node.span, text),))


@dataclass(slots=True)
class Reader:
    """Collects findings while a file is read.

    `dialect` is the SQL dialect of its expressions; `parses_sql` says whether they are parsed at once, so that a fault is a finding.
    """

    dialect: str = "duckdb"
    parses_sql: bool = True
    findings: list[Diagnostic] = field(default_factory=list)

    def note(self, code: str, severity: Severity, message: str, span: Span, hint: str | None = None, fix: Fix | None = None) -> None:
        """Remember a finding."""
        self.findings.append(Diagnostic(code, severity, message, span, hint, fix))

    def bad(self, message: str, node: Node, hint: str | None = None, code: str = "M004", fix: Fix | None = None) -> Bad:
        """Note an error and give the exception to raise."""
        self.note(code, Severity.ERROR, message, node.span, hint, fix)
        return Bad()

    def unknown_key(self, key: ScalarNode, known: Iterable[str], present: Iterable[str], hint: str | None = None) -> None:
        """Note a key that the language does not have; where just one that it has is near, and not there yet, the fix writes that."""
        meant = close_match(key.text, known) if hint is None else None
        fix = replacement(key, meant) if meant is not None and meant not in present else None
        self.note("M002", Severity.ERROR, f"unknown key '{key.text}'", key.span, hint or nearest(key.text, known), fix)

    def mind_trap(self, node: ScalarNode) -> None:
        """Warn of a plain text that readers of YAML 1.1 take for something else: NO for false, 0123 for 83, 1:30 for 90."""
        if node.style is None and node.text[:1] in _TRAP_STARTS and (found := _TRAP.match(node.text)):
            what = "true or false" if found[1] else "a number"
            message = f"'{node.text}' is text here, and {what} for readers of YAML 1.1"
            self.note("M005", Severity.WARNING, message, node.span, "quote it", replacement(node, f'"{node.text}"'))


class Form(Protocol):
    """What a value may be."""

    def read(self, node: Node, reader: Reader) -> Any:
        """The value, or `Bad` after a finding was noted."""

    def write(self, value: Any) -> Any:
        """A value that was read, as plain data that reads as the same again."""

    def says(self) -> str:
        """What is accepted, in a few words."""

    def json_schema(self) -> dict[str, Any]:
        """The same as JSON Schema (draft 2020-12)."""


def kind_of(node: Node) -> str:
    """What a node is, for a message."""
    if isinstance(node, MapNode):
        return "a mapping"
    if isinstance(node, ListNode):
        return "a list"
    return "nothing" if node.value is None else f"'{node.text}'"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Text:
    """Any text; numbers and booleans count as the text that was written. Read as `str`."""

    def read(self, node: Node, reader: Reader) -> str:
        if not isinstance(node, ScalarNode) or node.value is None:
            raise reader.bad(f"expected text, not {kind_of(node)}", node)
        reader.mind_trap(node)
        return node.text

    def write(self, value: Any) -> Any:
        return value

    def says(self) -> str:
        return "text"

    def json_schema(self) -> dict[str, Any]:
        return {"type": ["string", "number", "boolean"]}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Name:
    """A name that is defined here or refers to something. Read as `Ref`."""

    of: str = "name"

    def read(self, node: Node, reader: Reader) -> Ref:
        if not isinstance(node, ScalarNode) or node.value is None or not node.text:
            raise reader.bad(f"expected a name, not {kind_of(node)}", node)
        return Ref(node.text, node.span)

    def write(self, value: Ref) -> str:
        return value.name

    def says(self) -> str:
        return self.of if self.of == "name" else f"name of a {self.of}"

    def json_schema(self) -> dict[str, Any]:
        return {"type": ["string", "number", "boolean"], "minLength": 1}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Flag:
    """`true` or `false`."""

    def read(self, node: Node, reader: Reader) -> bool:
        if isinstance(node, ScalarNode) and isinstance(node.value, bool):
            return node.value
        trap = _TRAPS.get(node.text.lower()) if isinstance(node, ScalarNode) and node.style is None else None
        if trap:
            assert isinstance(node, ScalarNode)  # noqa: S101 - for the type checker: it has a text
            raise reader.bad(f"{kind_of(node)} is text in YAML 1.2", node, f"write {trap}", "M005", replacement(node, trap))
        raise reader.bad(f"expected true or false, not {kind_of(node)}", node)

    def write(self, value: Any) -> Any:
        return value

    def says(self) -> str:
        return "true or false"

    def json_schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Number:
    """A number within bounds; whole if `whole`."""

    low: float | None = None
    high: float | None = None
    whole: bool = False

    def read(self, node: Node, reader: Reader) -> float | int:
        value = node.value if isinstance(node, ScalarNode) else None
        if isinstance(value, bool) or not isinstance(value, int if self.whole else (int, float)) or not self._fits(value):
            raise reader.bad(f"expected {self.says()}, not {kind_of(node)}", node)
        return value

    def _fits(self, value: float) -> bool:
        too_low, too_high = self.low is not None and value < self.low, self.high is not None and value > self.high
        return math.isfinite(value) and not too_low and not too_high

    def write(self, value: Any) -> Any:
        return value

    def says(self) -> str:
        what = "a whole number" if self.whole else "a number"
        if self.low is not None and self.high is not None:
            return f"{what} from {self.low:g} to {self.high:g}"
        return what if self.low is None else f"{what} of at least {self.low:g}"

    def json_schema(self) -> dict[str, Any]:
        schema: dict[str, Any] = {"type": "integer" if self.whole else "number"}
        if self.low is not None:
            schema["minimum"] = self.low
        if self.high is not None:
            schema["maximum"] = self.high
        return schema


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Choice:
    """One of a few words."""

    words: tuple[str, ...]

    def read(self, node: Node, reader: Reader) -> str:
        if isinstance(node, ScalarNode) and node.text in self.words:
            return node.text
        hint = nearest(node.text, self.words) if isinstance(node, ScalarNode) and node.text else None
        raise reader.bad(f"expected {self.says()}, not {kind_of(node)}", node, hint if hint and hint.startswith("did") else None)

    def write(self, value: Any) -> Any:
        return value

    def says(self) -> str:
        return " \\| ".join(self.words).replace("\\|", "|")

    def json_schema(self) -> dict[str, Any]:
        return {"enum": list(self.words)}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Parsed:
    """Text that a function turns into a value; the function's ValueError is the finding."""

    what: str
    convert: Callable[[str], Any]
    pattern: str | None = None  # what every text that is read matches
    numbers: bool = False  # whether it may be written as a number too
    text_of: Callable[[Any], str] = str

    def read(self, node: Node, reader: Reader) -> Any:
        if not isinstance(node, ScalarNode) or node.value is None:
            raise reader.bad(f"expected {self.what}, not {kind_of(node)}", node)
        try:
            value = self.convert(node.text)
        except ValueError as error:
            raise reader.bad(str(error), node, f"expected {self.what}" if self.what not in str(error) else None) from error
        if self.pattern is not None and not re.fullmatch(self.pattern, node.text):
            raise reader.bad(f"expected {self.what}, not {kind_of(node)}", node)
        return value

    def write(self, value: Any) -> str:
        return self.text_of(value)

    def says(self) -> str:
        return self.what

    def json_schema(self) -> dict[str, Any]:
        text = {"type": "string"} if self.pattern is None else {"type": "string", "pattern": f"^(?:{self.pattern})$"}
        return {"anyOf": [{"type": "number", "minimum": 0}, text]} if self.numbers else text


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ListOf:
    """A list of one form."""

    item: Form

    def read(self, node: Node, reader: Reader) -> tuple[Any, ...]:
        if not isinstance(node, ListNode):
            raise reader.bad(
                f"expected a list, not {kind_of(node)}",
                node,
                f"write [{to_plain(node)}]" if isinstance(node, ScalarNode) and node.text else None,
            )
        return tuple(_read_each(self.item, node.items, reader))

    def write(self, value: tuple[Any, ...]) -> list[Any]:
        return [self.item.write(item) for item in value]

    def says(self) -> str:
        return f"list of {self.item.says()}"

    def json_schema(self) -> dict[str, Any]:
        return {"type": "array", "items": self.item.json_schema()}


def _read_each(form: Form, nodes: tuple[Node, ...], reader: Reader) -> list[Any]:
    values = []
    for node in nodes:
        try:
            values.append(form.read(node, reader))
        except Bad:
            continue
    return values


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class OneOrMore:
    """One value, or a list of them. Read as a tuple."""

    item: Form

    def read(self, node: Node, reader: Reader) -> tuple[Any, ...]:
        if isinstance(node, ListNode):
            return ListOf(self.item).read(node, reader)
        return (self.item.read(node, reader),)

    def write(self, value: tuple[Any, ...]) -> Any:
        written = [self.item.write(item) for item in value]
        return written[0] if len(written) == 1 else written

    def says(self) -> str:
        return f"{self.item.says()}, or a list of them"

    def json_schema(self) -> dict[str, Any]:
        one = self.item.json_schema()
        return {"anyOf": [one, {"type": "array", "items": one}]}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class MapOf:
    """A mapping from free names to one form."""

    value: Form

    def read(self, node: Node, reader: Reader) -> Table[Any]:
        if not isinstance(node, MapNode):
            raise reader.bad(f"expected a mapping, not {kind_of(node)}", node)
        values: Table[Any] = Table()
        for entry in node.entries:
            try:
                values[entry.key.text] = self.value.read(entry.value, reader)
            except Bad:
                continue
            reader.mind_trap(entry.key)
            values.places[entry.key.text] = entry.key.span
        return values

    def write(self, value: Mapping[str, Any]) -> dict[str, Any]:
        return {name: self.value.write(item) for name, item in value.items()}

    def says(self) -> str:
        return f"mapping of names to {self.value.says()}"

    def json_schema(self) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": self.value.json_schema()}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Free:
    """Anything: the one place where the language looks away."""

    def read(self, node: Node, reader: Reader) -> Any:  # noqa: ARG002 - a Form's signature
        return to_plain(node)

    def write(self, value: Any) -> Any:
        return value

    def says(self) -> str:
        return "anything"

    def json_schema(self) -> dict[str, Any]:
        return {}
