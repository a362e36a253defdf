"""What conditions say of the values of a column: whether one follows from another, whether they can hold at all.

Only what holds under SQL's three-valued logic is concluded: a row for which a condition is NULL is not taken, so of the terms that AND
joins each may be used for itself, and nothing is said of what OR joins.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from metricsctl.definition.formula import Term

__all__ = ["Condition", "conditions", "implies", "never", "truth"]

Value = float | str | bool
_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "<>": "<>"}


@dataclass(frozen=True, slots=True)
class Condition:
    """One of the terms that AND joins, as far as it is understood.

    `column` is "" where it is not. `among` are the only values allowed, `without` those that are not; `low` and `high` are bounds of a
    number, `open` says which of them are not reached themselves ("l", "h"). `is_null` is None where nothing is said.
    """

    term: Term
    column: str = ""
    among: frozenset[Value] | None = None
    without: frozenset[Value] = frozenset()
    low: float = -math.inf
    high: float = math.inf
    open: str = ""
    is_null: bool | None = False


def conditions(term: Term) -> list[Condition]:
    """The terms that AND joins in a filter."""
    return [_condition(part) for part in term.terms_of("and")]


def _condition(term: Term) -> Condition:
    if term.kind == "name":
        return Condition(term, str(term.value), among=frozenset({True}))
    if term.kind == "not" and term.parts[0].kind == "name":
        return Condition(term, str(term.parts[0].value), among=frozenset({False}))
    if term.kind == "is null" and term.parts[0].kind == "name":
        return Condition(term, str(term.parts[0].value), is_null=True)
    if term.kind == "not" and term.parts[0].kind == "is null" and term.parts[0].parts[0].kind == "name":
        return Condition(term, str(term.parts[0].parts[0].value))
    if term.kind == "in" and term.parts[0].kind == "name" and all(_is_literal(part) for part in term.parts[1:]):
        return Condition(term, str(term.parts[0].value), among=frozenset(_value(part) for part in term.parts[1:]))
    if term.kind == "between" and term.parts[0].kind == "name" and all(part.kind == "number" for part in term.parts[1:]):
        low, high = (float(part.value or 0) for part in term.parts[1:])
        return Condition(term, str(term.parts[0].value), low=low, high=high)
    return _comparison(term) or Condition(term, is_null=None)


def _comparison(term: Term) -> Condition | None:
    if term.kind not in _FLIPPED:
        return None
    left, right = term.parts
    kind = term.kind
    if _is_literal(left) and right.kind == "name":
        left, right, kind = right, left, _FLIPPED[kind]
    if left.kind != "name" or not _is_literal(right):
        return None
    name, value = str(left.value), _value(right)
    if kind == "=":
        return Condition(term, name, among=frozenset({value}))
    if kind == "<>":
        return Condition(term, name, without=frozenset({value}))
    if not isinstance(value, float):
        return None
    if kind[0] == ">":
        return Condition(term, name, low=value, open="l" if kind == ">" else "")
    return Condition(term, name, high=value, open="h" if kind == "<" else "")


def _is_literal(term: Term) -> bool:
    return term.kind in {"number", "text", "bool"}


def _value(term: Term) -> Value:
    assert term.value is not None  # noqa: S101 - a literal has one
    return term.value


def _allows(condition: Condition, value: Value) -> bool:
    """Whether a value passes a condition on its column."""
    if condition.is_null or (condition.among is not None and value not in condition.among) or value in condition.without:
        return False
    if condition.low == -math.inf and condition.high == math.inf:
        return True
    if not isinstance(value, float):
        return True  # how a text compares with a number is not ours to say
    above = value > condition.low if "l" in condition.open else value >= condition.low
    below = value < condition.high if "h" in condition.open else value <= condition.high
    return above and below


def implies(given: Iterable[Condition], wanted: Condition) -> bool:
    """Whether a row that passes all of `given` passes `wanted` for certain."""
    return any(one.term == wanted.term or _implies(one, wanted) for one in given)


def _implies(one: Condition, other: Condition) -> bool:
    if not one.column or one.column != other.column:
        return False
    if one.is_null or other.is_null:
        return one.is_null == other.is_null
    if one.among is not None:
        return all(_allows(other, value) for value in one.among)
    if other.among is not None:
        return False
    low = one.low > other.low or (one.low == other.low and ("l" in one.open or "l" not in other.open))
    high = one.high < other.high or (one.high == other.high and ("h" in one.open or "h" not in other.open))
    return low and high and other.without <= one.without


def never(found: Sequence[Condition], accepted: Mapping[str, frozenset[str]]) -> Condition | None:
    """The first condition that cannot hold: beside those before it, or with the values that its column may have."""
    for place, condition in enumerate(found):
        if not condition.column:
            continue
        known = accepted.get(condition.column)
        if (
            known is not None
            and condition.among is not None
            and all(isinstance(value, str) and value not in known for value in condition.among)
        ):
            return condition
        for other in found[:place]:
            if other.column == condition.column and _exclude(other, condition):
                return condition
    return None


def _exclude(one: Condition, other: Condition) -> bool:
    """Whether no value passes both."""
    if one.is_null or other.is_null:
        return one.is_null != other.is_null
    for first, second in ((one, other), (other, one)):
        if first.among is not None:
            return not any(_allows(second, value) for value in first.among)
    low, high = max(one.low, other.low), min(one.high, other.high)
    if low == high:
        return any(("l" in item.open and item.low == low) or ("h" in item.open and item.high == high) for item in (one, other))
    return low > high


def truth(term: Term) -> bool | None:
    """Whether a condition is true, or false or NULL, of every row whatever it holds; None where it depends on the row."""
    if term.kind == "bool":
        return bool(term.value)
    if term.kind == "null":
        return False
    if term.kind in _FLIPPED and all(_is_literal(part) for part in term.parts):
        return _compared(term.kind, *(_value(part) for part in term.parts))
    if term.kind == "and":
        sides = [truth(part) for part in term.parts]
        return False if False in sides else True if sides == [True, True] else None
    if term.kind == "or":
        sides = [truth(part) for part in term.parts]
        return True if True in sides else False if sides == [False, False] else None
    return None


def _compared(kind: str, left: Value, right: Value) -> bool | None:
    if type(left) is not type(right):
        return None
    if kind in {"=", "<>"}:
        return (left == right) == (kind == "=")
    if isinstance(left, float) and isinstance(right, float):
        return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[kind]
    return None
