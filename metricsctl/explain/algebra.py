"""A metric as a function of the totals that it is computed from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from metricsctl.core.durations import Duration
from metricsctl.definition.rewrite import guard_divisions
from metricsctl.definition.sql import parse_expression
from metricsctl.engine.duckdb.read import StateReader
from metricsctl.plan.types import Base, Computation, Formula

__all__ = ["Algebra", "Leaf", "algebra_of"]

FloatArray = npt.NDArray[np.float64]
Part = Literal["value", "weighted", "rows"]
_SINGLE = {"max", "min", "first", "last", "median", "percentile", "stddev"}


@dataclass(frozen=True, slots=True)
class Leaf:
    """An input at the bottom of a formula: a simple metric, perhaps of an earlier time.

    A mean is two leaves, the sum of its rows ("weighted") and their number ("rows"), so that it can be split by segment.
    """

    name: str
    base: Base
    offset: Duration | None = None
    part: Part = "value"

    @property
    def adds_up(self) -> bool:
        """Whether its total is the sum over segments (distinct things that are seen in several count in each)."""
        return self.base.aggregate not in _SINGLE and not (self.base.stock is not None and self.base.aggregate == "avg")

    @property
    def adds_over_time(self) -> bool:
        """Whether its windows can be added too: of hopping windows, cumulated values and stocks each has more in it than its own rows."""
        return self.adds_up and self.base.of_its_window

    @property
    def aggregate(self) -> str | None:
        """The aggregate that tells how its windows vary; None where they have more than their own rows in them."""
        if not self.base.of_its_window:
            return None
        return {"value": self.base.aggregate, "weighted": "sum", "rows": "count"}[self.part]


@dataclass(frozen=True)
class Algebra:
    """The leaves by name, and the tree that makes the metric out of them.

    `powers` is the exponent of each leaf where the metric is a product of powers (a ratio: 1 and -1), else None.
    """

    leaves: Mapping[str, Leaf]
    tree: _Node
    powers: Mapping[str, float] | None

    @property
    def is_ratio(self) -> bool:
        """Whether it is one leaf over another, perhaps times a constant."""
        return self.powers is not None and sorted(self.powers.values()) == [-1.0, 1.0]

    def value(self, reader: StateReader, totals: Mapping[str, FloatArray]) -> FloatArray:
        """The metric for rows of leaf totals; NaN where it has no value (a division by zero is what the metric's `on_zero` says)."""
        return self.tree.value(reader, totals)

    def one(self, reader: StateReader, totals: Mapping[str, float]) -> float:
        """The metric for one set of leaf totals."""
        return float(self.value(reader, {name: np.array([total]) for name, total in totals.items()})[0])


@dataclass(frozen=True)
class _Node:
    """A leaf by its name, or a formula over nodes."""

    leaf: str | None = None
    text: str = ""
    dialect: str = "duckdb"
    on_zero: str = "absent"
    inputs: Mapping[str, _Node] | None = None

    def value(self, reader: StateReader, totals: Mapping[str, FloatArray]) -> FloatArray:
        if self.leaf is not None:
            return totals[self.leaf]
        expression, _ = guard_divisions(self.text, self.dialect, self.on_zero)
        return reader.evaluate(expression, {name: node.value(reader, totals) for name, node in (self.inputs or {}).items()})

    def powers(self) -> dict[str, float] | None:
        """Exponents of the leaves, None where it is no product of powers."""
        if self.leaf is not None:
            return {self.leaf: 1.0}
        inputs = {name: node.powers() for name, node in (self.inputs or {}).items()}
        return _powers(parse_expression(self.text, self.dialect), inputs)


def algebra_of(computation: Computation) -> Algebra:
    """The leaves of a metric and the way they make it."""
    leaves: dict[str, Leaf] = {}
    tree = _node(computation, None, leaves)
    return Algebra(leaves, tree, tree.powers())


def _node(computation: Computation, offset: Duration | None, leaves: dict[str, Leaf]) -> _Node:
    if isinstance(computation, Formula):
        inputs = {name: _node(item.computation, _added(offset, item.offset), leaves) for name, item in computation.inputs.items()}
        on_zero = "zero" if computation.on_zero == "zero" else "absent"  # of totals an error is none: `query` has said it by window
        return _Node(text=computation.expr.text, dialect=computation.expr.dialect, on_zero=on_zero, inputs=inputs)
    if computation.aggregate == "avg" and computation.stock is None:
        total, rows = (_leaf(computation, offset, part, leaves) for part in ("weighted", "rows"))
        return _Node(text="total / rows", inputs={"total": _Node(leaf=total), "rows": _Node(leaf=rows)})
    return _Node(leaf=_leaf(computation, offset, "value", leaves))


def _leaf(base: Base, offset: Duration | None, part: Any, leaves: dict[str, Leaf]) -> str:
    """The name of a leaf, a new one if there is none like it."""
    label = {"value": base.metric, "weighted": f"sum of {base.metric}", "rows": f"rows of {base.metric}"}[part]
    label += f" {offset} earlier" if offset is not None else ""
    name, number = label, 1
    while name in leaves and leaves[name] != Leaf(name, base, offset, part):
        number += 1
        name = f"{label} ({number})"
    leaves[name] = Leaf(name, base, offset, part)
    return name


def _added(first: Duration | None, second: Duration | None) -> Duration | None:
    """Two offsets one after the other; of different units the clock's."""
    if first is None or second is None:
        return first or second
    if first.unit == second.unit:
        return Duration(first.amount + second.amount, first.unit)
    return Duration((first.microseconds + second.microseconds) // 1_000_000, "s")


def _powers(tree: Any, inputs: Mapping[str, dict[str, float] | None]) -> dict[str, float] | None:
    kind = type(tree).__name__
    if kind == "Paren":
        return _powers(tree.this, inputs)
    if kind == "Literal":
        return {} if not tree.is_string and float(tree.this) > 0 else None
    if kind == "Column":
        return inputs.get(tree.name)
    if kind not in {"Mul", "Div"}:
        return None
    left, right = _powers(tree.this, inputs), _powers(tree.expression, inputs)
    if left is None or right is None:
        return None
    return _merged((left, 1.0), (right, -1.0 if kind == "Div" else 1.0))


def _merged(*parts: tuple[Mapping[str, float], float]) -> dict[str, float]:
    found: dict[str, float] = {}
    for powers, sign in parts:
        for name, power in powers.items():
            found[name] = found.get(name, 0.0) + sign * power
    return found
