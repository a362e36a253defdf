"""The table of categories: what a change of each aspect of each kind of node is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from metricsctl.diff.change import Category

__all__ = ["category_of", "is_meta"]

Rule = Category | Callable[[Any, Any], Category]


def _breaking_unless_new(before: Any, after: Any) -> Category:
    """Saying what was left open before is no break."""
    del after
    return Category.GOVERNANCE if before is None else Category.BREAKING


def _list(before: Any, after: Any) -> Category:
    """A list that something was taken from breaks whoever used it."""
    return Category.BREAKING if set(before or ()) - set(after or ()) else Category.ADDITIVE


def _grain(before: Any, after: Any) -> Category:
    return Category.BREAKING if after.microseconds > before.microseconds else Category.ADDITIVE


_WIDER = {("integer", "bigint"), ("integer", "double"), ("bigint", "double"), ("date", "timestamp")}


def _type(before: Any, after: Any) -> Category:
    """A wider type takes values that were rejected before; any other refuses or changes some."""
    return Category.SEMANTIC if (before, after) in _WIDER else Category.BREAKING


def _uses(before: Any, after: Any) -> Category:
    return Category.GOVERNANCE if set(before or ()) - set(after or ()) else Category.ADDITIVE


_B, _S, _G, _A, _C = Category.BREAKING, Category.SEMANTIC, Category.GOVERNANCE, Category.ADDITIVE, Category.COSMETIC
_SHARED: dict[str, Rule] = {
    **dict.fromkeys(("owner", "tier", "tags", "produced_by", "entities", "retain"), _G),
    **dict.fromkeys(("label", "description", "meta", "url"), _C),
}
_METRIC: dict[str, Rule] = {
    **dict.fromkeys(("deprecated", "direction", "bounds", "version", "sla", "watch", "rollup"), _G),
    "type": _B,
    "unit": _breaking_unless_new,
    "dimensions": _list,
    "grain": _grain,
}
# what a source or model lists is inherited by metrics, which have their own changes then
_SOURCE: dict[str, Rule] = {"time": _B, "zone": _B, "dimensions": _uses}
_MODEL: dict[str, Rule] = {"grain": _breaking_unless_new, "dimensions": _uses}
_COLUMN: dict[str, Rule] = {"type": _type, "unit": _breaking_unless_new, "pii": _G, "accepted": _G}
_DIMENSION: dict[str, Rule] = {"max_values": _G}
_EXPOSURE: dict[str, Rule] = {"uses": _uses, "by": _uses, **dict.fromkeys(("kind", "role", "grain"), _G)}
_KINDS = {"metric": _METRIC, "source": _SOURCE, "model": _MODEL, "column": _COLUMN, "dimension": _DIMENSION, "exposure": _EXPOSURE}


def category_of(kind: str, aspect: str, before: Any, after: Any) -> Category:
    """The category of a change of one aspect from one key to another; what the table does not name moves values.

    >>> category_of("metric", "filter", None, "x"), category_of("column", "type", "integer", "bigint")
    (<Category.SEMANTIC: 'semantic'>, <Category.SEMANTIC: 'semantic'>)
    >>> category_of("metric", "dimensions", ["country"], []), category_of("source", "owner", "a", "b")
    (<Category.BREAKING: 'breaking'>, <Category.GOVERNANCE: 'governance'>)
    """
    rule = _rule(kind, aspect)
    return rule if isinstance(rule, Category) else rule(before, after)


def is_meta(kind: str, aspect: str) -> bool:
    """Whether an aspect never has to do with values."""
    rule = _rule(kind, aspect)
    return isinstance(rule, Category) and not rule.moves


def _rule(kind: str, aspect: str) -> Rule:
    return _KINDS[kind].get(aspect) or _SHARED.get(aspect, Category.SEMANTIC)
