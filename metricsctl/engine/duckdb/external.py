"""The points of a series that lives elsewhere: read from its files, compared with what is known of them, kept as revisions.

A revision is one value of a (window, dimensions) with the time since when it is known; NULL: the point is gone. The latest one counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from metricsctl.core.errors import DataError
from metricsctl.engine.duckdb.aggregate import LATE, WINDOW, dimension_column
from metricsctl.engine.duckdb.connection import literal, quote
from metricsctl.engine.duckdb.parquet import literal_path, read_parquet
from metricsctl.engine.duckdb.states import STATES, column_names
from metricsctl.engine.duckdb.typed import typed_rows
from metricsctl.plan.tables import Column, Table
from metricsctl.plan.types import Rollup, SourcePlan

if TYPE_CHECKING:
    import duckdb

__all__ = ["KNOWN_AT", "Changes", "ReadPoints", "Revisions", "revisions_table"]

KNOWN_AT = "known_at"
VALUE = "value"
# the columns of a state that stands on one value of a window
_STATE = {"sum": (VALUE,), "min": (VALUE,), "max": (VALUE,), "last": (WINDOW, VALUE)}
_EXTENSIONS = {"csv": ",", "tsv": "\t"}


@dataclass(frozen=True, slots=True)
class ReadPoints:
    """What was read: rows, and how many of them were refused, by reason."""

    rows: int
    rejected: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Changes:
    """Points that are new, have another value, or are gone."""

    new: int
    changed: int
    gone: int

    @property
    def any(self) -> bool:
        """Whether there is one."""
        return bool(self.new or self.changed or self.gone)


def revisions_table(rollup: Rollup) -> Table:
    """The table that keeps the revisions of a series."""
    dimensions = [dimension_column(name) for name in rollup.dimensions]
    columns = (
        Column(WINDOW, "bigint"),
        Column(KNOWN_AT, "bigint"),
        Column(LATE, "boolean"),
        *(Column(name, "varchar") for name in dimensions),
        Column(VALUE, "double"),
    )
    meta = {"revisions_of": rollup.id, "sources": list(rollup.sources), "dimensions": list(rollup.dimensions)}
    return Table(f"{rollup.id}_revisions", columns, (*dimensions, WINDOW, KNOWN_AT), meta)


class Revisions:
    """The revisions of one series, in temporary tables of a connection.

    Call `read` for a state of its files, then `place` with the windows of the times in `times()`, then `revise`; again for a later state.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, rollup: Rollup, source: SourcePlan, files: Sequence[str] = ()) -> None:
        self._connection = connection
        self._rollup = rollup
        self._source = source
        self._dimensions = [quote(dimension_column(name)) for name in rollup.dimensions]
        self._keys = ", ".join([quote(WINDOW), *self._dimensions])
        columns = ", ".join(f"{quote(column.name)} {column.type.upper()}" for column in revisions_table(rollup).columns)
        connection.execute(f"CREATE OR REPLACE TEMP TABLE revisions ({columns}, fresh BOOLEAN)")
        if files:
            connection.execute(f"INSERT INTO revisions BY NAME SELECT *, false AS fresh FROM {read_parquet(files)}")

    def read(self, files: Sequence[tuple[str, str]], now: int, *, hive: bool = False) -> ReadPoints:
        """Read files (path and format), in the order in which a later row for the same window and key replaces an earlier one.

        `hive`: columns may stand in the paths (`day=2026-01-01/`). DataError if a file cannot be read or lacks a column.
        """
        import duckdb

        self._connection.execute(f"SET TimeZone = {literal(self._source.zone)}")
        names = ", ".join(f"{quote(key.name)} VARCHAR" for key in self._rollup.keys)
        self._connection.execute(
            f'CREATE OR REPLACE TEMP TABLE raw_points (place BIGINT, "__t" BIGINT, "__v" DOUBLE{", " + names if names else ""})'
        )
        rows, rejected = 0, dict[str, int]()
        for number, (path, form) in enumerate(files):
            try:
                scan = self._scan(path, form, hive=hive)
                self._connection.execute(f"CREATE OR REPLACE TEMP TABLE read_rows AS {typed_rows(scan, self._source, now, {})}")
            except duckdb.Error as error:
                raise DataError(f"{path}: {str(error).splitlines()[0]}", hint="is it whole, and what its name says?") from error
            value = quote(self._source.columns[1].name)
            shown = "".join(f", {quote(key.name)}" for key in self._rollup.keys)
            self._connection.execute(
                f'INSERT INTO raw_points SELECT {number} * 1000000000000 + rowid, "__t", {value}{shown} FROM read_rows '
                f'WHERE "__reason" IS NULL AND {value} IS NOT NULL'
            )
            for reason, count in self._connection.execute('SELECT "__reason", count(*) FROM read_rows GROUP BY 1').fetchall():
                rows += count
                if reason is not None:
                    rejected[reason] = rejected.get(reason, 0) + count
        return ReadPoints(rows, rejected)

    def _scan(self, path: str, form: str, *, hive: bool) -> str:
        """A scan of a file that gives the needed columns, as text."""
        wanted = [column.name for column in self._source.columns]
        if form == "ndjson":
            columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in wanted)
            return f"read_json({literal_path(path)}, format = 'newline_delimited', columns = {{{columns}}})"
        if form == "parquet":
            scan = read_parquet([path])[:-1] + f", hive_partitioning = {str(hive).lower()})"
        else:
            delimiter = literal(_EXTENSIONS[form])
            scan = f"read_csv({literal_path(path)}, header = true, all_varchar = true, delim = {delimiter}, quote = '\"', escape = '\"')"
        present = [row[0] for row in self._connection.execute(f"DESCRIBE SELECT * FROM {scan}").fetchall()]
        missing = [name for name in wanted if name not in present]
        if missing:
            raise DataError(f"{path} has no column '{missing[0]}'", hint=f"it has {', '.join(present[:12])}")
        shown = ", ".join(f"CAST({quote(name)} AS VARCHAR) AS {quote(name)}" for name in wanted)
        return f"(SELECT {shown} FROM {scan})"

    def times(self) -> list[int]:
        """The distinct times of the points that were read."""
        return [row[0] for row in self._connection.execute('SELECT DISTINCT "__t" FROM raw_points ORDER BY 1').fetchall()]

    def place(self, windows: Sequence[tuple[int, int, int]]) -> None:
        """Give each time its window: (time, start, start of the next one)."""
        import numpy as np

        columns = np.array(windows, dtype=np.int64).reshape(-1, 3)
        placed = {"t": columns[:, 0].copy(), "start": columns[:, 1].copy(), "next": columns[:, 2].copy()}
        self._connection.register("placed", placed)
        keys = [f"CAST({quote(key.name)} AS VARCHAR) AS {quote(dimension_column(key.name))}" for key in self._rollup.keys]
        self._connection.execute(
            f"CREATE OR REPLACE TEMP TABLE points AS SELECT {', '.join([f'start AS {quote(WINDOW)}', *keys])}, next, "
            f'"__v" AS {VALUE} FROM raw_points JOIN placed ON "__t" = t '
            f"QUALIFY row_number() OVER (PARTITION BY {', '.join(['start', *(quote(key.name) for key in self._rollup.keys)])} "
            "ORDER BY place DESC) = 1"
        )
        self._connection.unregister("placed")

    def revise(self, known_at: int, watermark: int | None) -> Changes:
        """Note what differs from what is known, as known since `known_at`; what lies behind the watermark is late.

        A point is gone if its window is not before all that were read: older ones are merely no longer told.
        """
        known = self._latest("true")
        before = self._connection.execute(f"SELECT max({KNOWN_AT}) FROM revisions").fetchone()
        known_at = known_at if before is None or before[0] is None else max(known_at, before[0] + 1)  # the order in which they came decides
        same = " AND ".join(f"p.{name} IS NOT DISTINCT FROM k.{name}" for name in (quote(WINDOW), *self._dimensions))
        late = "false" if watermark is None else f"p.next <= {watermark}"
        dimensions = "".join(f", {name}" for name in self._dimensions)
        own = "".join(f", p.{name}" for name in self._dimensions)
        counts = self._connection.execute(
            f"SELECT count(*) FILTER (WHERE k.{KNOWN_AT} IS NULL OR k.{VALUE} IS NULL), "
            f"count(*) FILTER (WHERE k.{VALUE} <> p.{VALUE}) FROM points p LEFT JOIN ({known}) k ON {same}"
        ).fetchone()
        self._connection.execute(
            f"CREATE OR REPLACE TEMP TABLE news AS "
            f"SELECT p.{quote(WINDOW)}, {known_at}::BIGINT AS {KNOWN_AT}, {late} AS {quote(LATE)}{own}, "
            f"p.{VALUE}, true AS fresh FROM points p LEFT JOIN ({known}) k ON {same} WHERE k.{VALUE} IS DISTINCT FROM p.{VALUE}"
        )
        gone = self._connection.execute(
            f"INSERT INTO news BY NAME SELECT {quote(WINDOW)}{dimensions}, {known_at}::BIGINT AS {KNOWN_AT}, true AS {quote(LATE)}, "
            f"NULL AS {VALUE}, true AS fresh FROM ({known}) k ANTI JOIN points p ON {same} "
            f"WHERE k.{VALUE} IS NOT NULL AND k.{quote(WINDOW)} >= (SELECT min({quote(WINDOW)}) FROM points)"
        ).fetchone()
        self._connection.execute("INSERT INTO revisions BY NAME SELECT * FROM news")
        assert counts is not None  # noqa: S101 - an aggregate gives one row
        return Changes(counts[0], counts[1], int(gone[0]) if gone else 0)

    # -- what is stored

    def fresh_sql(self) -> str:
        """SELECT of the revisions that are not stored yet."""
        return f"{self.all_sql()} WHERE fresh"

    def all_sql(self) -> str:
        """SELECT of all revisions."""
        return "SELECT * EXCLUDE (fresh) FROM revisions"

    def current_sql(self, as_of: int | None = None) -> str:
        """SELECT of the rollup's states: the latest value of each point, or that of a moment."""
        (measure,) = [item for item in self._rollup.measures if item.id != "rows"]
        columns = zip(column_names(measure.id, measure.kind), STATES[measure.kind].columns, _STATE[measure.kind], strict=True)
        states = ", ".join(f"CAST({quote(own)} AS {kind.upper()}) AS {quote(name)}" for name, (_, kind), own in columns)
        known = self._latest("true" if as_of is None else f"{KNOWN_AT} <= {as_of}")
        return f"SELECT {self._keys}, {quote(LATE)}, 1::BIGINT AS rows, {states} FROM ({known}) WHERE {VALUE} IS NOT NULL"

    def heartbeat_sql(self, as_of: int | None = None) -> str:
        """SELECT of the windows that have points at all, in the steps of the heartbeat."""
        step = self._source.heartbeat.grain.microseconds
        start = f"{quote(WINDOW)} - (({quote(WINDOW)} % {step}) + {step}) % {step}"
        shown = f"{start} AS {quote(WINDOW)}, false AS {quote(LATE)}, sum(rows)::BIGINT AS rows"
        return f"SELECT {shown} FROM ({self.current_sql(as_of)}) GROUP BY 1"

    def last_window(self, as_of: int | None = None) -> tuple[int | None, int]:
        """The start of the last window with a point, None if there is none; and how many points there are."""
        found = self._connection.execute(f"SELECT max({quote(WINDOW)}), count(*) FROM ({self.current_sql(as_of)})").fetchone()
        return (None, 0) if found is None else (found[0], found[1])

    def _latest(self, which: str) -> str:
        return f"SELECT * FROM revisions WHERE {which} QUALIFY row_number() OVER (PARTITION BY {self._keys} ORDER BY {KNOWN_AT} DESC) = 1"
