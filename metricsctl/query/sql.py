"""The SQL of a query, for people who want to see it or to run it elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from metricsctl.core.diagnostics import Diagnostic
from metricsctl.core.serial import plain
from metricsctl.engine.duckdb.statements import ReadStatement
from metricsctl.plan.types import Base, Computation, Formula

__all__ = ["FormulaText", "SqlReport", "SqlStatement"]


@dataclass(frozen=True, slots=True)
class SqlStatement:
    """A statement over the store's files, in DuckDB's dialect; a simple metric's values are in the column `value METRIC`."""

    metrics: tuple[str, ...]
    sql: str


@dataclass(frozen=True, slots=True)
class FormulaText:
    """How a metric is computed from others, at the same key and window: an expression, and what each name in it is."""

    metric: str
    expression: str
    inputs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SqlReport:
    """The statements that a query runs, and the formulas over their values."""

    name: ClassVar[str] = "query-sql"
    version: ClassVar[int] = 1

    statements: tuple[SqlStatement, ...]
    formulas: tuple[FormulaText, ...]
    diagnostics: tuple[Diagnostic, ...] = field(default=())

    @classmethod
    def of(cls, log: Sequence[ReadStatement], metrics: Mapping[str, Computation], diagnostics: tuple[Diagnostic, ...]) -> SqlReport:
        """The report of what was run for some metrics."""
        statements = tuple(SqlStatement(item.metrics, item.sql) for item in log)
        formulas = dict.fromkeys(
            (text.metric, text.expression, tuple(text.inputs.items())) for name in metrics for text in _of(metrics[name])
        )
        return cls(statements, tuple(FormulaText(metric, text, dict(inputs)) for metric, text, inputs in formulas), diagnostics)

    @property
    def stats(self) -> dict[str, int]:
        """Counts."""
        return {"statements": len(self.statements), "formulas": len(self.formulas)}

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {"statements": plain(self.statements), "formulas": plain(self.formulas)}


def _of(computation: Computation) -> Iterator[FormulaText]:
    """The formulas of a metric, those of its inputs first."""
    if not isinstance(computation, Formula):
        return
    inputs = {}
    for name, item in computation.inputs.items():
        yield from _of(item.computation)
        below = item.computation
        filters = (
            f" where {' and '.join(sql.text for sql in below.measure.filters)}" if isinstance(below, Base) and below.measure.filters else ""
        )
        inputs[name] = below.metric + filters + (f", {item.offset} earlier" if item.offset is not None else "")
    yield FormulaText(computation.metric, computation.expr.text, inputs)
