"""Rows and points of tests: events in, expected numbers out, each inline or in a file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from metricsctl.core.diagnostics import Span
from metricsctl.definition.forms import Bad, ListOf, MapOf, Reader, kind_of
from metricsctl.definition.records import note_missing
from metricsctl.definition.source import ListNode, MapNode, Node, ScalarNode
from metricsctl.definition.values import FREE, INSTANT, TEXT

__all__ = ["POINTS", "ROWS", "ExpectedPoint", "Points", "Rows"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ExpectedPoint:
    """A point that a test expects: the start of its window, its value (None: absent), and its dimensions."""

    time: dt.datetime
    value: float | None
    dimensions: Mapping[str, str | None]
    span: Span


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Rows:
    """Rows of a source: a list of mappings, or the path of a file."""

    def read(self, node: Node, reader: Reader) -> tuple[Mapping[str, Any], ...] | str:
        """The rows, or the path."""
        if isinstance(node, ScalarNode) and isinstance(node.value, str) and node.text:
            return TEXT.read(node, reader)
        if not isinstance(node, ListNode):
            raise reader.bad(f"expected {self.says()}, not {kind_of(node)}", node)
        return tuple(MapOf(FREE).read(item, reader) for item in node.items)

    def write(self, value: tuple[Mapping[str, Any], ...] | str) -> Any:
        """The same as plain data."""
        return value if isinstance(value, str) else [dict(row) for row in value]

    def says(self) -> str:
        """What is accepted."""
        return "list of rows, or the path of a file"

    def json_schema(self) -> dict[str, Any]:
        """Text, or a list of mappings."""
        return {"anyOf": [{"type": "string", "minLength": 1}, {"type": "array", "items": {"type": "object"}}]}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Points:
    """Expected points: a list of mappings with `time`, `value` and dimensions, or the path of a file."""

    def read(self, node: Node, reader: Reader) -> tuple[ExpectedPoint, ...] | str:
        """The points, or the path."""
        if isinstance(node, ScalarNode) and isinstance(node.value, str) and node.text:
            return TEXT.read(node, reader)
        points: tuple[ExpectedPoint, ...] = ListOf(_Point()).read(node, reader)
        if isinstance(node, ListNode) and len(points) < len(node.items):
            raise Bad
        return points

    def write(self, value: tuple[ExpectedPoint, ...] | str) -> Any:
        """The same as plain data."""
        return value if isinstance(value, str) else [_Point().write(point) for point in value]

    def says(self) -> str:
        """What is accepted."""
        return "list of points, or the path of a file"

    def json_schema(self) -> dict[str, Any]:
        """Text, or a list of points."""
        return {"anyOf": [{"type": "string", "minLength": 1}, {"type": "array", "items": _Point().json_schema()}]}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Point:
    """One expected point."""

    def read(self, node: Node, reader: Reader) -> ExpectedPoint:
        if not isinstance(node, MapNode):
            raise reader.bad(f"expected a point {{time, value}}, not {kind_of(node)}", node)
        time, value = node.get("time"), node.get("value")
        if time is None or value is None:
            note_missing("value" if time else "time", node, reader, "a point has `time:` and `value:`")
            raise Bad
        number = value.value if isinstance(value, ScalarNode) else value
        if isinstance(number, bool) or not isinstance(number, int | float | None):
            raise reader.bad(f"expected a number or null, not {kind_of(value)}", value)
        dimensions = {}
        for entry in node.entries:
            if entry.key.text not in {"time", "value"}:
                missing = isinstance(entry.value, ScalarNode) and entry.value.value is None
                dimensions[entry.key.text] = None if missing else TEXT.read(entry.value, reader)
        return ExpectedPoint(INSTANT.read(time, reader), number, dimensions, node.span)

    def write(self, value: ExpectedPoint) -> dict[str, Any]:
        return {"time": INSTANT.write(value.time), "value": value.value, **value.dimensions}

    def says(self) -> str:
        return "a point {time, value, ...}"

    def json_schema(self) -> dict[str, Any]:
        return {
            "type": "object",
            "properties": {"time": {**INSTANT.json_schema(), "description": "Start of its window."}, "value": {"type": ["number", "null"]}},
            "additionalProperties": {"type": ["string", "number", "boolean", "null"]},
            "required": ["time", "value"],
        }


ROWS, POINTS = Rows(), Points()
