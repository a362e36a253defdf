"""What is told of a run when it is over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from metricsctl.core.diagnostics import Diagnostic, Severity
from metricsctl.ingest.rejects import RejectLimit
from metricsctl.ingest.report import IngestReport, SourceReport
from metricsctl.plan.unfinished import left_out
from metricsctl.store.held import rebuild_findings, waiting_metrics

if TYPE_CHECKING:
    from metricsctl.ingest.session import Session

__all__ = ["report_of"]


def report_of(run: Session, store: str, limit: RejectLimit) -> IngestReport:
    """What a finished run did."""
    rejected = {name: sum(item.count for item in run.log.report() if item.source == name) for name in run.tallies}
    sources = tuple(
        SourceReport(
            name=name,
            rows=tally.rows,
            accepted=tally.accepted,
            rejected=rejected[name],
            duplicates=tally.duplicates,
            max_time=run.states[name].max_time,
            watermark=run.states[name].watermark,
            closed_until=run.states[name].closed_until,
        )
        for name, tally in run.tallies.items()
    )
    waiting = () if run.options.dry_run else waiting_metrics(run.plan, run.sink.head())
    return IngestReport(
        store=store,
        sources=sources,
        files=tuple(replace(file, rejected=run.file_rejects[file.source, file.path]) for file in run.files),
        rejects=run.log.report(),
        published=dict(sorted(run.published.items())),
        groups=run.groups,
        waiting=waiting,
        max_rejects=limit.text,
        over_limit=limit.exceeded(sum(item.rows for item in sources), sum(rejected.values())),
        dry_run=run.options.dry_run,
        rebuilt=run.options.rebuild and not run.options.dry_run,
        diagnostics=(*run.diagnostics, *run.crowded.findings(), *rebuild_findings(waiting), *_left_out(run)),
    )


def _left_out(run: Session) -> Iterator[Diagnostic]:
    """What was left out: rows of no source, and what this version does not compute of the definitions."""
    if run.unmatched:
        message = f"{run.unmatched:,} rows are of no source: no `match:` fits them"
        yield Diagnostic("unmatched", Severity.INFO, message)
    for model, rows in sorted(run.folder.sessions.without_entity.items()):
        if rows:
            yield Diagnostic("no-entity", Severity.WARNING, f"{rows:,} rows have no entity and belong to no session of '{model}'")
    for rollup, rows in sorted(run.folder.open_windows.too_late.items()):
        if rows:
            names = ", ".join(run.plan.metrics_on(rollup))
            message = f"{rows:,} events came when their window was final, and do not count in {names} (`rollup: final_only`)"
            yield Diagnostic("late", Severity.WARNING, message, hint="a longer `lateness:` waits for them")
    yield from map(left_out, run.plan.skipped.values())
