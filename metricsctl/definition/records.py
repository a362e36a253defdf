"""Records of the language: a mapping with known keys, read into a frozen dataclass.

What is known of a key stands in the field's metadata; the loader, `docs/spec.md` and the JSON Schema are made from that.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from metricsctl.core.diagnostics import Severity, Span
from metricsctl.definition.forms import Bad, Form, Reader, kind_of
from metricsctl.definition.source import MapNode, Node, ScalarNode

__all__ = ["Key", "Placed", "Record", "When", "key", "keys_of", "note_missing", "read_record", "written"]


@dataclass(frozen=True, slots=True)
class When:
    """Another key of the same record has one of these words; `or_absent`: or is not given."""

    key: str
    words: tuple[str, ...]
    or_absent: bool = False

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Whether the keys that are given have it so."""
        return self.or_absent if self.key not in values else values[self.key] in self.words

    def __str__(self) -> str:
        return f"{self.key}: {' or '.join(self.words)}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Key:
    """A key of a record: its form and its meaning.

    `only` says with which words of another key it may stand at all, `needed` with which it must.
    """

    form: Form
    doc: str
    required: bool = False
    only: When | None = None
    needed: When | None = None

    @property
    def meaning(self) -> str:
        """What it means, and what it goes with."""
        return f"{self.doc} Only with `{self.only}`." if self.only else self.doc


def key(
    form: Form,
    doc: str,
    *,
    default: Any = dataclasses.MISSING,
    required: bool = False,
    only: When | None = None,
    needed: When | None = None,
) -> Any:
    """A dataclass field that is a key of the language."""
    spec = {"key": Key(form, doc, required, only, needed)}
    if required:
        return dataclasses.field(metadata=spec)
    if isinstance(default, dict):
        return dataclasses.field(default_factory=dict, metadata=spec)
    return dataclasses.field(default=None if default is dataclasses.MISSING else default, metadata=spec)


# no record is compared by value: without the generated methods the thirty classes import in half the time
@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Placed:
    """What every record has beside its keys: its place, and the places of its values."""

    ONE_OF: ClassVar[tuple[str, ...]] = ()
    """Keys of which a record has exactly one."""

    span: Span
    places: Mapping[str, Span] = field(default_factory=dict)

    def place(self, name: str) -> Span:
        """Where the value of a key stands, else the record itself."""
        return self.places.get(name, self.span)

    def to_dict(self) -> dict[str, Any]:
        """The keys that are written, as plain data."""
        return written(self)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Shape:
    """What is known of a record class, worked out once: `attributes` are the names of the fields (`from_` holds `from`)."""

    keys: Mapping[str, Key]
    attributes: Mapping[str, str]
    required: tuple[str, ...]
    conditional: tuple[tuple[str, Key], ...]


_shapes: dict[type, _Shape] = {}


def _shape(record: type) -> _Shape:
    known = _shapes.get(record)
    if known is None:
        fields: tuple[dataclasses.Field[Any], ...] = tuple(spec for spec in dataclasses.fields(record) if "key" in spec.metadata)
        keys = {spec.name.rstrip("_"): spec.metadata["key"] for spec in fields}
        known = _shapes[record] = _Shape(
            keys=keys,
            attributes={spec.name.rstrip("_"): spec.name for spec in fields},
            required=tuple(name for name, spec in keys.items() if spec.required),
            conditional=tuple((name, spec) for name, spec in keys.items() if spec.only or spec.needed),
        )
    return known


def keys_of(record: type) -> Mapping[str, Key]:
    """The keys of a record class, by the name they have in the YAML."""
    return _shape(record).keys


