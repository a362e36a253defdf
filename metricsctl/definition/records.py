"""Records of the language: a mapping with known keys, read into a frozen dataclass.

What is known of a key stands in the field's metadata; the loader, `docs/spec.md` and the JSON Schema are made from that.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from metricsctl.core.diagnostics import Severity, Span
from metricsctl.core.names import nearest
from metricsctl.definition.forms import Bad, Form, Reader, kind_of
from metricsctl.definition.source import MapNode, Node, ScalarNode

__all__ = ["Key", "Record", "key", "keys_of", "read_record", "record_schema"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Key:
    """A key of a record: its form, its meaning, and what happens where it is not built yet.

    `later` is "" for what is built, "key" where the key alone is left out (nothing it says changes a number), "node" where the whole
    record is.
    """

    form: Form
    doc: str
    required: bool = False
    later: str = ""
    says: str = ""


def key(form: Form, doc: str, *, default: Any = dataclasses.MISSING, required: bool = False, later: str = "", says: str = "") -> Any:
    """A dataclass field that is a key of the language."""
    spec = {"key": Key(form, doc, required, later, says)}
    if required:
        return dataclasses.field(metadata=spec)
    if isinstance(default, dict):
        return dataclasses.field(default_factory=dict, metadata=spec)
    return dataclasses.field(default=None if default is dataclasses.MISSING else default, metadata=spec)


def keys_of(record: type) -> dict[str, Key]:
    """The keys of a record class, by the name they have in the YAML (`from_` is `from`)."""
    fields: tuple[dataclasses.Field[Any], ...] = dataclasses.fields(record)
    return {spec.name.rstrip("_"): spec.metadata["key"] for spec in fields if "key" in spec.metadata}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Record:
    """A mapping with known keys, read into a frozen dataclass which also has `span` and `places` (key -> place of its value)."""

    cls: type
    short: str | None = None  # the key that a bare scalar stands for

    def read(self, node: Node, reader: Reader) -> Any:
        if self.short is not None and isinstance(node, ScalarNode) and node.text:
            inner = keys_of(self.cls)[self.short].form.read(node, reader)
            return self.cls(**{self.short: inner}, span=node.span, places={self.short: node.span})
        if not isinstance(node, MapNode):
            raise reader.bad(f"expected a mapping, not {kind_of(node)}", node)
        return read_record(self.cls, node, reader)

    def says(self) -> str:
        inner = ", ".join(keys_of(self.cls))
        return ("name or {" if self.short else "{") + inner + "}"

    def json_schema(self) -> dict[str, Any]:
        full = record_schema(self.cls)
        return {"anyOf": [{"type": "string"}, full]} if self.short else full


def read_record(cls: type, node: MapNode, reader: Reader) -> Any:
    """Read a mapping into `cls`; every fault is noted before `Bad` is raised."""
    known = keys_of(cls)
    values: dict[str, Any] = {}
    places: dict[str, Span] = {}
    broken = False
    for entry in node.entries:
        name = entry.key.text
        spec = known.get(name)
        if spec is None:
            reader.note("M002", Severity.ERROR, f"unknown key '{name}'", entry.key.span, nearest(name, known))
            continue
        places[name] = entry.value.span
        if spec.later:
            left = "its record is left out" if spec.later == "node" else "the key is left out"
            reader.note("M006", Severity.WARNING, f"'{name}' is not supported yet: {left}", entry.key.span)
            broken = broken or spec.later == "node"
            continue
        try:
            values[name if name.isidentifier() and name != "from" else name + "_"] = spec.form.read(entry.value, reader)
        except Bad:
            broken = True
    for name, spec in known.items():
        if spec.required and name not in places:
            reader.note("M003", Severity.ERROR, f"missing key '{name}'", _head(node), f"{name}: {spec.says or spec.form.says()}")
            broken = True
    if broken:
        raise Bad
    return cls(**values, span=node.span, places=places)


def _head(node: MapNode) -> Span:
    """The first key of a mapping, a better place to point at than its whole stretch."""
    return node.entries[0].key.span if node.entries else node.span


def record_schema(cls: type) -> dict[str, Any]:
    """JSON Schema of a record."""
    known = keys_of(cls)
    schema: dict[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: {**spec.form.json_schema(), "description": spec.doc} for name, spec in known.items()},
    }
    required = [name for name, spec in known.items() if spec.required]
    if required:
        schema["required"] = required
    return schema
