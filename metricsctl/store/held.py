"""What a store holds of a plan: which metrics can be had from it, and which only a rebuild can give."""

from __future__ import annotations

from metricsctl.core.diagnostics import Diagnostic, Severity
from metricsctl.plan.types import Base, Computation, Plan, bases
from metricsctl.store.head import Head, TableState

__all__ = ["OPEN_FROM", "RETIRED", "held_measures", "is_held", "rebuild_findings", "waiting_metrics"]

OPEN_FROM = "open_from"  # in a table's meta: when the earliest session began that was not over at the end of the last run
RETIRED = "retired"  # in a table's meta: measures that an ingest did not feed because the definitions had dropped them


def held_measures(table: TableState) -> set[str]:
    """The measures of a table that have been fed from the first event on."""
    return set(table.meta.get("measures", ())) - set(table.meta.get(RETIRED, ()))


def is_held(computation: Computation, head: Head) -> bool:
    """Whether the store holds every state that a metric is computed from."""
    return all(_holds(head, base) for base in bases(computation))


def _holds(head: Head, base: Base) -> bool:
    table = head.tables.get(base.rollup)
    return table is not None and base.measure.id in held_measures(table)


def waiting_metrics(plan: Plan, head: Head) -> tuple[str, ...]:
    """The metrics that lack a state of a source of which the store has events: new or changed since it was filled.

    One that only lacks a source that was never read is not among them: reading it is enough.
    """
    fed = {name for name, state in head.sources.items() if state.rows}

    def waits(base: Base) -> bool:
        if any(plan.sources[name].external for name in plan.rollups[base.rollup].sources if name in plan.sources):
            return False  # a series is brought as a whole
        return not _holds(head, base) and not fed.isdisjoint(plan.rollups[base.rollup].sources)

    return tuple(sorted(name for name, found in plan.computations.items() if any(map(waits, bases(found)))))


def rebuild_findings(waiting: tuple[str, ...]) -> tuple[Diagnostic, ...]:
    """The finding about waiting metrics, if there are any."""
    if not waiting:
        return ()
    shown = ", ".join(waiting[:5]) + (f" and {len(waiting) - 5} more" if len(waiting) > 5 else "")
    what = "1 metric is" if len(waiting) == 1 else f"{len(waiting)} metrics are"
    message = f"{what} new or changed since the store was filled: {shown}"
    return (Diagnostic("needs-rebuild", Severity.WARNING, message, hint="run `metricsctl ingest --rebuild` with all event files"),)
