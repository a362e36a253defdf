"""JSON Schema of definition files, for editors; made from the same forms that read them."""

from __future__ import annotations

from typing import Any

from metricsctl.definition.records import record_schema
from metricsctl.definition.schema import LATER_SECTIONS, METRIC_TYPES, SECTIONS, Defaults

__all__ = ["project_schema"]

_SECTION_DOCS = {
    "dimensions": "What metrics can be split by, said once where it is more than a column.",
    "sources": "Raw events: the roots of the graph.",
    "models": "Intermediate tables.",
    "metrics": "The numbers.",
    "exposures": "Who looks at metrics.",
}


def _metric(kind: str) -> dict[str, Any]:
    """The schema of one metric type; `type` tells them apart, an alias by `alias_of`."""
    schema = record_schema(METRIC_TYPES[kind])
    if kind == "alias":
        return schema
    schema["properties"]["type"] = {"const": kind, "description": schema["properties"]["type"]["description"]}
    schema["required"] = ["type", *schema.get("required", [])]
    if kind == "simple":
        schema["allOf"] = _aggregate_rules()
    return schema


def _aggregate_rules() -> list[dict[str, Any]]:
    """`expr` goes with every aggregate but count, `p` with percentile alone."""
    percentile = {"properties": {"agg": {"const": "percentile"}}}
    count = {"properties": {"agg": {"const": "count"}}}
    return [
        {"if": count, "else": {"required": ["expr"]}},
        {"if": percentile, "then": {"required": ["p"]}, "else": {"properties": {"p": False}}},
    ]


def _model(schema: dict[str, Any]) -> dict[str, Any]:
    """A model has one statement: inline, in a file, or (later) session windows."""
    return {**schema, "oneOf": [{"required": [name]} for name in ("sql", "sql_file", "session")]}


def project_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a definition file."""
    sections = {
        name: {"type": ["array", "null"], "items": {"$ref": f"#/$defs/{name.rstrip('s')}"}, "description": _SECTION_DOCS[name]}
        for name in SECTIONS
    }
    definitions = {name.rstrip("s"): record_schema(record) for name, record in SECTIONS.items() if name != "metrics"}
    definitions["model"] = _model(definitions["model"])
    definitions |= {f"metric_{kind}": _metric(kind) for kind in METRIC_TYPES}
    definitions["metric"] = {"oneOf": [{"$ref": f"#/$defs/metric_{kind}"} for kind in METRIC_TYPES]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "metricsctl/project/v1",
        "title": "metricsctl definitions",
        "type": "object",
        "properties": {
            "version": {"const": 1, "description": "Version of the language."},
            "namespace": {"type": "string", "description": "Prefix of the project's names elsewhere."},
            "defaults": {**record_schema(Defaults), "description": "What holds in this file unless a record says otherwise."},
            **sections,
            **{name: {"type": ["array", "null"], "description": "Not supported yet."} for name in LATER_SECTIONS},
        },
        "required": ["version"],
        "additionalProperties": False,
    } | {"$defs": definitions}
