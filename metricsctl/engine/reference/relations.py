"""Events to rows: which are accepted, and what models make of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from metricsctl.core.errors import ProjectError
from metricsctl.definition.project import Project
from metricsctl.definition.schema import Model, Source
from metricsctl.engine.reference.casts import unknown
from metricsctl.engine.reference.scalar import scalar
from metricsctl.engine.reference.values import Instant, Value, raw_text, read
from metricsctl.plan.types import SourcePlan

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ["Accepted", "Relations", "Row", "accept"]

Row = dict[str, Value]
"""Values by the lower-case name of their column: SQL does not tell names apart by case."""

_SELECT = {"expressions", "from_", "where", "with_", "kind"}


@dataclass(frozen=True, slots=True)
class Accepted:
    """The rows that were accepted, and (index, reason) of the others."""

    rows: tuple[Row, ...]
    rejected: tuple[tuple[int, str], ...]


def accept(source: SourcePlan, events: Sequence[Mapping[str, Any]], now: int) -> Accepted:
    """Read events in the types of their source; `now` (microseconds) bounds the future."""
    rows: list[Row] = []
    rejected: list[tuple[int, str]] = []
    for index, event in enumerate(events):
        row = {column.name: read(raw_text(event.get(column.name)), column.type, source.zone) for column in source.columns}
        reason = _fault(source, event, row, now)
        if reason is None:
            rows.append({name.lower(): _null_nan(value) for name, value in row.items()})
        else:
            rejected.append((index, reason))
    return Accepted(tuple(rows), tuple(rejected))


def _null_nan(value: Value) -> Value:
    """NaN in an event stands for NULL, as pandas and NumPy write it."""
    return None if isinstance(value, float) and math.isnan(value) else value


def _fault(source: SourcePlan, event: Mapping[str, Any], row: Row, now: int) -> str | None:
    """Why a row is not accepted, if it is not."""
    time = row[source.time_column]
    if event.get(source.time_column) is None:
        return "missing_time"
    if not isinstance(time, Instant):
        return "bad_time"
    if time.us > now + source.max_ahead.microseconds:
        return "future_time"
    if time.us < source.min_time:
        return "past_time"
    for column in source.columns:
        if event.get(column.name) is not None and row[column.name] is None:
            return f"bad_value: {column.name}"
    return None


@dataclass(frozen=True, slots=True)
class Table:
    """Rows, and the names of their columns even where there is no row."""

    names: tuple[str, ...]
    rows: list[Row]


@dataclass(slots=True)
class Relations:
    """The rows of each source and model of a project."""

    project: Project
    plans: Mapping[str, SourcePlan]
    events: Mapping[str, Sequence[Mapping[str, Any]]]
    now: int
    _known: dict[str, Table] = field(default_factory=dict)

    def rows(self, name: str) -> list[Row]:
        """All rows of a source or model."""
        return self._relation(name).rows

    def sources(self, name: str) -> set[str]:
        """The sources that a relation is made of."""
        relation = self.project.relation(name)
        if not isinstance(relation, Model):
            return {name}
        assert relation.statement is not None  # noqa: S101 - the loader has read it
        return {source for table in relation.statement.tables() for source in self.sources(table)}

    def time_column(self, name: str) -> str:
        """The column of a relation's event time."""
        relation = self.project.relation(name)
        if relation is None or relation.time is None:
            raise ProjectError(f"'{name}' has no event time", hint="time: {column: ...}")
        return relation.time.column.name.lower()

    def _relation(self, name: str) -> Table:
        if name not in self._known:
            relation = self.project.relation(name)
            assert relation is not None  # noqa: S101 - references are checked before
            if isinstance(relation, Source):
                plan = self.plans[name]
                names = tuple(column.name.lower() for column in plan.columns)
                found = Table(names, list(accept(plan, self.events.get(name, ()), self.now).rows))
            else:
                assert relation.statement is not None  # noqa: S101 - the loader has read it
                found = self._query(relation.statement.tree, {})
            self._known[name] = found
        return self._known[name]

    # -- SQL

    def _query(self, tree: exp.Expr, tables: Mapping[str, Table]) -> Table:
        """The rows of a SELECT, a UNION ALL or one in parentheses; `tables` are the CTEs in reach."""
        kind = type(tree).__name__
        inner = self._with(tree, tables)
        if kind == "Subquery":
            return self._query(tree.this, inner)
        if kind == "Union":
            return self._union(tree, inner)
        if kind != "Select" or any(value for name, value in tree.args.items() if name not in _SELECT):
            raise unknown(tree)
        table = self._from(tree.args["from_"].this, inner)
        where = tree.args.get("where")
        rows = [row for row in table.rows if where is None or scalar(where.this, row) is True]
        return _projected(tree.expressions, Table(table.names, rows))

    def _with(self, tree: exp.Expr, tables: Mapping[str, Table]) -> Mapping[str, Table]:
        found = dict(tables)
        clause = tree.args.get("with_")
        for cte in clause.expressions if clause is not None else ():
            found[cte.alias.lower()] = self._query(cte.this, found)
        return found

    def _union(self, tree: exp.Expr, tables: Mapping[str, Table]) -> Table:
        """Columns go together by their place; the first SELECT names them."""
        if tree.args.get("distinct") or tree.args.get("by_name"):
            raise unknown(tree)
        first, second = self._query(tree.this, tables), self._query(tree.args["expression"], tables)
        moved = [dict(zip(first.names, (row[name] for name in second.names), strict=True)) for row in second.rows]
        return Table(first.names, first.rows + moved)

    def _from(self, table: exp.Expr, tables: Mapping[str, Table]) -> Table:
        if type(table).__name__ == "Subquery":
            return self._query(table.this, tables)
        if type(table).__name__ != "Table" or table.args.get("joins"):
            raise unknown(table)
        return tables[table.name.lower()] if table.name.lower() in tables else self._relation(table.name)


def _projected(items: Sequence[exp.Expr], table: Table) -> Table:
    names: list[str] = []
    rows: list[Row] = [{} for _ in table.rows]
    for item in items:
        if item.is_star:
            names.extend(table.names)
            for made, row in zip(rows, table.rows, strict=True):
                made.update(row)
            continue
        name = item.alias_or_name.lower()
        names.append(name)
        for made, row in zip(rows, table.rows, strict=True):
            made[name] = scalar(item.this if type(item).__name__ == "Alias" else item, row)
    return Table(tuple(names), rows)
