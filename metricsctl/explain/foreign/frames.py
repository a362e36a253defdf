"""Series of any index, and graphs of any kind, in the form that the explainers work on."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from metricsctl.core.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Edges", "Mark", "Signal", "causes_of", "order_of", "place_of", "signals"]

FloatArray = npt.NDArray[np.float64]
Node = Hashable
Mark = Literal["good-up", "good-down", "unknown"]
Edges = Literal["cause-effect", "caller-callee"]
_MARKS: Mapping[Any, Mark] = {
    "good-up": "good-up",
    "up": "good-up",
    "good-down": "good-down",
    "down": "good-down",
    "unknown": "unknown",
    "": "unknown",
    None: "unknown",
}


@dataclass(frozen=True, slots=True)
class Signal:
    """One series of a node: times (float, in the order of time) and values of shape (n,), no NaN among them; which way is good."""

    name: str
    times: FloatArray
    values: FloatArray
    mark: Mark


def order_of(node: Node) -> tuple[str, str]:
    """A key to sort nodes by, whatever they are."""
    return type(node).__name__, str(node)


def causes_of(graph: Any, edges: Edges) -> dict[Node, tuple[Node, ...]]:
    """The direct causes of every node, in an order that depends on names alone."""
    if edges not in ("cause-effect", "caller-callee"):
        raise UsageError(f"unknown meaning of an edge '{edges}'", hint="cause-effect or caller-callee")
    try:
        pairs, nodes = _pairs(graph)
    except (TypeError, ValueError) as error:
        raise UsageError("this is no graph", hint="give a networkx DiGraph, a mapping node -> successors, or pairs (from, to)") from error
    found: dict[Node, set[Node]] = {node: set() for node in nodes}
    for source, target in pairs:
        cause, effect = (source, target) if edges == "cause-effect" else (target, source)
        found.setdefault(cause, set())
        found.setdefault(effect, set()).add(cause)
    return {node: tuple(sorted(found[node] - {node}, key=order_of)) for node in sorted(found, key=order_of)}


def _pairs(graph: Any) -> tuple[list[tuple[Node, Node]], list[Node]]:
    if hasattr(graph, "edges") and hasattr(graph, "nodes"):
        return [(edge[0], edge[1]) for edge in graph.edges()], list(graph.nodes())
    if isinstance(graph, Mapping):
        return [(node, other) for node, others in graph.items() for other in others], list(graph)
    return [(source, target) for source, target in graph], []


def signals(series: Any, good: Mapping[Any, Any] | None) -> dict[Node, tuple[Signal, ...]]:
    """The series of each node, from the forms that `explain.upstream` takes."""
    marks = good or {}
    found: dict[Node, list[Signal]] = {}
    for node, name, values, mark in _each(series):
        chosen = next((marks[key] for key in ((node, name), node, name) if key in marks), mark)
        if chosen not in _MARKS:
            raise UsageError(f"unknown mark '{chosen}' of '{node}'", hint="good-up, good-down or unknown")
        signal = _signal(name, values, _MARKS[chosen], node)
        found.setdefault(node, []).extend([signal] if signal is not None else [])
    return {node: tuple(sorted(found[node], key=lambda item: item.name)) for node in sorted(found, key=order_of)}


def _each(series: Any) -> Iterable[tuple[Node, str, Any, Any]]:
    if hasattr(series, "columns"):
        for number, column in enumerate(series.columns):
            node, name = column if isinstance(column, tuple) and len(column) == 2 else (column, "value")
            yield node, str(name), series.iloc[:, number], None
        return
    if not isinstance(series, Mapping):
        raise UsageError("series must be a frame or a mapping from nodes to series", hint="one column, or one entry, a node")
    for node, given in series.items():
        if hasattr(given, "columns"):
            yield from ((node, str(name), given[name], None) for name in given.columns)
        elif isinstance(given, Mapping):
            for name, one in given.items():
                yield (node, str(name), one[0], one[1]) if isinstance(one, tuple) else (node, str(name), one, None)
        elif isinstance(given, tuple):
            yield node, "value", given[0], given[1]
        elif given is not None:
            yield node, "value", given, None


def _signal(name: str, values: Any, mark: Mark, node: Node) -> Signal | None:
    """A series without its missing points; None if nothing is left."""
    if not hasattr(values, "index") or not hasattr(values, "to_numpy"):
        raise UsageError(f"'{node}' has no pandas Series", hint="give each node a Series with times as its index")
    try:
        numbers = np.asarray(values.to_numpy(), dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise UsageError(f"series '{name}' of '{node}' does not hold numbers", hint="convert it with pandas.to_numeric") from error
    times = _times(values.index)
    known = np.isfinite(numbers) & np.isfinite(times)
    order = np.argsort(times[known], kind="stable")
    return Signal(name, times[known][order], numbers[known][order], mark) if known.any() else None


def _times(index: pd.Index[Any]) -> FloatArray:
    """An index as numbers: seconds since 1970 of times, else the numbers that it holds."""
    kind = getattr(index.dtype, "kind", "O")
    if kind in "iuf":
        return np.asarray(index, dtype=np.float64)
    return np.array([place_of(item) for item in index], dtype=np.float64) if kind == "O" else _seconds(index)


def _seconds(index: Any) -> FloatArray:
    plain = index.tz_convert("UTC").tz_localize(None) if getattr(index, "tz", None) is not None else index
    found: FloatArray = plain.to_numpy().astype("datetime64[us]").astype(np.int64) / 1e6
    return found


def place_of(time: Any) -> float:
    """A time as a number: seconds since 1970 of a timestamp or its text, else the number itself. UsageError if it is neither."""
    if isinstance(time, (int, float, np.integer, np.floating)):
        return float(time)
    import pandas as pd

    try:
        stamp = pd.Timestamp(time)
    except (TypeError, ValueError) as error:
        raise UsageError(f"'{time}' is no time", hint="a timestamp, its ISO 8601 text, or a number as in the index") from error
    stamp = stamp.tz_convert("UTC").tz_localize(None) if stamp.tzinfo is not None else stamp
    return float("nan") if pd.isna(stamp) else float(stamp.value) / 1e9
