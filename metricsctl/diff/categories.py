"""The table of categories: what a change of each aspect of each kind of node is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from metricsctl.diff.change import Category

__all__ = ["KINDS", "category_of", "is_meta", "tells_value"]

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
    **dict.fromkeys(("owner", "tier", "tags"), _G),
    **dict.fromkeys(("label", "description", "meta"), _C),
}
_SETTINGS = ("deprecated", "direction", "bounds", "version", "sla", "watch", "rollup")
_SAYS = ("expr", "agg", "p", "exact", "approximate", "filter", "window", "semi_additive", "fill", "on_zero", "timezone", "week_start")
_STANDS_ON = ("source", "numerator", "denominator", "alias_of", "metric", "to_date", "start", "base", "convert", "entity", "within")
# what a source or model lists is inherited by metrics, which have their own changes then
KINDS: Mapping[str, Mapping[str, Rule]] = {
    "metric": {
        **_SHARED,
        **dict.fromkeys(_SETTINGS, _G),
        **dict.fromkeys((*_SAYS, *_STANDS_ON), _S),
        "type": _B,
        "unit": _breaking_unless_new,
        "dimensions": _list,
        "grain": _grain,
    },
    "source": {
        **_SHARED,
        **dict.fromkeys(("produced_by", "retain"), _G),
        **dict.fromkeys(("lateness", "max_ahead", "min_time", "key", "dedup", "match", "entities"), _S),
        **dict.fromkeys(("time", "timezone"), _B),
        "dimensions": _uses,
    },
    "model": {
        **_SHARED,
        **dict.fromkeys(("time", "session", "static", "entities"), _S),
        "produced_by": _G,
        "grain": _breaking_unless_new,
        "dimensions": _uses,
    },
    "column": {"type": _type, "unit": _breaking_unless_new, "pii": _G, "accepted": _G, "description": _C},
    "dimension": {"expr": _S, "owner": _G, "max_values": _G, "description": _C},
    "exposure": {
        **_SHARED,
        **dict.fromkeys(("good", "total", "objective", "window", "filter"), _S),
        **dict.fromkeys(("kind", "role", "grain"), _G),
        **dict.fromkeys(("uses", "by"), _uses),
        "url": _C,
    },
    "calendar": {**dict.fromkeys(("from", "to", "affects", "effect", "timezone"), _G), "description": _C},
    "series": {
        **_SHARED,
        **dict.fromkeys(("path", "time", "value", "grain", "metric", "timezone"), _S),
        **dict.fromkeys(("restates", "direction"), _G),
        "unit": _breaking_unless_new,
        "by": _list,
    },
}
"""What a change of each key of each kind of definition is."""
_BY_NAME = {"entities"}  # metrics that use one follow it themselves


def category_of(kind: str, aspect: str, before: Any, after: Any) -> Category:
    """The category of a change of one aspect from one key to another; KeyError for one that the table does not name.

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


def tells_value(kind: str, aspect: str) -> bool:
    """Whether numbers may depend on an aspect.

    >>> tells_value("metric", "fill"), tells_value("metric", "owner"), tells_value("source", "dimensions")
    (True, False, False)
    """
    return not is_meta(kind, aspect) and aspect not in _BY_NAME and KINDS[kind][aspect] is not _uses


def _rule(kind: str, aspect: str) -> Rule:
    return KINDS[kind][aspect]
