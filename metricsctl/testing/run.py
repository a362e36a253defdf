"""Runs the tests of a project: each in a store of its own, through ingest and query as they are."""

from __future__ import annotations

import json
import math
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from metricsctl.core.errors import DataError, MetricsctlError, UsageError
from metricsctl.core.progress import SILENT, Progress
from metricsctl.core.timegrid import to_iso
from metricsctl.definition.points import ExpectedPoint
from metricsctl.definition.project import Project
from metricsctl.definition.schema import MetricTest
from metricsctl.ingest.run import IngestOptions, ingest
from metricsctl.ingest.scratch import ScratchStore
from metricsctl.plan.narrow import narrowed
from metricsctl.query.frame import SeriesFrame
from metricsctl.query.run import QueryOptions, query
from metricsctl.testing.points import read_points
from metricsctl.testing.report import PointCheck, TestReport, TestResult, Verdict

__all__ = ["run_tests"]

_BATCH = 1 << 20  # bytes of events that are read at once
Key = tuple[int, tuple[str | None, ...]]


def run_tests(project: Project, names: Iterable[str] = (), *, progress: Progress = SILENT) -> TestReport:
    """Run the tests whose names hold one of `names` (all without any), in the order of files and lines.

    A test that cannot be run (a metric that is not computed, rows that are rejected, a file that is not there) is an error among the
    results; nothing is raised for it.
    """
    wanted = tuple(name.lower() for name in names)
    tests = sorted(project.tests.values(), key=lambda test: test.name.span)
    chosen = [test for test in tests if not wanted or any(name in test.name.name.lower() for name in wanted)]
    results = []
    progress.start("testing", len(chosen), "tests")
    for number, test in enumerate(chosen, 1):
        results.append(_run(project, test))
        progress.advance(number)
    progress.finish()
    return TestReport(tuple(results))


def _run(project: Project, test: MetricTest) -> TestResult:
    name, metric, span = test.name.name, test.metric.name, test.name.span
    try:
        with tempfile.TemporaryDirectory(prefix="metricsctl-test-") as folder:
            expected = test.expect if not isinstance(test.expect, str) else read_points(_beside(project, test, test.expect))
            by = tuple(ref.name for ref in test.by) or tuple(dict.fromkeys(key for point in expected for key in point.dimensions))
            frame = _frame(project, test, by, Path(folder))
    except MetricsctlError as error:
        return TestResult(name, metric, "error", error.message, span, hint=error.hint)
    points = tuple(_compared(frame, by, expected, test))
    wrong = sum(point.verdict != "same" for point in points)
    if not wrong:
        return TestResult(name, metric, "passed", "", span, points)
    count = f"{wrong} of {len(points)} points" if len(points) > 1 else "the only point"
    return TestResult(name, metric, "failure", f"{count} of {metric} not as expected", span, points)


def _beside(project: Project, test: MetricTest, path: str) -> Path:
    """A path relative to the file in which a test stands."""
    return (project.root / test.span.path).parent / path


def _frame(project: Project, test: MetricTest, by: Sequence[str], folder: Path) -> SeriesFrame:
    """What the metric gives for the test's events."""
    only = narrowed(project, [test.metric.name])
    events = folder / "events"
    events.mkdir()
    for source, rows in test.given.items():
        if source not in project.sources:
            hint = "events go into sources; give rows of the sources that it reads"
            raise UsageError(f"given: '{source}' is no source", hint=hint)
        if isinstance(rows, str):
            _copy(_beside(project, test, rows), events, source)
        else:
            lines = "".join(json.dumps(row, allow_nan=True) + "\n" for row in rows)
            (events / f"{source}.ndjson").write_text(lines, encoding="utf-8")
    states = folder / "states"
    states.mkdir()
    with ScratchStore(states) as store:
        if any(events.iterdir()):
            report = ingest(only, [str(events)], store, IngestOptions(final=True, max_rejects="100%", batch_bytes=_BATCH))
            if report.rejected:
                first = report.rejects[0]
                rows = "1 row" if report.rejected == 1 else f"{report.rejected} rows"
                hint = "mend the events, or the types of the source's columns"
                raise DataError(f"{rows} of '{first.source}' rejected: {first.reason}", hint=hint)
        return query(only, store.reader(), [test.metric.name], QueryOptions(by=tuple(by), grain=test.grain)).frames[0]


def _copy(path: Path, folder: Path, source: str) -> None:
    suffixes = "".join(path.suffixes) or ".ndjson"
    try:
        shutil.copyfile(path, folder / f"{source}{suffixes}")
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", hint="`given` names files relative to the YAML file") from error


def _compared(frame: SeriesFrame, by: Sequence[str], expected: Sequence[ExpectedPoint], test: MetricTest) -> Iterable[PointCheck]:
    """Every expected point and every point with a value, by time and key."""
    wanted: dict[Key, float | None] = {}
    for point in expected:
        moment = int(point.time.timestamp() * 1_000_000)
        wanted[moment, tuple(point.dimensions.get(name) for name in by)] = point.value
    found: dict[Key, float | None] = {(time, key): value for time, key, value, _ in frame.rows() if value is not None}
    for time, key in sorted(wanted.keys() | found.keys(), key=lambda item: (item[0], [(part is not None, part or "") for part in item[1]])):
        place = (time, key)
        value, there = wanted.get(place), found.get(place)
        shown: Mapping[str, str | None] = dict(zip(by, key, strict=True))
        yield PointCheck(to_iso(time, frame.zone), shown, value, there, _verdict(place in wanted, value, there, test))


def _verdict(is_wanted: bool, expected: float | None, found: float | None, test: MetricTest) -> Verdict:
    if not is_wanted:
        return "unexpected"
    if expected is None or found is None:
        return "same" if expected is found else "missing" if found is None else "differs"
    tolerance = test.tolerance
    rel, absolute = (tolerance.rel, tolerance.abs) if tolerance is not None else (1e-9, 1e-12)
    return "same" if math.isclose(expected, found, rel_tol=rel, abs_tol=absolute) else "differs"
