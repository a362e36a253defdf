"""Models without SQL: session windows and static tables, as if a statement had made them."""

from __future__ import annotations

from metricsctl.definition.project import Project
from metricsctl.definition.schema import Model, Session
from metricsctl.lineage.kinds import EdgeKind
from metricsctl.lineage.sql.statement import Origin, StatementLineage

__all__ = ["session_lineage", "static_lineage"]


def session_lineage(project: Project, session: Session, known: tuple[str, ...] | None) -> StatementLineage:
    """The columns of a session model from those of its source; `known` are the source's columns, None where they are not known."""
    table = session.source.name
    relation = project.relation(table)
    time = relation.time.column.name if relation is not None and relation.time is not None else None
    key = relation.entities.get(session.entity.name) if relation is not None else None

    def origin(column: str | None, kind: EdgeKind) -> tuple[Origin, ...]:
        return (Origin(table, column, kind, 1.0),)

    of_time = origin(time, EdgeKind.AGGREGATE)
    columns = dict.fromkeys(Session.COLUMNS, of_time)
    columns["entity"] = origin(key.name if key else None, EdgeKind.IDENTITY)
    columns["events"] = origin(None, EdgeKind.AGGREGATE)
    columns |= {f"first.{name}": origin(name, EdgeKind.AGGREGATE) for name in known or ()}
    rows = (*origin(key.name if key else None, EdgeKind.GROUP), *origin(time, EdgeKind.WINDOW))
    return StatementLineage(columns, rows, (table,), complete=known is not None, confidence=1.0)


def static_lineage(model: Model) -> StatementLineage:
    """The declared columns of a static table, which come from nowhere else."""
    columns: dict[str, tuple[Origin, ...]] = {column.name.name: () for column in model.columns}
    return StatementLineage(columns, (), (), complete=bool(columns), confidence=1.0)
