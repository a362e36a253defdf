"""Events to rows: which are accepted, and what models make of them."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metricsctl.core.errors import ProjectError
from metricsctl.definition.project import Project
from metricsctl.definition.schema import Model, Session, Source
from metricsctl.engine.reference.casts import unknown
from metricsctl.engine.reference.scalar import scalar
from metricsctl.engine.reference.values import Instant, Value, raw_text, read, to_text
from metricsctl.plan.types import SourcePlan

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ["Accepted", "Relations", "Row", "accept"]

Row = dict[str, Value]
"""Values by the lower-case name of their column: SQL does not tell names apart by case."""

_SELECT = {"expressions", "from_", "where", "with_", "kind", "joins"}


@dataclass(frozen=True, slots=True)
class Accepted:
    """The rows that were accepted, (index, reason) of those rejected, and how many repeat the key of one before them."""

    rows: tuple[Row, ...]
    rejected: tuple[tuple[int, str], ...]
    duplicates: int = 0


def accept(source: SourcePlan, events: Sequence[Mapping[str, Any]], now: int, *, drop_late: bool = False) -> Accepted:
    """Read events in the types of their source; `now` (microseconds) bounds the future. Those of other sources are passed over.

    With `drop_late` an event is rejected if its window ends before the latest time read less the lateness.
    """
    rows: list[Row] = []
    rejected: list[tuple[int, str]] = []
    counted: dict[tuple[str, ...], list[int]] = {}
    duplicates = 0
    reached: int | None = None
    for index, event in enumerate(events):
        if any(raw_text(_field(event, name)) not in values for name, values in source.match):
            continue
        row = {column.name: read(raw_text(_field(event, column.name)), column.type, source.zone) for column in source.columns}
        reason = _fault(source, event, row, now)
        time = row[source.time_column]
        if reason is None and drop_late and isinstance(time, Instant):
            step = source.heartbeat.grain.microseconds
            late = reached is not None and (time.us // step + 1) * step <= reached - source.lateness.microseconds
            reason, reached = "late" if late else None, max(time.us, reached or time.us)
        if reason is not None:
            rejected.append((index, reason))
        elif _repeats(source, row, counted):
            duplicates += 1
        else:
            rows.append({name.lower(): _null_nan(value) for name, value in row.items()})
    return Accepted(tuple(rows), tuple(rejected), duplicates)


def _field(event: Mapping[str, Any], name: str) -> Any:
    """The value of a field; one with dots in its name may be nested."""
    if event.get(name) is not None or "." not in name:
        return event.get(name)
    found: Any = event
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _repeats(source: SourcePlan, row: Row, counted: dict[tuple[str, ...], list[int]]) -> bool:
    """Whether a row has the key of one that was counted near it in time; else it is counted. A key with NULL in it is none."""
    key = [to_text(row[name]) for name in source.key]
    time = row[source.time_column]
    assert isinstance(time, Instant)  # noqa: S101 - rows without a time are rejected before
    texts = tuple(text for text in key if text is not None)
    if not key or len(texts) < len(key):
        return False
    times = counted.setdefault(texts, [])
    if any(abs(time.us - other) <= source.dedup.microseconds for other in times):
        return True
    times.append(time.us)
    return False


def _null_nan(value: Value) -> Value:
    """NaN in an event stands for NULL, as pandas and NumPy write it."""
    return None if isinstance(value, float) and math.isnan(value) else value


def _fault(source: SourcePlan, event: Mapping[str, Any], row: Row, now: int) -> str | None:
    """Why a row is not accepted, if it is not."""
    time = row[source.time_column]
    if _field(event, source.time_column) is None:
        return "missing_time"
    if not isinstance(time, Instant):
        return "bad_time"
    if time.us > now + source.max_ahead.microseconds:
        return "future_time"
    if time.us < source.min_time:
        return "past_time"
    for column in source.columns:
        if _field(event, column.name) is not None and row[column.name] is None:
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
    drop_late: bool = False
    _known: dict[str, Table] = field(default_factory=dict)

    def rows(self, name: str) -> list[Row]:
        """All rows of a source or model."""
        return self._relation(name).rows

    def sources(self, name: str) -> set[str]:
        """The sources that a relation is made of."""
        relation = self.project.relation(name)
        if not isinstance(relation, Model):
            return {name}
        if relation.static is not None:
            return set()
        if relation.session is not None:
            return self.sources(relation.session.source.name)
        assert relation.statement is not None  # noqa: S101 - the loader has read it
        return {source for table in relation.statement.tables() for source in self.sources(table)}

    def time_column(self, name: str) -> str:
        """The column of a relation's event time."""
        relation = self.project.relation(name)
        if isinstance(relation, Model) and relation.session is not None:
            return "session_start"
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
                found = Table(names, list(accept(plan, self.events.get(name, ()), self.now, drop_late=self.drop_late).rows))
            elif relation.session is not None:
                found = self._sessions(relation.session)
            elif relation.static is not None:
                found = _static(relation, self.project.static_tables[name])
            else:
                assert relation.statement is not None  # noqa: S101 - the loader has read it
                found = self._query(relation.statement.tree, {})
            self._known[name] = found
        return self._known[name]

    def _sessions(self, session: Session) -> Table:
        """A row for each session: an entity's next one begins when it was quiet for `gap`."""
        source = session.source.name
        below = self.project.relation(source)
        assert below is not None  # noqa: S101 - references are checked before
        table, time, entity = self._relation(source), self.time_column(source), below.entities[session.entity.name].name.lower()
        by_entity: dict[str, list[tuple[int, Row]]] = {}
        for row in table.rows:
            if isinstance(moment := row[time], Instant) and (key := to_text(row[entity])) is not None:
                by_entity.setdefault(key, []).append((moment.us, row))
        sessions: list[Row] = []
        for key, rows in by_entity.items():
            rows.sort(key=lambda item: item[0])
            cuts = [place for place in range(1, len(rows)) if rows[place][0] - rows[place - 1][0] >= session.gap.microseconds]
            for start, end in zip([0, *cuts], [*cuts, len(rows)], strict=True):
                sessions.append(_session(key, rows[start:end], table.names))
        return Table(("session_start", "session_end", "entity", "events", "duration_s"), sessions)

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
        for join in tree.args.get("joins") or ():
            table = _joined(table, tree.args["from_"].this.alias_or_name, self._from(join.this, inner), join)
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


