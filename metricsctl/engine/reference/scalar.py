"""A small evaluator of SQL expressions over their sqlglot tree, with three-valued logic. What it does not know it refuses."""

from __future__ import annotations

import decimal
import math
import operator
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from metricsctl.core.errors import DataError, UsageError
from metricsctl.engine.reference.casts import converted, unknown
from metricsctl.engine.reference.operators import compared, in_common_type, is_number, negated, rounded
from metricsctl.engine.reference.values import EXACT, Value, to_text

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ["Divide", "scalar"]

Divide = Callable[[float | None, float], float | None]
"""What dividing by zero gives; the arguments are the dividend and the zero."""

_COMPARISONS = {"EQ": operator.eq, "NEQ": operator.ne, "LT": operator.lt, "LTE": operator.le, "GT": operator.gt, "GTE": operator.ge}
_ARITHMETIC = {"Add": "add", "Sub": "subtract", "Mul": "multiply"}
_PYTHON: dict[str, Callable[[Any, Any], Any]] = {"Add": operator.add, "Sub": operator.sub, "Mul": operator.mul}


def ieee_division(dividend: float | None, zero: float) -> float | None:
    """Infinity, or NaN for 0 / 0."""
    if dividend is None:
        return None
    return math.nan if dividend == 0 or math.isnan(dividend) else math.copysign(math.inf, dividend) * math.copysign(1, zero)


def scalar(node: exp.Expr, row: Mapping[str, Value], divide: Divide = ieee_division) -> Value:
    """The value of an expression on a row whose columns have lower-case names."""
    return _Evaluator(row, divide).value(node)


