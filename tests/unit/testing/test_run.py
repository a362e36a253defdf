"""`tests:` of a project, run through the real engine: what passes, what differs and how that is shown, what cannot be run."""

import json
from pathlib import Path

import jsonschema
import pytest

from metricsctl.definition.load import load
from metricsctl.render import render
from metricsctl.render.json_schema import schema_of
from metricsctl.testing.report import TestReport
from metricsctl.testing.run import run_tests

PROJECT = """\
version: 1
sources:
  - name: log
    time: ts
    dimensions: [country]
    columns:
      - {name: ts, type: timestamp}
      - {name: amount, type: double}
      - {name: country, type: string}
models:
  - {name: big, sql: "SELECT ts, amount, country FROM log WHERE amount > 5", time: ts, dimensions: [country]}
metrics:
  - {name: revenue, type: simple, source: log, agg: sum, expr: amount, variants: {de: "country = 'DE'"}}
  - {name: orders, type: simple, source: log, agg: count}
  - {name: big_orders, type: simple, source: big, agg: count}
  - {name: aov, type: ratio, numerator: revenue, denominator: orders, on_zero: absent}
tests:
  - name: a sum, by country as the points say
    metric: revenue
    given:
      log:
        - {ts: "2026-01-01T00:00:00Z", amount: 10, country: DE}
        - {ts: "2026-01-01T00:59:59Z", amount: 5, country: DE}
        - {ts: "2026-01-01T00:10:00Z", amount: 7, country: null}
    expect:
      - {time: "2026-01-01T01:00:00+01:00", value: 15, country: DE}
      - {time: "2026-01-01T00:00:00Z", value: 7, country: null}
  - name: a quotient out of files, within a tolerance
    metric: aov
    given: {log: events.csv}
    expect: points.csv
    tolerance: {rel: 0.01}
  - name: a variant
    metric: revenue.de
    given: {log: events.csv}
    expect: [{time: "2026-01-01T00:00:00Z", value: 3}]
  - name: what differs is shown
    metric: big_orders
    given:
      log:
        - {ts: "2026-01-01T00:00:00Z", amount: 10, country: DE}
        - {ts: "2026-01-01T02:00:00Z", amount: 10, country: AT}
        - {ts: "2026-01-01T03:00:00Z", amount: 10, country: AT}
    by: [country]
    expect:
      - {time: "2026-01-01T00:00:00Z", value: 2, country: DE}
      - {time: "2026-01-01T02:00:00Z", value: 1, country: AT}
      - {time: "2026-01-01T05:00:00Z", value: 1, country: AT}
      - {time: "2026-01-01T06:00:00Z", value: null, country: AT}
  - name: rejected rows
    metric: revenue
    given: {log: [{ts: "2026-01-01T00:00:00Z", amount: much, country: DE}]}
    expect: []
  - name: rows of a model
    metric: big_orders
    given: {big: [{ts: "2026-01-01T00:00:00Z", amount: 10, country: DE}]}
    expect: []
  - {name: no such file, metric: revenue, given: {log: nowhere.csv}, expect: []}
  - {name: no such points, metric: revenue, given: {log: events.csv}, expect: nowhere.csv}
  - {name: points that are none, metric: revenue, given: {log: events.csv}, expect: broken.csv}
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> TestReport:
    folder = tmp_path_factory.mktemp("project")
    (folder / "metrics.yml").write_text(PROJECT)
    (folder / "events.csv").write_text(
        "ts,amount,country\n2026-01-01T00:00:00Z,1,DE\n2026-01-01T00:30:00Z,2,DE\n2026-01-01T00:30:00Z,4,AT\n"
    )
    (folder / "points.csv").write_text("time,value\n2026-01-01T00:00:00Z,2.33\n2026-01-01T01:00:00Z,\n")
    (folder / "broken.csv").write_text("time,value\nyesterday,1\n")
    return run_tests(load([folder], root=folder))


def test_outcomes(report: TestReport) -> None:
    assert [(item.name, item.outcome) for item in report.results if item.outcome != "passed"] == [
        ("what differs is shown", "failure"),
        ("rejected rows", "error"),
        ("rows of a model", "error"),
        ("no such file", "error"),
        ("no such points", "error"),
        ("points that are none", "error"),
    ]
    assert report.summary() == "3 passed, 1 failed, 5 could not be run"
    assert not report.passed


def test_what_differs_is_shown_as_a_diff(report: TestReport) -> None:
    failed = next(item for item in report.results if item.outcome == "failure")
    assert failed.message == "3 of 5 points of big_orders not as expected"
    assert failed.lines() == [
        "~  2026-01-01T00:00:00Z  DE  2       is 1",
        "   2026-01-01T02:00:00Z  AT  1",
        "+  2026-01-01T03:00:00Z  AT  1       not expected",
        "-  2026-01-01T05:00:00Z  AT  1       is absent",
        "   2026-01-01T06:00:00Z  AT  absent",
    ]


def test_what_cannot_be_run_says_why(report: TestReport) -> None:
    said = {item.name: item.message for item in report.results if item.outcome == "error"}
    assert said["rejected rows"] == "1 row of 'log' rejected: bad_value: amount"
    assert said["rows of a model"] == "given: 'big' is no source"
    assert said["no such file"].endswith("nowhere.csv: No such file or directory")
    assert "broken.csv:2: no point" in said["points that are none"]


def test_json_fits_its_schema_and_junit_counts(report: TestReport) -> None:
    jsonschema.validate(json.loads(render(report, "json")), schema_of("test"))
    text = str(render(report, "junit"))
    assert 'tests="9" failures="1" errors="5"' in text
    assert "+  2026-01-01T03:00:00Z  AT  1       not expected" in text


def test_names_choose(tmp_path: Path) -> None:
    (tmp_path / "metrics.yml").write_text(PROJECT)
    found = run_tests(load([tmp_path], root=tmp_path), ["A Variant", "no such"])
    assert [item.name for item in found.results] == ["a variant", "no such file", "no such points"]
