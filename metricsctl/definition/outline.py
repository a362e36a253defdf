"""The names in definition files, without reading what they mean: for completion, which must not wait."""

from __future__ import annotations

from collections.abc import Iterable

from metricsctl.definition.source import ListNode, MapNode, Node, ScalarNode, parse

__all__ = ["outline"]


def outline(texts: Iterable[str]) -> dict[str, list[str]]:
    """The names of each section, variants of metrics among them, sorted; what does not parse is passed over."""
    found: dict[str, set[str]] = {}
    for text in texts:
        root, _ = parse(text, "")
        for entry in root.entries if isinstance(root, MapNode) else ():
            if isinstance(entry.value, ListNode):
                found.setdefault(entry.key.text, set()).update(name for item in entry.value.items for name in _names(item))
    return {section: sorted(names) for section, names in sorted(found.items())}


def _names(item: Node) -> list[str]:
    name = item.get("name") if isinstance(item, MapNode) else None
    if not isinstance(item, MapNode) or not isinstance(name, ScalarNode):
        return []
    variants = item.get("variants")
    return [name.text, *(f"{name.text}.{key}" for key in (variants.keys() if isinstance(variants, MapNode) else ()))]
