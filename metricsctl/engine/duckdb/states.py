"""The states of measures in DuckDB's SQL: what is stored, how rows make it, how two become one, how a value comes out of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from metricsctl.engine.duckdb.connection import quote
from metricsctl.engine.duckdb.quantiles import KEPT, combined_level, combined_values, level_of, thinned
from metricsctl.engine.duckdb.typed import HASH
from metricsctl.plan.tables import ColumnType
from metricsctl.plan.types import StateKind

__all__ = ["SKETCH", "STATES", "State", "column_names", "finish", "finish_stock"]

SKETCH = 4096  # hashes that a sketch keeps: a standard error of 1 / sqrt(4094), 1.6 %
_MOMENTS = (
    "list_reduce(list({{n: {0}, mean: {1}, m2: {2}}}) FILTER (WHERE {0} > 0), LAMBDA a, b: {{n: a.n + b.n, "
    "mean: a.mean + (b.mean - a.mean) * b.n / (a.n + b.n), "
    "m2: a.m2 + b.m2 + (b.mean - a.mean) * (b.mean - a.mean) * a.n * b.n / (a.n + b.n)}})"
)


@dataclass(frozen=True, slots=True)
class State:
    """SQL of one kind of state; `{v}` is the value of a row, `{t}` its time, `{f}` the filter, `{0}` `{1}` ... the stored columns.

    A sum is compensated, but for one with infinite terms, which compensation would turn into NaN.
    A sketch keeps the smallest hashes (bottom k; Bar-Yossef et al. 2002): all of them up to k, else the largest kept tells how densely
    they lie (the unbiased estimate of Beyer et al. 2007). Any order of merging gives the same one.
    Quantiles are all values of a small group, evenly spaced ones of a large one; `read` merges them without making them fewer.
    A number is none: it stands once for its window and key, and is never merged.
    Moments are merged as Chan, Golub and LeVeque (1979) do, which does not cancel as the sum of squares would.
    """

    columns: tuple[tuple[str, ColumnType], ...]
    create: tuple[str, ...]
    merge: tuple[str, ...]
    read: tuple[str, ...] = ()  # merges for a query, where that differs from what is stored


def _sum(value: str, where: str = "true") -> str:
    exact, plain = (f"{name}({value}) FILTER (WHERE {where})" for name in ("fsum", "sum"))
    return f"coalesce(CASE WHEN isfinite({exact}) THEN {exact} ELSE {plain} END, 0)"


_DOUBLE = "CAST({v} AS DOUBLE)"
_SUM = _sum(_DOUBLE, "{f}")
_PRESENT = "{f} AND ({v}) IS NOT NULL"
_ALL = f"list({_DOUBLE}) FILTER (WHERE {_PRESENT})"
_MANY = f"count({_DOUBLE}) FILTER (WHERE {{f}})"


def _combined(*, shorten: bool) -> tuple[str, str]:
    """How states of quantiles become one, as templates."""
    columns = ("<0>", "<1>")
    made = (combined_values(*columns, shorten=shorten), combined_level(*columns, shorten=shorten))
    values, level = (text.replace("{", "{{").replace("}", "}}").replace("<0>", "{0}").replace("<1>", "{1}") for text in made)
    return values, level


STATES: dict[StateKind, State] = {
    "count": State((("n", "bigint"),), ("count({v}) FILTER (WHERE {f})",), ("sum({0})::BIGINT",)),
    "sum": State((("sum", "double"),), (_SUM,), (_sum("{0}"),)),
    "mean": State((("sum", "double"), ("n", "bigint")), (_SUM, "count({v}) FILTER (WHERE {f})"), (_sum("{0}"), "sum({1})::BIGINT")),
    "min": State((("min", "double"),), (f"min({_DOUBLE}) FILTER (WHERE {{f}})",), ("min({0})",)),
    "max": State((("max", "double"),), (f"max({_DOUBLE}) FILTER (WHERE {{f}})",), ("max({0})",)),
    "first": State(
        (("t", "bigint"), ("v", "double")),
        (
            f"min({{{{t: {{t}}, v: -{_DOUBLE}}}}}) FILTER (WHERE {_PRESENT}).t",
            f"-(min({{{{t: {{t}}, v: -{_DOUBLE}}}}}) FILTER (WHERE {_PRESENT}).v)",
        ),
        ("min({{t: {0}, v: -{1}}}) FILTER (WHERE {0} IS NOT NULL).t", "-(min({{t: {0}, v: -{1}}}) FILTER (WHERE {0} IS NOT NULL).v)"),
    ),
    "last": State(
        (("t", "bigint"), ("v", "double")),
        (
            f"max({{{{t: {{t}}, v: {_DOUBLE}}}}}) FILTER (WHERE {_PRESENT}).t",
            f"max({{{{t: {{t}}, v: {_DOUBLE}}}}}) FILTER (WHERE {_PRESENT}).v",
        ),
        ("max({{t: {0}, v: {1}}}) FILTER (WHERE {0} IS NOT NULL).t", "max({{t: {0}, v: {1}}}) FILTER (WHERE {0} IS NOT NULL).v"),
    ),
    "distinct": State(
        (("hashes", "bigint[]"),),
        (f"list_distinct(list({HASH}) FILTER (WHERE {_PRESENT}))",),
        ("list_distinct(flatten(list({0}) FILTER (WHERE {0} IS NOT NULL)))",),
    ),
    "sketch": State(
        (("hashes", "bigint[]"),),
        (f"list_sort(list_distinct(list({HASH}) FILTER (WHERE {_PRESENT})))[1:{SKETCH}]",),
        (f"list_sort(list_distinct(flatten(list({{0}}) FILTER (WHERE {{0}} IS NOT NULL))))[1:{SKETCH}]",),
    ),
    "values": State(
        (("values", "double[]"),),
        (_ALL,),
        ("flatten(list({0}) FILTER (WHERE {0} IS NOT NULL))",),
    ),
    "quantiles": State(
        (("values", "double[]"), ("level", "bigint")),
        (f"CASE WHEN {_MANY} > {KEPT} THEN {thinned(_ALL, level_of(_MANY))} ELSE {_ALL} END", level_of(_MANY)),
        _combined(shorten=True),
        _combined(shorten=False),
    ),
    "moments": State(
        (("n", "bigint"), ("mean", "double"), ("m2", "double")),
        (
            f"count({_DOUBLE}) FILTER (WHERE {{f}})",
            f"avg({_DOUBLE}) FILTER (WHERE {{f}})",
            # NaN wherever a value is infinite, also where it stands alone: else it would depend on the batches
            f"var_pop({_DOUBLE}) FILTER (WHERE {{f}}) * count({_DOUBLE}) FILTER (WHERE {{f}}) + 0 * avg({_DOUBLE}) FILTER (WHERE {{f}})",
        ),
        (f"coalesce(({_MOMENTS}).n, 0)::BIGINT", f"({_MOMENTS}).mean", f"({_MOMENTS}).m2"),
    ),
    "number": State((("value", "double"),), (), ("any_value({0})",)),
}

# how an aggregate's value comes out of its merged state; `{p}` is the percentile
_FINISH: dict[str, str] = {
    "count": "{0}::DOUBLE",
    "sum": "{0}",
    "avg": "CASE WHEN {1} > 0 THEN {0} / {1} END",
    "min": "{0}",
    "max": "{0}",
    "first": "{1}",
    "last": "{1}",
    "count_distinct": "coalesce(len({0}), 0)::DOUBLE",
    "approximate": (
        f"CASE WHEN len({{0}}) < {SKETCH} THEN len({{0}})::DOUBLE WHEN {{0}} IS NULL THEN 0 "
        f"ELSE round({SKETCH - 1} / (({{0}}[{SKETCH}]::DOUBLE + 9223372036854775808) / 18446744073709551616)) END"
    ),
    "median": "list_aggregate({0}, 'quantile_cont', 0.5)",
    "percentile": "list_aggregate({0}, 'quantile_cont', {p})",
    "number": "{0}",
    "stddev": "CASE WHEN {0} > 1 THEN sqrt({2} / ({0} - 1)) END",
}


def column_names(measure_id: str, kind: StateKind) -> list[str]:
    """The names that a measure's state has in a table."""
    return ["rows"] if measure_id == "rows" else [f"{measure_id}_{suffix}" for suffix, _ in STATES[kind].columns]


def finish(aggregate: str, kind: StateKind, columns: Sequence[str], p: float | None) -> str:
    """SQL of an aggregate's value from the columns of its merged state."""
    own = {"sketch": "approximate", "number": "number"}
    return _FINISH[own.get(kind, aggregate)].format(*map(quote, columns), p=p)


def finish_stock(aggregate: str) -> str:
    """SQL of an aggregate over the values `v` of entities."""
    total = _sum("v")
    known = {"sum": total, "avg": f"{total} / count(*)", "min": "min(v)", "max": "max(v)", "count": "count(*)"}
    return known[aggregate]
