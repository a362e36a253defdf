"""JSON Schema of definition files, for editors; made from the same forms that read them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from metricsctl.definition.compact import COMPACT_TYPES
from metricsctl.definition.records import Key, When, keys_of
from metricsctl.definition.schema import METRIC_TYPES, SECTIONS, SINGULAR, Defaults

__all__ = ["project_schema", "record_schema"]

SECTION_DOCS = {
    "dimensions": "What metrics can be split by, said once where it is more than a column.",
    "sources": "Raw events: the roots of the graph.",
    "models": "Intermediate tables.",
    "metrics": "The numbers.",
    "exposures": "Who looks at metrics.",
    "calendar": "Known days: not alarmed on, not learned from.",
    "series": "Numbers that live elsewhere, brought as they are.",
    "tests": "What metrics must give for given events.",
}
_COMPACT_DOCS = {
    "source_event": "Of a counter or gauge: the source.",
    "aggregation_field": 'Of a counter or gauge: what is added up; "1" counts rows.',
    "expression": "Of a ratio or composite: an expression over metrics.",
}


_COMPACT_FILE = {"type": "array", "contains": {"$ref": "#/$defs/metric_compact"}}
"""A file that has a metric in the compact form needs no version."""


def record_schema(cls: type) -> dict[str, Any]:
    """JSON Schema of a record."""
    known = keys_of(cls)
    schema: dict[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: {**spec.form.json_schema(), "description": spec.meaning} for name, spec in known.items()},
    }
    required = [name for name, spec in known.items() if spec.required]
    if required:
        schema["required"] = required
    one_of: tuple[str, ...] = getattr(cls, "ONE_OF", ())
    if one_of:
        schema["oneOf"] = [{"required": [name]} for name in one_of]
    conditions = [rule for name, spec in known.items() for rule in _conditions(name, spec)]
    if conditions:
        schema["allOf"] = conditions
    return schema


def _conditions(name: str, spec: Key) -> Iterator[dict[str, Any]]:
    """What a key needs of another one."""
    if spec.needed is not None:
        yield {"if": _said(spec.needed), "then": {"required": [name]}}
    if spec.only is not None:
        yield {"if": _said(spec.only), "else": {"properties": {name: False}}}


def _said(when: When) -> dict[str, Any]:
    said: dict[str, Any] = {"properties": {when.key: {"enum": list(when.words)}}}
    return said if when.or_absent else said | {"required": [when.key]}


def _metric(kind: str) -> dict[str, Any]:
    """The schema of one metric type; `type` tells them apart, an alias by `alias_of`."""
    schema = record_schema(METRIC_TYPES[kind])
    if kind == "alias":
        return schema
    schema["properties"]["type"] = {"const": kind, "description": schema["properties"]["type"]["description"]}
    schema["required"] = ["type", *schema.get("required", [])]
    return schema


def _compact() -> dict[str, Any]:
    """The compact form of a metric."""
    schema = record_schema(METRIC_TYPES["alias"])
    del schema["properties"]["alias_of"]
    text = {"type": ["string", "number", "boolean"]}
    schema["properties"] |= {name: {**text, "description": doc} for name, doc in _COMPACT_DOCS.items()}
    schema["properties"] |= {
        "type": {"enum": list(COMPACT_TYPES), "description": "How it is made, in the compact form."},
        "dependencies": {"type": "array", "items": text, "description": "Of a ratio or composite: the metrics it is made of."},
    }
    schema["required"] = ["name", "type"]
    rows, formula = ["source_event", "aggregation_field"], ["dependencies", "expression"]
    two = {"minItems": 2, "maxItems": 2}
    counts = {"properties": {"type": {"enum": ["counter", "gauge"]}}}
    schema["allOf"] = [
        {
            "if": counts,
            "then": {"required": rows, "properties": dict.fromkeys(formula, False)},
            "else": {"properties": dict.fromkeys(rows, False)},
        },
        {"if": {"properties": {"type": {"const": "composite"}}}, "then": {"required": ["expression"]}},
        {
            "if": {"properties": {"type": {"const": "ratio"}}},
            "then": {"anyOf": [{"required": ["expression"]}, {"required": ["dependencies"], "properties": {"dependencies": two}}]},
        },
    ]
    return schema


def project_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a definition file."""
    sections = {
        name: {"type": ["array", "null"], "items": {"$ref": f"#/$defs/{SINGULAR[name]}"}, "description": SECTION_DOCS[name]}
        for name in SECTIONS
    }
    definitions = {SINGULAR[name]: record_schema(record) for name, record in SECTIONS.items() if name != "metrics"}
    definitions |= {f"metric_{kind}": _metric(kind) for kind in METRIC_TYPES} | {"metric_compact": _compact()}
    definitions["metric"] = {"oneOf": [{"$ref": f"#/$defs/metric_{kind}"} for kind in (*METRIC_TYPES, "compact")]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "metricsctl/project/v1",
        "title": "metricsctl definitions",
        "type": "object",
        "properties": {
            "version": {"const": 1, "description": "Version of the language."},
            "namespace": {"type": ["string", "number", "boolean"], "description": "Prefix of the project's names elsewhere."},
            "defaults": {**record_schema(Defaults), "description": "What holds in this file unless a record says otherwise."},
            **sections,
        },
        "anyOf": [{"required": ["version"]}, {"required": ["metrics"], "properties": {"metrics": _COMPACT_FILE}}],
        "additionalProperties": False,
    } | {"$defs": definitions}
