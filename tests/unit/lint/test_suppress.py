"""Comments that leave findings unsaid: where they count, until when, and what is no comment at all."""

import datetime as dt
from pathlib import Path

import pytest

from metricsctl.definition.load import load, load_text
from metricsctl.lint.engine import run
from metricsctl.lint.settings import Settings

HEAD = "version: 1\nsources:\n  - {name: log, time: ts, columns: [{name: ts, type: timestamp}]}\n"
DAY = Settings(today=dt.date(2026, 6, 1))


def said(text: str) -> tuple[list[tuple[str, int]], int]:
    report = run(load_text(HEAD + text), select=["M104", "M102", "M503", "M9"], settings=DAY)
    return [(item.code, item.span.line) for item in report.findings if item.span], report.suppressed


BAD = "{name: bB, type: simple, source: gone, agg: count}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"metrics:\n  - {BAD}\n", ([("M102", 5), ("M104", 5)], 0)),
        (f"metrics:\n  - {BAD} # metricsctl: disable=M104\n", ([("M102", 5)], 1)),
        (f"metrics:\n  - {BAD} # metricsctl: disable=M104, M102  both are legacy\n", ([], 2)),
        (f"metrics:\n  - {BAD} # metricsctl: disable=M1\n", ([], 2)),
        (f"metrics:\n  - {BAD} # metricsctl: disable=unknown-reference,name-form\n", ([], 2)),
        (f"metrics:\n  # metricsctl: disable=M1\n\n  # an ordinary comment\n  - {BAD}\n", ([], 2)),
        (f"metrics:\n  # metricsctl: disable=M1\n  - {{name: a, alias_of: z}}\n  - {BAD}\n", ([("M102", 7), ("M104", 7)], 1)),
        (f"# metricsctl: disable=M1\nmetrics:\n  - {BAD}\n", ([], 2)),
        (f"metrics:\n  - {BAD}\n# metricsctl: disable-file=M102\n", ([("M104", 5)], 1)),
        (f"metrics:\n  - {BAD} # metricsctl: snooze=M1 until=2026-06-01\n", ([], 2)),
        (f"metrics:\n  - {BAD} # metricsctl: snooze=M1 until=2026-05-31\n", ([("M102", 5), ("M104", 5), ("M901", 5)], 0)),
        (f"metrics:\n  - {BAD} # see metricsctl: disable=M1\n", ([("M102", 5), ("M104", 5)], 0)),
        (f"metrics:\n  - {BAD[:-1]}, label: '# metricsctl: disable=M1'}}\n", ([("M102", 5), ("M104", 5)], 0)),
        (f"metrics:\n  - {BAD[:-1]}, label: a#metricsctl:disable=M1}}\n", ([("M102", 5), ("M104", 5)], 0)),
    ],
)  # fmt: skip
def test_where_a_comment_counts(text: str, expected: tuple[list[tuple[str, int]], int]) -> None:
    assert said(text) == expected


def test_the_lines_below_it_that_are_indented_belong_to_it() -> None:
    entry = "  - name: {}\n    type: simple\n    source: gone\n    agg: count\n"
    assert said("metrics:\n  # metricsctl: disable=M104\n" + entry.format("a") + entry.format("b")) == ([("M104", 12)], 1)


def test_sql_has_comments_of_its_own(tmp_path: Path) -> None:
    sql = "SELECT ts, nope AS x  -- metricsctl: disable=M503 comes later\nFROM log\n"
    block = "".join(f"      {line}\n" for line in sql.splitlines())
    assert said(f"models:\n  - name: m\n    sql: |\n{block}") == ([], 1)
    (tmp_path / "m.sql").write_text(sql)
    (tmp_path / "metrics.yml").write_text(f"{HEAD}models:\n  - {{name: m, sql_file: m.sql}}\n")
    report = run(load([tmp_path], root=tmp_path), select=["M503", "M9"], settings=DAY)
    assert (report.findings, report.suppressed) == ((), 1)


def test_broken_yaml_cannot_be_wished_away() -> None:
    report = run(load_text("# metricsctl: disable-file=M001\nversion: 1\nversion: 1\n"))
    assert [item.code for item in report.findings] == ["M901", "M001"]


def test_rules_that_did_not_run_are_not_judged() -> None:
    text = f"{HEAD}metrics: []  # metricsctl: disable=M411\n"
    assert run(load_text(text), select=["M104", "M9"]).findings == ()