def written(record: Placed) -> dict[str, Any]:
    """The keys of a record that are written, as plain data that reads as the same record."""
    shape = _shape(type(record))
    return {name: spec.form.write(getattr(record, shape.attributes[name])) for name, spec in shape.keys.items() if name in record.places}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Record:
    """A mapping with known keys, read into a frozen dataclass."""

    cls: type
    short: str | None = None  # the key that a bare scalar stands for

    def read(self, node: Node, reader: Reader) -> Any:
        if self.short is not None and isinstance(node, ScalarNode) and node.text:
            inner = keys_of(self.cls)[self.short].form.read(node, reader)
            return self.cls(**{self.short: inner}, span=node.span, places={self.short: node.span})
        if not isinstance(node, MapNode):
            raise reader.bad(f"expected a mapping, not {kind_of(node)}", node)
        return read_record(self.cls, node, reader)

    def write(self, value: Placed) -> Any:
        return written(value)

    def says(self) -> str:
        inner = ", ".join(keys_of(self.cls))
        return ("name or {" if self.short else "{") + inner + "}"

    def json_schema(self) -> dict[str, Any]:
        from metricsctl.definition.jsonschema import record_schema

        full = record_schema(self.cls)
        return {"anyOf": [keys_of(self.cls)[self.short].form.json_schema(), full]} if self.short else full


def read_record(cls: type, node: MapNode, reader: Reader, others: Mapping[str, str] | None = None) -> Any:
    """Read a mapping into `cls`; every fault is noted before `Bad` is raised.

    `others` are keys that only records of other types have, with what they go with: the hint of an unknown key.
    """
    shape = _shape(cls)
    known, attributes = shape.keys, shape.attributes
    values: dict[str, Any] = {}
    places: dict[str, Span] = {}
    broken = False
    for entry in node.entries:
        name = entry.key.text
        spec = known.get(name)
        if spec is None:
            hint = f"it goes with {others[name]}" if others and name in others else None
            reader.unknown_key(entry.key, known, list(node.keys()), hint)
            continue
        places[name] = entry.value.span
        try:
            values[attributes[name]] = spec.form.read(entry.value, reader)
        except Bad:
            broken = True
    for name in shape.required:
        if name not in places:
            note_missing(name, node, reader, f"{name}: {known[name].form.says()}")
            broken = True
    if broken or not _fits_together(cls, node, values, places, reader):
        raise Bad
    return cls(**values, span=node.span, places=places)


def _fits_together(cls: type, node: MapNode, values: Mapping[str, Any], places: Mapping[str, Span], reader: Reader) -> bool:
    """Keys that need or exclude each other; every fault is noted."""
    before = len(reader.findings)
    for name, spec in _shape(cls).conditional:
        if spec.needed and name not in places and spec.needed.holds(values):
            note_missing(name, node, reader, f"{name}: {spec.form.says()}", f": {values[spec.needed.key]} needs it")
        elif spec.only and name in places and not spec.only.holds(values):
            reader.note("M004", Severity.ERROR, f"'{name}' has no meaning here", node.key(name).span, f"it goes with {spec.only}")
    one_of: tuple[str, ...] = getattr(cls, "ONE_OF", ())
    given = [name for name in one_of if name in places]
    if one_of and not given:
        note_missing(one_of[0], node, reader, f"give it {' or '.join(map(repr, one_of))}")
    for name in given[1:]:
        reader.note("M004", Severity.ERROR, f"'{name}' and '{given[0]}' exclude each other", node.key(name).span, "keep one of them")
    return len(reader.findings) == before


def note_missing(name: str, node: MapNode, reader: Reader, hint: str, why: str = "") -> None:
    """Note that a key is missing: at the name of what lacks it, else at its first key, a better place than its whole stretch."""
    called = node.get("name")
    if isinstance(called, ScalarNode) and called.text:
        message, span = f"missing key '{name}' of '{called.text}'", called.span
    elif node.entries:
        message, span = f"missing key '{name}' beside '{node.entries[0].key.text}'", node.entries[0].key.span
    else:
        message, span = f"missing key '{name}' in '{{}}'", node.span
    reader.note("M003", Severity.ERROR, message + why, span, hint)
