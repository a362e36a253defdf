"""CAST: a value in another type."""

from __future__ import annotations

import datetime as dt
import decimal
import math
from typing import TYPE_CHECKING, Any

from metricsctl.core.errors import UsageError
from metricsctl.engine.reference.values import Instant, Value, read, round_half_away, to_text

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ["converted", "unknown"]

_WHOLE = {"TINYINT": 2**7, "SMALLINT": 2**15, "INT": 2**31, "BIGINT": 2**63}


def unknown(node: exp.Expr) -> UsageError:
    """The error for SQL that the reference does not know."""
    what = node.sql(dialect="duckdb")
    return UsageError(f"the reference engine does not know '{what}' ({type(node).__name__})", hint="it computes simple scalar SQL only")


def converted(value: Value, node: exp.Cast | exp.TryCast) -> Value:
    """A value in another type, None where it does not fit."""
    target = node.to.this.value
    if value is None:
        return None
    if target in {"TEXT", "VARCHAR"}:
        return to_text(value)
    if target in _WHOLE:
        return _to_whole(value, _WHOLE[target], node)
    if target == "DOUBLE":
        return read(value, "double", "UTC") if isinstance(value, str) else float(_plain_number(value, node))
    if target == "BOOLEAN" and isinstance(value, str | bool):
        return value if isinstance(value, bool) else read(value, "boolean", "UTC")
    if target == "DATE" and (isinstance(value, str) or type(value) is dt.date):
        return read(value, "date", "UTC") if isinstance(value, str) else value
    if target == "DECIMAL":
        precision, scale = (int(part.name) for part in node.to.expressions)
        return read(to_text(_plain_number(value, node) if not isinstance(value, str) else value), f"decimal({precision},{scale})", "UTC")
    if target == "TIMESTAMPTZ" and isinstance(value, Instant):
        return value
    raise unknown(node)


def _plain_number(value: Value, node: exp.Expr) -> Any:
    if not isinstance(value, int | float | decimal.Decimal):
        raise unknown(node)
    return value


def _to_whole(value: Value, bound: int, node: exp.Expr) -> int | None:
    """Decimals and text are rounded half away from 0, doubles to the even one."""
    if isinstance(value, str):
        number = read(value, "double", "UTC")
        if not isinstance(number, float) or not math.isfinite(number):
            return None
        whole = int(round_half_away(decimal.Decimal(value.strip())))
    elif isinstance(value, float):
        if not math.isfinite(value):
            return None
        whole = round(value)
    else:
        whole = int(round_half_away(decimal.Decimal(_plain_number(value, node))))
    return whole if -bound <= whole < bound else None