class _Evaluator:
    def __init__(self, row: Mapping[str, Value], divide: Divide) -> None:
        self._row = row
        self._divide = divide

    def value(self, node: exp.Expr) -> Value:
        kind = type(node).__name__
        found: Value
        if kind in _COMPARISONS:
            found = self._comparison(kind, self.value(node.this), self.value(node.args["expression"]), node)
        elif kind in _ARITHMETIC:
            found = self._arithmetic(node, kind)
        else:
            method: Callable[[Any], Value] | None = getattr(self, f"_{kind.lower()}", None)
            if method is None:
                raise unknown(node)
            found = method(node)
        return negated(found) if node.args.get("negate") else found

    # -- leaves

    def _column(self, node: exp.Column) -> Value:
        name = node.name.lower()
        path = f"{node.table.lower()}.{name}"
        if path in self._row:
            return self._row[path]
        if name not in self._row:
            raise UsageError(f"there is no column '{node.name}'", hint=f"known: {', '.join(sorted(self._row))}")
        return self._row[name]

    def _literal(self, node: exp.Literal) -> Value:
        text = str(node.this)
        if node.is_string:
            return text
        if "e" in text.lower():
            return float(text)
        return decimal.Decimal(text) if "." in text else int(text)

    def _boolean(self, node: exp.Boolean) -> Value:
        return bool(node.this)

    def _null(self, _: exp.Null) -> Value:
        return None

    def _paren(self, node: exp.Paren) -> Value:
        return self.value(node.this)

    # -- logic

    def _and(self, node: exp.And) -> Value:
        left = self.value(node.this)
        if left is False:
            return False
        right = self.value(node.expression)
        return False if right is False else None if left is None or right is None else True

    def _or(self, node: exp.Or) -> Value:
        left = self.value(node.this)
        if left is True:
            return True
        right = self.value(node.expression)
        return True if right is True else None if left is None or right is None else False

    def _not(self, node: exp.Not) -> Value:
        return negated(self.value(node.this))

    def _is(self, node: exp.Is) -> Value:
        kind = type(node.expression).__name__
        if kind not in {"Null", "Boolean"}:
            raise unknown(node)
        return self.value(node.this) is self.value(node.expression)

    def _in(self, node: exp.In) -> Value:
        if not node.expressions:
            raise unknown(node)
        wanted = self.value(node.this)
        found = [self._comparison("EQ", wanted, self.value(item), node) for item in node.expressions]
        return True if True in found else None if None in found else False

    def _between(self, node: exp.Between) -> Value:
        value = self.value(node.this)
        low = self._comparison("GTE", value, self.value(node.args["low"]), node)
        high = self._comparison("LTE", value, self.value(node.args["high"]), node)
        return False if False in {low, high} else None if None in {low, high} else True

    def _like(self, node: exp.Like) -> Value:
        text, pattern = self.value(node.this), self.value(node.expression)
        if text is None or pattern is None:
            return None
        if not isinstance(text, str) or not isinstance(pattern, str):
            raise unknown(node)
        parts = [".*" if sign == "%" else "." if sign == "_" else re.escape(sign) for sign in pattern]
        return re.fullmatch("".join(parts), text, re.DOTALL) is not None

    def _case(self, node: exp.Case) -> Value:
        subject = node.this
        for branch in node.args["ifs"]:
            test = self.value(branch.this)
            if subject is not None:
                test = self._comparison("EQ", self.value(subject), test, node)
            if test is True:
                return self.value(branch.args["true"])
        default = node.args.get("default")
        return None if default is None else self.value(default)

    def _comparison(self, kind: str, left: Value, right: Value, node: exp.Expr) -> bool | None:
        if left is None or right is None:
            return None
        sign = compared(left, right)
        if sign is None:
            raise unknown(node)
        return bool(_COMPARISONS[kind](sign, 0))

    # -- numbers

    def _numbers(self, node: exp.Expr) -> tuple[Any, Any] | None:
        """Both operands in their common type, None if one is NULL."""
        left, right = self.value(node.this), self.value(node.args["expression"])
        if left is None or right is None:
            return None
        if not is_number(left) or not is_number(right):
            raise unknown(node)
        return in_common_type(left, right)

    def _arithmetic(self, node: exp.Expr, kind: str) -> Value:
        pair = self._numbers(node)
        if pair is None:
            return None
        if isinstance(pair[0], decimal.Decimal):
            exact: Value = getattr(EXACT, _ARITHMETIC[kind])(*pair)
            return exact
        plain: Value = _PYTHON[kind](*pair)
        return plain

    def _div(self, node: exp.Div) -> Value:
        dividend, divisor = self.value(node.this), self.value(node.expression)
        for operand in (dividend, divisor):
            if operand is not None and not is_number(operand):
                raise unknown(node)
        if divisor is None:
            return None
        below = float(divisor)  # type: ignore[arg-type]
        above = None if dividend is None else float(dividend)  # type: ignore[arg-type]
        if below == 0:
            return self._divide(above, below)
        return None if above is None else above / below

    def _mod(self, node: exp.Mod) -> Value:
        pair = self._numbers(node)
        if pair is None:
            return None
        left, right = pair
        if isinstance(left, float):
            return math.nan if right == 0 or math.isinf(left) else math.fmod(left, right)
        if right == 0:
            raise DataError(f"'{node.sql()}' divides by zero", hint="put NULLIF around the divisor")
        if isinstance(left, decimal.Decimal):
            return EXACT.remainder(left, right)
        rest: int = abs(left) % abs(right)
        return -rest if left < 0 else rest

    def _neg(self, node: exp.Neg) -> Value:
        return self._of_number(node, operator.neg)

    def _abs(self, node: exp.Abs) -> Value:
        return self._of_number(node, abs)

    def _of_number(self, node: exp.Expr, change: Callable[[Any], Value]) -> Value:
        value = self.value(node.this)
        if value is not None and not is_number(value):
            raise unknown(node)
        return None if value is None else change(value)

    def _round(self, node: exp.Round) -> Value:
        value = self.value(node.this)
        digits = 0 if node.args.get("decimals") is None else self.value(node.args["decimals"])
        if value is None or digits is None:
            return None
        if not is_number(value) or not isinstance(digits, int) or digits < 0:
            raise unknown(node)
        return rounded(value, digits)

    # -- text

    def _lower(self, node: exp.Lower) -> Value:
        return self._text(node, str.lower)

    def _upper(self, node: exp.Upper) -> Value:
        return self._text(node, str.upper)

    def _length(self, node: exp.Length) -> Value:
        return self._text(node, len)

    def _text(self, node: exp.Expr, change: Callable[[str], str | int]) -> Value:
        value = self.value(node.this)
        if value is not None and not isinstance(value, str):
            raise unknown(node)
        return None if value is None else change(value)

    def _concat(self, node: exp.Concat) -> Value:
        parts = [to_text(self.value(item)) for item in node.expressions]
        if not node.args.get("coalesce") and None in parts:
            return None
        return "".join(part or "" for part in parts)

    def _dpipe(self, node: exp.DPipe) -> Value:
        left, right = to_text(self.value(node.this)), to_text(self.value(node.expression))
        return None if left is None or right is None else left + right

    # -- null and types

    def _coalesce(self, node: exp.Coalesce) -> Value:
        values = (self.value(item) for item in (node.this, *node.expressions))
        return next((value for value in values if value is not None), None)

    def _nullif(self, node: exp.Nullif) -> Value:
        value = self.value(node.this)
        return None if self._comparison("EQ", value, self.value(node.expression), node) else value

    def _cast(self, node: exp.Cast) -> Value:
        value = self.value(node.this)
        found = converted(value, node)
        if found is None and value is not None:
            raise DataError(f"'{node.sql(dialect='duckdb')}' fails for {value!r}", hint="use TRY_CAST")
        return found

    def _trycast(self, node: exp.TryCast) -> Value:
        return converted(self.value(node.this), node)
