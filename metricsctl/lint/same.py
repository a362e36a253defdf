"""Which metrics are the same calculation.

Most metrics are told apart by the words that they are written in; canonical trees are made only of those that are not.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from metricsctl.definition.expression import Expression
from metricsctl.definition.formula import Term, formula
from metricsctl.definition.references import inputs_of
from metricsctl.definition.schema import Alias, Conversion, Cumulative, Derived, Input, Metric, Ratio, Simple
from metricsctl.lint.facts import Facts

__all__ = ["near_calculations", "resolved", "same_calculations"]

M = TypeVar("M", bound=Metric)

_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_WORD = re.compile(r"[A-Za-z_]\w*(?!\w*\s*\.\s*[A-Za-z_])|\d+(?:\.\d*)?")
_OPERATORS = frozenset(("and", "or", "not", "in", "between"))  # what one condition may have and another way to write it has not


def words_of(expression: Expression | None) -> frozenset[str]:
    """The words and numbers of an expression: the same for all ways to write it that `expression_key` takes for one."""
    return frozenset() if expression is None else _words(expression.text)


@functools.lru_cache(maxsize=65536)
def _words(text: str) -> frozenset[str]:
    if "--" in text or "/*" in text:
        text = _COMMENT.sub(" ", text)
    words = {word.lower() for word in _WORD.findall(text)}
    return frozenset(str(float(word)) if word[0].isdigit() else word for word in words if word not in _OPERATORS)


def resolved(facts: Facts, name: str) -> str:
    """The metric that a name means, through aliases."""
    metrics, seen = facts.project.metrics, set()
    while name not in seen and isinstance(metric := metrics.get(name), Alias):
        seen.add(name)
        name = metric.alias_of.name
    return name


def same_calculations(facts: Facts) -> Iterator[list[Metric]]:
    """Groups of metrics that compute the same from the same, each in the order of the files."""
    metrics = [metric for metric in facts.project.metrics.values() if not isinstance(metric, Alias)]
    for near in groups_of(metrics, lambda metric: _coarse(facts, metric)):
        yield from groups_of(near, lambda metric: _exact(facts, metric))


def groups_of(metrics: Iterable[M], key: Callable[[M], Any]) -> Iterator[list[M]]:
    """Those that share a key, where there are at least two."""
    found: dict[Any, list[M]] = {}
    for metric in metrics:
        found.setdefault(key(metric), []).append(metric)
    return (sorted(group, key=lambda metric: metric.span) for group in found.values() if len(group) > 1)


def _coarse(facts: Facts, metric: Metric) -> Any:
    zone = facts.project.zone_of(metric)
    if isinstance(metric, Simple):
        return "simple", zone, metric.source.name, metric.agg, words_of(metric.expr), words_of(metric.filter)
    inputs = frozenset(resolved(facts, item.metric.name) for item in inputs_of(metric).values())
    if isinstance(metric, Derived):
        # the names in it are those of its inputs, and do not matter
        return "derived", zone, inputs, frozenset(word for word in words_of(metric.expr) if word[0].isdigit())
    return metric.type, zone, inputs


def _exact(facts: Facts, metric: Metric) -> Any:
    if isinstance(metric, Simple):
        window = None if metric.window is None else (metric.window.size, metric.window.slide)
        stock = metric.semi_additive
        entities = None if stock is None else (stock.take, tuple(sorted(ref.name for ref in stock.per)), stock.carry)
        return metric.p, window, entities, _key(metric.expr), _key(metric.filter)
    if isinstance(metric, Ratio):
        return _input(facts, metric.numerator), _input(facts, metric.denominator), _key(metric.filter), metric.on_zero
    if isinstance(metric, Derived):
        names = {name: str(_input(facts, item)) for name, item in inputs_of(metric).items()}
        return _key(metric.expr, tuple(sorted(names.items()))), metric.on_zero
    if isinstance(metric, Cumulative):
        return resolved(facts, metric.metric.name), metric.to_date, metric.window, metric.start
    if isinstance(metric, Conversion):
        return metric.base.name, metric.convert.name, metric.entity.name, metric.within
    return metric.name.name


def _key(expression: Expression | None, names: tuple[tuple[str, str], ...] = ()) -> Any:
    if expression is None:
        return None
    from metricsctl.lineage.sql.canonical import expression_key

    return expression.dialect, expression_key(expression.text, expression.dialect, names)


def _input(facts: Facts, item: Input) -> Any:
    return resolved(facts, item.metric.name), _key(item.filter), item.offset


def near_calculations(facts: Facts) -> Iterator[tuple[Metric, Metric]]:
    """Pairs of simple metrics (the first of a group, another) that are written differently and give one number but in a corner case."""
    metrics = [metric for metric in facts.project.metrics.values() if isinstance(metric, Simple)]
    for near in groups_of(metrics, lambda metric: _coarser(facts, metric)):
        for group in groups_of(near, _loose):
            first = group[0]
            for metric in group[1:]:
                if metric.agg != first.agg or _exact(facts, metric) != _exact(facts, first):
                    yield first, metric


_NOISE = frozenset(("case", "when", "then", "else", "end", "coalesce", "ifnull", "null", "true", "false", "0.0", "1.0"))


def _coarser(facts: Facts, metric: Simple) -> Any:
    words = (words_of(metric.expr) | words_of(metric.filter)) - _NOISE
    return facts.project.zone_of(metric), metric.source.name, "count" if metric.agg == "sum" else metric.agg, words


def _loose(metric: Simple) -> Any:
    """What a simple metric computes, corner cases aside."""
    agg, value = metric.agg, None if metric.expr is None else formula(metric.expr.text, metric.expr.dialect)
    asked = [] if metric.filter is None else formula(metric.filter.text, metric.filter.dialect).terms_of("and")
    if value is not None and (found := _filtered(value, agg)) is not None:
        value, condition = found
        asked += condition.terms_of("and")
    if value is not None and agg == "sum" and value.kind == "call" and value.value == "coalesce" and value.parts[1:] == (_ZERO,):
        value = value.parts[0]
    if value is not None and (value.kind in {"number", "text", "bool"} if agg == "count" else (agg, value) == ("sum", _ONE)):
        agg, value = "count", None
    window = None if metric.window is None else (metric.window.size, metric.window.slide)
    return agg, metric.p, window, metric.semi_additive, value and _said(value), frozenset(_said(term) for term in asked)


_ZERO, _ONE, _NULL = Term("number", 0.0), Term("number", 1.0), Term("null")


def _filtered(value: Term, agg: str) -> tuple[Term, Term] | None:
    """What `CASE WHEN condition THEN x END` gives, and its condition; an ELSE must add nothing."""
    if value.kind != "case" or len(value.parts[-1].parts) != 1:
        return None
    results = value.parts[:-1]
    if len(results) == 1 or (len(results) == 2 and (results[1] == _NULL or (agg == "sum" and results[1] == _ZERO))):
        return results[0], value.parts[-1].parts[0]
    return None


_TURNED = {">": "<", ">=": "<="}
_EITHER_WAY = frozenset(("=", "<>", "+", "*", "and", "or"))


def _said(term: Term) -> str:
    """A term as text: the same whichever way round it is written, and in whichever case its texts are."""
    if term.kind == "text":
        return repr(str(term.value).strip().casefold())
    if term.kind == "=" and Term("bool", value=True) in term.parts:
        return _said(next((part for part in term.parts if part.kind != "bool"), term.parts[0]))
    parts = [_said(part) for part in term.parts]
    kind = _TURNED.get(term.kind, term.kind)
    if kind != term.kind:
        parts.reverse()
    if kind in _EITHER_WAY:
        parts.sort()
    elif kind == "in":
        parts[1:] = sorted(set(parts[1:]))
        if len(parts) == 2:
            return f"(= {' '.join(sorted(parts))})"
    name = str(term.value).lower() if term.kind == "name" else str(term.value)
    return f"({kind} {name} {' '.join(parts)})" if parts else f"{kind}:{name}"
