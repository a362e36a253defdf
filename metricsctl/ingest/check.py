"""Whether the engine can compute what the definitions say, before a single event is read."""

from __future__ import annotations

from collections.abc import Iterable

from metricsctl.core.diagnostics import Diagnostic, Severity, Span
from metricsctl.core.errors import ProjectError
from metricsctl.definition.project import Project
from metricsctl.definition.schema import Simple
from metricsctl.engine.duckdb.ingest import DuckDbFolder, SqlFaultError
from metricsctl.plan.types import Plan, Rollup, Sql, bases

__all__ = ["check_expressions"]

_NUMBERS = {"sum", "mean", "min", "max", "first", "last", "values", "quantiles", "moments"}


def check_expressions(project: Project, plan: Plan, folder: DuckDbFolder, rollups: Iterable[Rollup]) -> None:
    """Raise ProjectError, with every fault at its place, if the engine refuses an expression or an aggregate gets no numbers."""
    wanted = {rollup.id: rollup for rollup in rollups}
    faults: list[Diagnostic] = []
    broken = {rollup.relation for rollup in wanted.values() if not _holds(project, folder, rollup, faults)}
    done: set[tuple[str, str]] = set()
    for computation in plan.computations.values():
        for base in bases(computation):
            rollup = wanted.get(base.rollup)
            if rollup is None or rollup.relation in broken or (base.rollup, base.measure.id) in done:
                continue
            done.add((base.rollup, base.measure.id))
            metric = project.metric(base.metric)
            assert isinstance(metric, Simple)  # noqa: S101 - a base is made of a simple metric
            for filter_sql in base.measure.filters:
                _check(folder, rollup, filter_sql, metric.place("filter"), faults)
            if base.measure.expr is not None:
                number = base.measure.state.kind in _NUMBERS
                _check(folder, rollup, base.measure.expr, metric.place("expr"), faults, number_for=metric.agg if number else None)
    if faults:
        raise ProjectError.of(sorted(set(faults), key=lambda fault: fault.sort_key))


def _holds(project: Project, folder: DuckDbFolder, rollup: Rollup, faults: list[Diagnostic]) -> bool:
    """Whether the relation of a rollup can be made, with its event time and dimensions."""
    relation = project.relation(rollup.relation)
    place = relation.name.span if relation else None
    time = Sql(f'CAST("{rollup.time_column}" AS TIMESTAMP)', "duckdb")
    faulty = [sql for sql in (time, *(key.expr for key in rollup.keys), *rollup.entity) if not _check(folder, rollup, sql, place, faults)]
    return not faulty


def _check(
    folder: DuckDbFolder, rollup: Rollup, sql: Sql, place: Span | None, faults: list[Diagnostic], *, number_for: str | None = None
) -> bool:
    try:
        numeric = folder.is_numeric(rollup, sql)
    except SqlFaultError as fault:
        faults.append(Diagnostic("M501", Severity.ERROR, fault.message, place, fault.hint))
        return False
    if number_for is not None and not numeric:
        found = folder.expression_type(rollup, sql)
        message = f"{number_for} needs numbers, '{sql.text}' is {found}"
        faults.append(Diagnostic("M501", Severity.ERROR, message, place, "declare the column's type under `columns:` of its source"))
        return False
    return True
