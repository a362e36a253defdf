"""The library's front door: one project, its store, and what can be done with them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from metricsctl.definition.project import Project
    from metricsctl.detect.report import AnomalyReport, Emit
    from metricsctl.explain.report import Explanation
    from metricsctl.impact.report import ImpactReport
    from metricsctl.ingest.external.report import SeriesReport
    from metricsctl.ingest.report import IngestReport
    from metricsctl.lineage.graph import LineageGraph
    from metricsctl.lineage.report import Direction, LineageReport
    from metricsctl.lint.report import LintReport
    from metricsctl.query.frame import QueryReport

__all__ = ["Workspace", "load", "open"]


def load(path: str | Path) -> Project:
    """Read the definitions in a file or a folder.

    Findings are in `Project.findings`; UsageError where there is nothing to read.
    """
    from metricsctl.definition.load import load as read

    return read([Path(path)])


def open(path: str | Path, store: str | Path | None = None) -> Workspace:  # noqa: A001 - the public name
    """A workspace on the definitions in a file or a folder; `store` defaults to `.metricsctl/store` beside them."""
    place = Path(path)
    folder = place if place.is_dir() else place.parent
    return Workspace(load(place), Path(store) if store is not None else folder / ".metricsctl" / "store", place)


@dataclass(frozen=True, slots=True)
class Workspace:
    """A project, the folder of its store, and the path of its definitions.

    Every method raises ProjectError if the definitions it needs are broken, `lint` excepted.
    """

    project: Project
    store: Path
    path: Path = Path()

    def lint(self, *, select: Iterable[str] = (), ignore: Iterable[str] = (), max_depth: int = 10) -> LintReport:
        """Check the definitions; `select` and `ignore` are prefixes of rule codes."""
        from metricsctl.lint.engine import run
        from metricsctl.lint.facts import Settings

        return run(self.project, select=select, ignore=ignore, settings=Settings(max_depth=max_depth))

    def graph(self) -> LineageGraph:
        """The whole lineage graph."""
        from metricsctl.lineage.graph import build

        return build(self._checked())

    def lineage(
        self,
        *nodes: str,
        direction: Direction = "both",
        depth: int | None = None,
        columns: bool = False,
        column: str | None = None,
    ) -> LineageReport:
        """What `nodes` are made of and what is made of them; without nodes, all there is. UnknownName for a node that is not there."""
        from metricsctl.core.html import draw_with
        from metricsctl.lineage.report import trace

        draw_with("lineage", _picture)
        return trace(self.graph(), nodes, direction=direction, depth=depth, columns=columns, column=column)

    def impact(
        self,
        *,
        base: str | None = None,
        change: str | Path | None = None,
        metric: str | None = None,
        source: str | None = None,
        why: str | None = None,
        why_not: str | None = None,
        head: str | None = None,
        sample: Sequence[str | Path] | None = None,
        observe: bool = False,
    ) -> ImpactReport:
        """What moves: by the difference to `base` (a git ref or a folder), by the events in a file, or if a metric or a source changed.

        One of the four must be given; `head` names a commit, or ":index", to be compared with `base` instead of the working tree. `why`
        asks for every path to a metric, `why_not` why one does not move; `sample` are event files on which both versions are run (none:
        generated rows); `observe` asks which metrics of the store really moved. See `metricsctl.impact.ask.ask` for the errors.
        """
        from metricsctl.impact.ask import ask
        from metricsctl.impact.run import Options
        from metricsctl.lint.engine import check

        file = None if change is None else Path(change)
        options = Options(why, why_not)
        events = None if sample is None else [str(path) for path in sample]
        return ask(
            self._checked,
            [self.path],
            check=check,
            base=base,
            head=head,
            change=file,
            metric=metric,
            source=source,
            options=options,
            sample=events,
            observe=self.store if observe else None,
        )

    def ingest(
        self,
        *paths: str | Path,
        source: str | None = None,
        final: bool = False,
        rebuild: bool = False,
        dry_run: bool = False,
        atomic: bool = False,
        drop_late: bool = False,
        rejects: Path | None = None,
        max_rejects: str = "1%",
    ) -> IngestReport:
        """Read event files into the store; see `metricsctl.ingest.run.ingest` for the options and errors."""
        from metricsctl.ingest.run import IngestOptions, ingest

        options = IngestOptions(
            source=source,
            final=final,
            rebuild=rebuild,
            dry_run=dry_run,
            atomic=atomic,
            drop_late=drop_late,
            rejects=rejects,
            max_rejects=max_rejects,
        )
        return ingest(self._checked(), [str(path) for path in paths], self.store, options)

    def bring(self, *series: str) -> SeriesReport:
        """Bring series that live elsewhere (default: all) into the store; see `metricsctl.ingest.external.run.bring` for the errors."""
        from metricsctl.ingest.external import bring

        return bring(self._checked(), self.store, series)

    def query(
        self,
        *metrics: str,
        by: Iterable[str] = (),
        grain: str | None = None,
        since: int | str | None = None,
        until: int | str | None = None,
        where: str | None = None,
        order: str | None = None,
        limit: int | None = None,
        as_of: int | str | None = None,
    ) -> QueryReport:
        """Compute metrics from the store, filled as their definitions say; `grain` as in "1d", all else as in `query.run.QueryOptions`."""
        from metricsctl.core.errors import UsageError
        from metricsctl.core.timegrid import Grain
        from metricsctl.query.run import QueryOptions, query

        try:
            length = None if grain is None else Grain.parse(grain)
        except ValueError as error:
            raise UsageError(str(error), hint="for example 1h, 1d, 1w, 1mo") from error
        options = QueryOptions(
            by=tuple(by), grain=length, since=since, until=until, where=where, fill=True, order=order, limit=limit, as_of=as_of
        )
        return query(self._checked(), self.store, metrics, options)

    def detect(
        self,
        *metrics: str | pd.DataFrame | pd.Series,
        by: Iterable[str] = (),
        detector: str = "auto",
        grain: str | None = None,
        since: int | str | None = None,
        until: int | str | None = None,
        budget: str | None = None,
        emit: Emit = "anomalies",
        time: str | None = None,
        value: str | None = None,
    ) -> AnomalyReport:
        """Anomalies of metrics (default: all) and of their segments; or of a data frame, for which neither definitions nor store are read.

        `grain` as in "1d", `budget` as in "1/week", `emit` what `to_pandas()` of the result gives, all else as in
        `metricsctl.detect.run.DetectOptions`. `time`, `value` and `by` name the columns of a data frame; they are inferred where there
        is no doubt. UsageError for a data frame beside metrics, with a `grain` or an `until`, and for `time` or `value` without one.
        """
        from metricsctl.core.errors import UsageError
        from metricsctl.core.timegrid import Grain
        from metricsctl.detect.budget import Budget
        from metricsctl.detect.run import DetectOptions, detect, detect_frame

        names = tuple(item for item in metrics if isinstance(item, str))
        frames = [item for item in metrics if not isinstance(item, str)]
        try:
            length = None if grain is None else Grain.parse(grain)
        except ValueError as error:
            raise UsageError(str(error), hint="for example 1h, 1d, 1w, 1mo") from error
        allowed = None if budget is None else Budget.parse(budget)
        options = DetectOptions(by=tuple(by), detector=detector, grain=length, since=since, until=until, budget=allowed, emit=emit)
        if not frames:
            if time is not None or value is not None:
                raise UsageError(
                    "`time` and `value` name columns of a data frame", hint="give the frame: ws.detect(frame, time=..., value=...)"
                )
            return detect(self._checked(), self.store, names, options)
        if names or len(frames) > 1:
            raise UsageError("a data frame is looked at alone", hint="ask once for each frame, and once for the metrics")
        if grain is not None or until is not None:
            raise UsageError("`grain` and `until` are for metrics", hint="cut or resample the data frame itself")
        return detect_frame(frames[0], time=time, value=value, options=options)

    def explain(self, metric: str | None = None, *, at: str | int | None = None, anomaly: str | None = None) -> Explanation:
        """Why a metric moved: at a time, in the episode called `anomaly`, or in the worst that `detect` finds.

        See `metricsctl.explain.run.explain` for the errors.
        """
        from metricsctl.explain.run import explain

        return explain(self._checked(), self.store, metric, at=at, episode=anomaly)

    def _checked(self) -> Project:
        from metricsctl.lint.engine import check

        return check(self.project)


def _picture(report: LineageReport) -> str:
    from metricsctl.render.inline import render

    return render(report)
