"""`watch:`, `sla:` and `calendar:` are heeded by `detect`."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import metricsctl
from metricsctl.detect.report import AnomalyReport, Episode, ScoredSeries

HOUR = 3_600_000_000
YAML = """
version: 1
defaults: {{grain: 1h, owner: me, timezone: Europe/Berlin}}
sources:
  - name: hits
    time: {{column: at, lateness: 3h}}
    dimensions: [site]
    columns: [{{name: at, type: timestamp}}, {{name: site}}]
metrics:
  - name: visits
    description: Visits.
    type: simple
    source: hits
    agg: count
    tags: [gold]
    {asked}
  - {{name: again, description: Visits again., type: simple, source: hits, agg: count, watch: {{by: []}}}}
{calendar}
"""
Detect = Callable[..., AnomalyReport]


@pytest.fixture(scope="module")
def detect(tmp_path_factory: pytest.TempPathFactory) -> Detect:
    """`detect` with more written of the metric: three weeks of hits, of which half are lost on 26 March and a third on 27 March."""
    folder = tmp_path_factory.mktemp("heeded")
    rng = np.random.default_rng(0)
    lines = ["at,site"]
    for hour in range(21 * 24):
        lost = {18: 0.5, 19: 0.67}.get(hour // 24, 1.0)
        for site in "ab":
            lines += [f"{np.datetime64('2026-03-08T00') + np.timedelta64(hour, 'h')}:00:00Z,{site}"] * int(rng.poisson(60 * lost))
    (folder / "hits.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    project = folder / "project"
    project.mkdir()

    def run(asked: str = "", calendar: str = "") -> AnomalyReport:
        (project / "metrics.yml").write_text(YAML.format(asked=asked, calendar=calendar), encoding="utf-8")
        opened = metricsctl.open(project, folder / "store")
        if not Path(folder / "store").exists():
            opened.ingest(folder / "hits.csv")
        return opened.detect()

    return run


def days(report: AnomalyReport, metric: str = "visits") -> set[str]:
    return {one.onset[:10] for one in of(report, metric)}


def of(report: AnomalyReport, metric: str = "visits") -> list[Episode]:
    return [one for one in report.episodes if one.metric == metric]


def total(report: AnomalyReport) -> ScoredSeries:
    return next(one for one in report.series if not one.key)


def test_without_them_both_days_and_all_segments_are_told(detect: Detect) -> None:
    plain = detect()
    assert days(plain) >= {"2026-03-26"}
    assert {str(dict(one.key)) for one in plain.series if one.metric == "visits"} == {"{}", "{'site': 'a'}", "{'site': 'b'}"}
    assert {(one.severity, one.runbook) for one in of(plain)} == {(None, None)}


@pytest.mark.parametrize("affects", ["", ", affects: [visits]", ", affects: ['tag:gold']"])
def test_known_days_are_neither_judged_nor_learned_from(detect: Detect, affects: str) -> None:
    report = detect(calendar=f"calendar: [{{name: fair, from: 2026-03-26, to: 2026-03-27{affects}}}]")
    assert not days(report, "visits") & {"2026-03-26", "2026-03-27"}
    assert report.stats["windows_excluded"] == 48 * (3 if affects else 4)


def test_watch_says_what_matters(detect: Detect) -> None:
    assert [dict(one.key) for one in detect("watch: {by: []}").series] == [{}, {}]
    assert of(detect("watch: {min_effect: {abs: 1000}}")) == []
    assert of(detect("watch: {min_effect: {rel: 90%}}")) == []
    assert of(detect("watch: {min_sample: 100000}")) == []
    assert days(detect("watch: {min_effect: {rel: 10%, abs: 5}, min_sample: 30}")) >= {"2026-03-26"}
    told = of(detect("watch: {severity: page, runbook: 'https://wiki.example/visits'}"))
    assert {(one.severity, one.runbook) for one in told} == {("page", "https://wiki.example/visits")}


def test_watch_has_a_budget_of_its_own(detect: Detect) -> None:
    strict, lax = (detect(f"watch: {{budget: {budget}}}") for budget in ("1/365d", "3/day"))
    assert len(of(lax)) > len(of(strict))


def test_windows_are_judged_once_they_are_complete(detect: Detect) -> None:
    plain, late = (total(detect(asked)) for asked in ("", "sla: {complete_after: 12h}"))
    assert np.count_nonzero(late.status == 4) - np.count_nonzero(plain.status == 4) == 12
