"""`ingest`: event files to published states, exactly once."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from metricsctl.core.progress import SILENT, Progress
from metricsctl.definition.project import Project
from metricsctl.engine.duckdb.connection import connect
from metricsctl.engine.duckdb.ingest import DuckDbFolder
from metricsctl.ingest.assign import assign
from metricsctl.ingest.crowded import Crowded
from metricsctl.ingest.options import IngestOptions
from metricsctl.ingest.pace import Pace
from metricsctl.ingest.readers import discover
from metricsctl.ingest.rejects import RejectLimit
from metricsctl.ingest.report import IngestReport
from metricsctl.ingest.scratch import ScratchStore
from metricsctl.ingest.session import Session
from metricsctl.ingest.sink import DrySink, Sink, StoreSink
from metricsctl.ingest.told import report_of
from metricsctl.plan.build import build
from metricsctl.store.writer import StoreWriter

__all__ = ["IngestOptions", "ingest"]


def ingest(
    project: Project,
    paths: Sequence[str],
    store: Path | ScratchStore,
    options: IngestOptions | None = None,
    *,
    stdin: BinaryIO | None = None,
    progress: Progress = SILENT,
) -> IngestReport:
    """Read event files into the store at `store`, or into one that is thrown away.

    Files are known by their content: what was read before is skipped, a grown file goes on where it ended.

    Raises
    ------
    UsageError
        A path, source or option that cannot be used.
    ProjectError
        The engine refuses an expression of the definitions.
    DataError
        A file that cannot be read at all (what was committed before it stays), or a store that is locked or damaged.
    """
    options = options or IngestOptions()
    limit = RejectLimit.parse(options.max_rejects)
    plan = build(project)
    with tempfile.TemporaryDirectory(prefix="metricsctl-") as scratch:
        spool = Path(scratch)
        files = assign(discover(list(paths), stdin=stdin, spool_dir=spool), plan.event_sources, options.source)
        with _sink(store, options) as sink:
            folder = DuckDbFolder(sink.connection, plan.sources, spool, memory=options.memory)
            run = Session(project, plan, options, sink, folder, spool, Pace(progress), Crowded(project))
            try:
                run.prepare(files)
                sink.carry_over(plan)
                run.read(files)
                run.finish()
            finally:
                run.log.discard()
                folder.close()
            return report_of(run, str(store.folder if isinstance(store, ScratchStore) else store), limit)


@contextlib.contextmanager
def _sink(store: Path | ScratchStore, options: IngestOptions) -> Iterator[Sink]:
    if isinstance(store, ScratchStore):
        yield store
        return
    if options.dry_run:
        connection = connect(None)
        try:
            yield DrySink(connection)
        finally:
            connection.close()
        return
    with StoreWriter.open(store, rebuild=options.rebuild) as writer:
        yield StoreSink(writer)
