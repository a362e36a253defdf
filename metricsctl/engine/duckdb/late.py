"""Rows that a stream would not have waited for: those whose window lies behind the watermark when they are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from metricsctl.plan.types import SourcePlan

if TYPE_CHECKING:
    import duckdb

__all__ = ["LATE_REASON", "Late"]

LATE_REASON = "late"


@dataclass(slots=True)
class Late:
    """How far a source has come, row by row: the watermark is the latest time read (`reached`) less the lateness.

    The windows are the finest that metrics have of the source.
    """

    source: SourcePlan
    reached: int | None

    def mark(self, connection: duckdb.DuckDBPyConnection, table: str) -> None:
        """Reject the late ones of the accepted rows of a batch table, in its order."""
        step = self.source.heartbeat.grain.microseconds
        before = 'max("__t") OVER (ORDER BY rowid ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)'
        reached = "NULL" if self.reached is None else str(self.reached)
        rows = f'SELECT rowid AS r, "__t" AS t, greatest({before}, {reached}::BIGINT) AS reached FROM {table} WHERE "__reason" IS NULL'
        end = f"t - ((t % {step}) + {step}) % {step} + {step}"
        late = f"SELECT r FROM ({rows}) WHERE {end} <= reached - {self.source.lateness.microseconds}"
        connection.execute(f"""UPDATE {table} SET "__reason" = '{LATE_REASON}' WHERE rowid IN ({late})""")

    def note(self, time: int | None) -> None:
        """Take note of the latest accepted time of a batch."""
        if time is not None:
            self.reached = max(time, self.reached or time)
