"""The engine: what is chosen, how it is counted, and what the other verbs insist on."""

from pathlib import Path

import pytest

from metricsctl.core.diagnostics import Severity
from metricsctl.core.errors import ProjectError, UsageError
from metricsctl.definition.load import load, load_text
from metricsctl.lint.docs import pages
from metricsctl.lint.engine import check, run
from metricsctl.lint.registry import all_rules, chosen

ROOT = Path(__file__).parents[3]
SPEC = ROOT / "tests" / "fixtures" / "spec" / "metrics.yml"
BROKEN = """\
version: 1
sources:
  - {name: idle, time: ts, columns: [{name: ts, type: timestamp}]}
metrics:
  - {name: aB, type: simple, source: nowhere, agg: count}
"""


def test_select_and_ignore_by_prefix() -> None:
    assert chosen([], []) == frozenset(all_rules())
    assert chosen(["M10"], ["M101", "M107"]) == {"M102", "M103", "M104", "M105", "M106", "M108", "M109"}
    with pytest.raises(UsageError, match="no rule begins with 'M8'"):
        chosen(["M8"], [])


def test_counts_and_the_exit_decision() -> None:
    report = run(load_text(BROKEN), ignore=["M2"])
    assert [item.code for item in report.findings] == ["M106", "M102", "M104"]
    assert report.worst is Severity.ERROR
    assert report.fails(Severity.ERROR)
    warnings = run(load_text(BROKEN), select=["M106"])
    assert (warnings.worst, warnings.fails(Severity.ERROR), warnings.fails(Severity.WARNING)) == (Severity.WARNING, False, True)
    assert report.summary() == "2 errors, 1 warning in 1 file"
    assert run(load_text("version: 1\nmetrics: []\n")).summary() == "All checks passed: no definitions in 1 file"


def test_broken_yaml_cannot_be_ignored() -> None:
    report = run(load_text("version: 1\n\tx: 1\n"), select=["M4"])
    assert [item.code for item in report.findings] == ["M001"]


def test_the_other_verbs_insist_on_references_alone() -> None:
    with pytest.raises(ProjectError) as caught:
        check(load_text(BROKEN))
    assert [item.code for item in caught.value.diagnostics] == ["M104"]
    project = load_text(BROKEN.replace("nowhere", "idle"))
    assert check(project) is project


def test_the_specification_is_clean() -> None:
    report = run(load([SPEC], root=ROOT))
    assert report.findings == ()
    assert check(load([SPEC], root=ROOT)).metrics


@pytest.mark.parametrize("rule", all_rules().values(), ids=lambda rule: rule.code)
def test_every_rule_has_a_page(rule) -> None:
    assert rule.summary.endswith(".")
    for heading in ("What it does", "Why", "Example", "Use instead", "References"):
        assert f"\n## {heading}\n" in rule.page


def test_the_pages_in_docs_are_those_of_the_rules() -> None:
    folder = ROOT / "docs" / "rules"
    written = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
    assert written == pages(), "run `python -m metricsctl.lint.docs docs/rules`"


def test_a_thousand_metrics_are_quick() -> None:
    import time

    lines = "".join(
        f"  - {{name: m_{n}_x, description: Number {n} of all., owner: x, type: simple, source: idle, agg: count, filter: ts > {n}}}\n"
        for n in range(1000)
    )
    head = BROKEN.split("metrics:", maxsplit=1)[0].replace("time: ts", "description: One row a move., time: ts")
    project = load_text(f"{head}metrics:\n{lines}")
    began = time.process_time()
    assert run(project).findings == ()
    assert time.process_time() - began < 2
