"""The state of a percentile in DuckDB's SQL: all values of a small group, evenly spaced ones of a large one.

The collapse of Manku, Rajagopalan and Lindsay (SIGMOD 1998): of the sorted values every 2^level-th stays, and stands for so many. Which
one is the first is drawn, from a hash of the values: errors have no direction in which they could add up, and the same values always give
the same state.
"""

from __future__ import annotations

__all__ = ["KEPT", "combined_level", "combined_values", "level_of", "thinned"]

KEPT = 4096  # values that a group keeps: all, or between half as many and so many evenly spaced ones


def level_of(events: str) -> str:
    """The level at which so many events are kept as no more than `KEPT` values; 0: all are."""
    return f"CASE WHEN {events} > {KEPT} THEN CAST(ceil(log2({events} / {KEPT})) AS BIGINT) ELSE 0 END"


def thinned(values: str, level: str) -> str:
    """Every 2^level-th of the sorted values of a list."""
    step = f"(1::BIGINT << ({level}))"
    first = f"CAST(1 + hash(len({values}), list_min({values}), list_max({values})) % {step} AS BIGINT)"
    return f"list_sort({values})[{first} : len({values}) : {step}]"


def combined_level(values: str, level: str, *, shorten: bool) -> str:
    """The level of several states, given by their columns, as one; without `shorten` no higher than the highest of them."""
    events = f"sum(len({values}) * (1::BIGINT << {level}))"
    return f"greatest(max({level}), {level_of(events)})" if shorten else f"max({level})"


def combined_values(values: str, level: str, *, shorten: bool) -> str:
    """The values of several states as those of one: the values of the same level are thinned together."""
    goal = combined_level(values, level, shorten=shorten)
    states = f"{{level: {goal}, states: list({{level: {level}, kept: {values}}}) FILTER (WHERE {values} IS NOT NULL)}}"
    alike = "flatten(list_transform(list_filter(m.states, LAMBDA s: s.level = l), LAMBDA s: s.kept))"
    kept = f"list_transform([{alike}], LAMBDA u: {thinned('u', 'm.level - l')})[1]"
    several = f"list_transform([{states}], LAMBDA m: flatten(list_transform(range(0, m.level + 1), LAMBDA l: {kept})))[1]"
    return f"CASE WHEN {goal} = 0 THEN flatten(list({values}) FILTER (WHERE {values} IS NOT NULL)) ELSE {several} END"
