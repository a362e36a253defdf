"""The compact list form, read as the full one: `metrics: [{name, type: counter, source_event, aggregation_field, ...}]`.

A counter is the sum of its field (`"1"` counts rows), a gauge its last value, a ratio and a composite an expression over `dependencies`.
Each rewritten key keeps the place of what it was written from.
"""

from __future__ import annotations

import re

from metricsctl.core.diagnostics import Severity
from metricsctl.definition.forms import Bad, Reader, Ref
from metricsctl.definition.records import note_missing
from metricsctl.definition.schema import Column, Source
from metricsctl.definition.source import Entry, ListNode, MapNode, Node, ScalarNode

__all__ = ["COMPACT_KEYS", "COMPACT_TYPES", "expand", "implied_sources", "is_compact"]

COMPACT_TYPES = ("counter", "gauge", "ratio", "composite")
COMPACT_KEYS = ("source_event", "aggregation_field", "dependencies", "expression")
_NAME = re.compile(r"[A-Za-z_]\w*\Z")
_QUOTIENT = re.compile(r"\s*([A-Za-z_]\w*)\s*/\s*([A-Za-z_]\w*)\s*\Z")


def is_compact(item: MapNode) -> bool:
    """Whether an entry of `metrics:` is written in the compact form."""
    kind = item.get("type")
    word = kind.text if isinstance(kind, ScalarNode) else ""
    return word in {"counter", "gauge", "composite"} or (word == "ratio" and any(item.get(key) is not None for key in COMPACT_KEYS))


def expand(item: MapNode, reader: Reader) -> MapNode:
    """A compact metric in the full form. Raises Bad, noted, for what the compact form itself lacks."""
    kind = item.get("type")
    assert isinstance(kind, ScalarNode)  # noqa: S101 - `is_compact` has seen it
    rows = kind.text in {"counter", "gauge"}
    needed = ("source_event", "aggregation_field") if rows else ("expression",) if kind.text == "composite" else ()
    missing = [name for name in needed if item.get(name) is None]
    for name in missing:
        note_missing(name, item, reader, f"a metric of the compact type {kind.text} needs it")
    for name in COMPACT_KEYS:
        if item.get(name) is not None and (name in COMPACT_KEYS[:2]) != rows:
            reader.note("M004", Severity.ERROR, f"'{name}' has no meaning here", item.key(name).span, f"a {kind.text} does not have it")
            missing.append(name)
    if missing:
        raise Bad
    kept = tuple(entry for entry in item.entries if entry.key.text not in {"type", *COMPACT_KEYS})
    return MapNode(item.span, (*kept, *(_rows(item, kind) if rows else _formula(item, kind, reader))))


def _entry(key: str, value: Node, place: Node) -> Entry:
    return Entry(ScalarNode(place.span, key, key, None), value)


def _word(text: str, place: Node) -> ScalarNode:
    return ScalarNode(place.span, text, text, None)


def _rows(item: MapNode, kind: ScalarNode) -> list[Entry]:
    """`simple`, with the aggregate that the type stands for."""
    event, field = item.get("source_event"), item.get("aggregation_field")
    assert event is not None and field is not None  # noqa: S101, PT018 - `expand` has checked it
    counts = kind.text == "counter" and isinstance(field, ScalarNode) and field.text == "1"
    agg = "count" if counts else "sum" if kind.text == "counter" else "last"
    entries = [_entry("type", _word("simple", kind), kind), _entry("source", event, event), _entry("agg", _word(agg, kind), kind)]
    return entries if counts else [*entries, _entry("expr", field, field)]


def _formula(item: MapNode, kind: ScalarNode, reader: Reader) -> list[Entry]:
    """`ratio` where it is one metric over another, else `derived`; the dependencies are its inputs."""
    expression, listed = item.get("expression"), item.get("dependencies")
    names = [node for node in listed.items if isinstance(node, ScalarNode)] if isinstance(listed, ListNode) else []
    if listed is not None and (not isinstance(listed, ListNode) or len(names) < len(listed.items)):
        raise reader.bad("'dependencies' is a list of metrics", listed)
    if expression is None:
        if len(names) != 2:
            place = listed or kind
            raise reader.bad("a ratio has two dependencies, or an expression", place, "dependencies: [numerator, denominator]", code="M003")
        parts = [(names[0], names[0]), (names[1], names[1])]
    elif isinstance(expression, ScalarNode) and kind.text == "ratio" and (found := _QUOTIENT.match(expression.text)):
        parts = [(ScalarNode(expression.span_of(*found.span(side)), found[side], found[side], None), expression) for side in (1, 2)]
        known = {node.text for node in names} or {found[1], found[2]}
        if known != {found[1], found[2]}:
            parts = []
    else:
        parts = []
    if parts:
        numerator, denominator = parts
        ratio = [_entry("type", _word("ratio", kind), kind)]
        return [*ratio, _entry("numerator", *numerator), _entry("denominator", *denominator)]
    assert expression is not None  # noqa: S101 - a ratio without one has two parts
    entries = [_entry("type", _word("derived", kind), kind), _entry("expr", expression, expression)]
    if names and listed is not None:
        entries.append(_entry("inputs", MapNode(listed.span, tuple(Entry(node, node) for node in names)), listed))
    return entries


def implied_sources(events: dict[str, tuple[Ref, list[ScalarNode]]], known: set[str], reader: Reader) -> list[Source]:
    """A source for each event that compact metrics name and nothing declares.

    Where its event time stands is not said, so that nothing can be counted from it: a finding tells.
    """
    sources = []
    for name, (ref, fields) in events.items():
        if name in known:
            continue
        message = f"the compact form does not say where the event time of '{name}' stands: its metrics are known, and not computed"
        reader.note("M006", Severity.WARNING, message, ref.span, f"declare '{name}' under `sources:` with its `time:` and `columns:`")
        columns = {node.text: node for node in fields if _NAME.match(node.text)}
        described = tuple(Column(name=Ref(text, node.span), type="double", span=node.span) for text, node in columns.items())
        sources.append(Source(name=ref, time=None, columns=described, implied=True, span=ref.span))
    return sources