def _session(entity: str, rows: Sequence[tuple[int, Row]], names: Sequence[str]) -> Row:
    """The row of a session; of several first rows the larger value counts."""
    first, last = rows[0][0], rows[-1][0]
    made: Row = {"session_start": Instant(first), "session_end": Instant(last), "entity": entity, "events": len(rows)}
    made["duration_s"] = (last - first) / 1_000_000
    for name in names:
        values: list[Any] = [row[name] for time, row in rows if time == first and row[name] is not None]
        made[f"first.{name}"] = max(values, default=None)
    return made


def _projected(items: Sequence[exp.Expr], table: Table) -> Table:
    names: list[str] = []
    rows: list[Row] = [{} for _ in table.rows]
    for item in items:
        if item.is_star:
            names.extend(table.names)
            for made, row in zip(rows, table.rows, strict=True):
                made.update({name: row[name] for name in table.names})
            continue
        name = item.alias_or_name.lower()
        names.append(name)
        for made, row in zip(rows, table.rows, strict=True):
            made[name] = scalar(item.this if type(item).__name__ == "Alias" else item, row)
    return Table(tuple(names), rows)


def _joined(left: Table, left_name: str, right: Table, join: exp.Expr) -> Table:
    """Each row of the left with every row of the right that fits it, or with NULLs in a LEFT JOIN where none does."""
    if join.args.get("using") or (join.args.get("side") or "").upper() not in {"", "LEFT"}:
        raise unknown(join)
    condition, right_name = join.args.get("on"), join.this.alias_or_name.lower()
    rows: list[Row] = []
    for row in left.rows:
        known = {**{f"{left_name.lower()}.{name}": row[name] for name in left.names if "." not in name}, **row}
        beside = [{**{f"{right_name}.{name}": other[name] for name in right.names}, **other, **known} for other in right.rows]
        fitting = [both for both in beside if condition is None or scalar(condition, both) is True]
        if not fitting and join.args.get("side"):
            fitting = [{**dict.fromkeys([*right.names, *(f"{right_name}.{name}" for name in right.names)]), **known}]
        rows += fitting
    return Table((*left.names, *(name for name in right.names if name not in left.names)), rows)


def _static(model: Model, path: Path) -> Table:
    """The rows of a static table's CSV or NDJSON file in the types of its columns."""
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8") as file:
            found: list[dict[str, Any]] = [{name: value or None for name, value in row.items()} for row in csv.DictReader(file)]
    else:
        found = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    types = {column.name.name: column.type for column in model.columns}
    names = tuple(dict.fromkeys(name for row in found for name in row)) or tuple(types)
    rows = [{name.lower(): read(raw_text(row.get(name)), types.get(name, "string"), "UTC") for name in names} for row in found]
    return Table(tuple(name.lower() for name in names), rows)
