"""Where rows come from: sources, models, and the dimensions that tell their rows apart."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from metricsctl.core.durations import Duration
from metricsctl.definition.expression import EXPRESSION, Expression
from metricsctl.definition.forms import ListOf, MapOf, Name, OneOrMore, Ref
from metricsctl.definition.records import Placed, Record, key
from metricsctl.definition.schema.shared import COUNT, DIMENSIONS, META, TIER
from metricsctl.definition.statement import STATEMENT, Statement
from metricsctl.definition.values import COLUMN_TYPE, DURATION, FLAG, INSTANT, TEXT, TEXTS, ZONE

__all__ = ["Column", "Dimension", "Model", "ModelTime", "ProducedBy", "Session", "Source", "SourceTime"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Dimension(Placed):
    """A dimension that has more than a name."""

    name: Ref = key(Name(), "Its name, a column unless `expr` is given.", required=True)
    description: str | None = key(TEXT, "What it tells apart.")
    owner: str | None = key(TEXT, "Who answers for it.")
    max_values: int | None = key(COUNT, "How many values it may have; `ingest` warns if there are more.")
    expr: Expression | None = key(EXPRESSION, "Its value from the columns of the source or model.")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class SourceTime(Placed):
    """`time:` of a source."""

    column: Ref = key(Name("column"), "Column of the event time.", required=True)
    lateness: Duration = key(
        DURATION, "How late an event may come; the watermark is the latest event time less this.", default=Duration(0, "s")
    )
    max_ahead: Duration = key(DURATION, "How far in the future an event may lie before it is rejected.", default=Duration(1, "d"))
    min_time: dt.datetime | None = key(INSTANT, "Events before it are rejected (default: 1970).")
    timezone: str | None = key(ZONE, "Zone of event times without an offset (default: `defaults.timezone`).")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ModelTime(Placed):
    """`time:` of a model."""

    column: Ref = key(Name("column"), "Column of the event time.", required=True)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Column(Placed):
    """A column of a source or a model."""

    name: Ref = key(Name(), "Its name.", required=True)
    type: str = key(COLUMN_TYPE, "Type that its values must fit.", default="string")
    unit: str | None = key(TEXT, "Unit of its values.")
    description: str | None = key(TEXT, "What it holds.")
    pii: bool = key(FLAG, "Whether it holds personal data, which reports and rejects then mask.", default=False)
    accepted: tuple[str, ...] | None = key(TEXTS, "The values it may have.")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ProducedBy(Placed):
    """`produced_by:`, what a deploy is joined on."""

    service: str | None = key(TEXT, "Service that writes it.")
    repo: str | None = key(TEXT, "Repository of that service.")
    paths: tuple[str, ...] = key(TEXTS, "Globs of the files in it that matter.", default=())


_COLUMNS = ListOf(Record(Column))
_ENTITIES = MapOf(Name("column"))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Source(Placed):
    """`sources:`, raw events: the roots of the graph."""

    name: Ref = key(Name(), "Its name.", required=True)
    description: str | None = key(TEXT, "What one row is.")
    owner: str | None = key(TEXT, "Who answers for it.")
    time: SourceTime | None = key(Record(SourceTime, short="column"), "Event time.", required=True)
    key_: tuple[Ref, ...] = key(OneOrMore(Name("column")), "Columns that tell duplicates apart; NULL is never a duplicate.", default=())
    dedup: Duration | None = key(DURATION, "How far apart duplicates of one key may lie (default: the lateness).")
    entities: Mapping[str, Ref] = key(_ENTITIES, "Entities (a user, an order) and the column that holds each one's key.", default={})
    produced_by: ProducedBy | None = key(Record(ProducedBy), "What writes it.")
    dimensions: tuple[Ref, ...] = key(DIMENSIONS, "Dimensions that its metrics have unless they say otherwise.", default=())
    columns: tuple[Column, ...] = key(_COLUMNS, "Its columns; what is used must stand here.", default=())
    match: Mapping[str, tuple[str, ...]] = key(
        MapOf(OneOrMore(TEXT)), "Which rows of a mixed stream belong to it: fields of the row and the values they may have.", default={}
    )
    retain: Duration | None = key(DURATION, "How long its events are kept for models that need more than one row at a time.")
    tier: int | None = key(TIER, "How much depends on it.")
    tags: tuple[str, ...] = key(TEXTS, "Free labels.", default=())
    label: str | None = key(TEXT, "Name for people.")
    meta: Mapping[str, Any] = key(META, "Anything else.", default={})
    implied: bool = False  # made for a compact metric that names it: its columns and event time are not known

    @property
    def time_column(self) -> Ref | None:
        """The column of its event time."""
        return self.time.column if self.time is not None else None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Session(Placed):
    """`session:` of a model: one row a visit, which ends when the entity is quiet for `gap`.

    Its columns are `session_start` (the event time), `session_end`, `entity`, `events`, `duration_s` and `first.<column>`.
    """

    COLUMNS: ClassVar[Mapping[str, str]] = {
        "session_start": "timestamp",
        "session_end": "timestamp",
        "entity": "string",
        "events": "bigint",
        "duration_s": "double",
    }
    """The columns that every session model has, with their types."""

    source: Ref = key(Name("source or model"), "Source or model whose rows are joined to sessions.", required=True)
    entity: Ref = key(Name("entity"), "Whose sessions: one of the `entities` of the source.", required=True)
    gap: Duration = key(DURATION, "How long an entity is quiet before its next row begins another session.", required=True)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Model(Placed):
    """`models:`, intermediate tables: SQL, session windows, or a static table out of a file."""

    ONE_OF: ClassVar[tuple[str, ...]] = ("sql", "sql_file", "session", "static")

    name: Ref = key(Name(), "Its name.", required=True)
    description: str | None = key(TEXT, "What one row is.")
    owner: str | None = key(TEXT, "Who answers for it.")
    sql: Statement | None = key(STATEMENT, "Its SELECT statement.")
    sql_file: str | None = key(TEXT, "A file with its SELECT statement, relative to the YAML file.")
    session: Session | None = key(Record(Session), "Session windows over a source.")
    static: str | None = key(
        TEXT,
        "A file with the rows of a table that does not change with time (CSV, Parquet, NDJSON), relative to the YAML file: to be joined.",
    )
    time: ModelTime | None = key(Record(ModelTime, short="column"), "Event time; needed where metrics use it.")
    grain: tuple[Ref, ...] = key(ListOf(Name("column")), "One row is one ...", default=())
    entities: Mapping[str, Ref] = key(_ENTITIES, "Entities (a user, an order) and the column that holds each one's key.", default={})
    columns: tuple[Column, ...] = key(_COLUMNS, "What is known of its columns beyond the SQL.", default=())
    dimensions: tuple[Ref, ...] = key(DIMENSIONS, "Dimensions that its metrics have unless they say otherwise.", default=())
    produced_by: ProducedBy | None = key(Record(ProducedBy), "What writes it.")
    tier: int | None = key(TIER, "How much depends on it.")
    tags: tuple[str, ...] = key(TEXTS, "Free labels.", default=())
    label: str | None = key(TEXT, "Name for people.")
    meta: Mapping[str, Any] = key(META, "Anything else.", default={})
    statement: Statement | None = None  # `sql`, or what `sql_file` holds

    def inputs(self) -> list[str]:
        """The sources and models that it reads, in the order of its SQL."""
        if self.session is not None:
            return [self.session.source.name]
        return self.statement.tables() if self.statement is not None else []

    @property
    def time_column(self) -> Ref | None:
        """The column of its event time; `session_start` where it has sessions."""
        if self.time is not None:
            return self.time.column
        return None if self.session is None else Ref("session_start", self.session.span)
