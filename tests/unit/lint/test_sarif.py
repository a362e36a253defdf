"""SARIF: valid against the published schema, and the same fingerprints whatever line a finding stands on."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from metricsctl.definition.load import load_text
from metricsctl.lint.engine import run
from metricsctl.render.sarif import log

ROOT = Path(__file__).parents[3]
SCHEMA = json.loads((ROOT / "tests" / "fixtures" / "sarif" / "sarif-schema-2.1.0.json").read_text(encoding="utf-8"))
TEXT = """\
version: 1
sources:
  - {name: log, time: ts, columns: [{name: ts, type: timestamp}]}
metrics:
  - {name: m, type: simple, source: logg, agg: count}
  - {name: d, type: derived, expr: cur, inputs: {cur: m, old: m}}
  - {name: d, type: derived, expr: cur, inputs: {cur: m, old: m}}
"""


def results(text: str, path: str = "metrics.yml") -> list[dict[str, Any]]:
    report = run(load_text(text, path))
    found = log(report)
    jsonschema.Draft4Validator(SCHEMA, format_checker=jsonschema.FormatChecker()).validate(found)
    listed: list[dict[str, Any]] = found["runs"][0]["results"]
    assert len(listed) == len(report.findings)
    return listed


@pytest.mark.parametrize("text", [TEXT, "version: 1\n\tx: 1\n", "version: 1\nmetrics: []\n"], ids=["findings", "broken", "clean"])
def test_the_log_is_valid(text: str) -> None:
    results(text)


def test_a_path_becomes_a_uri() -> None:
    (first, *_) = results(TEXT, "all metrics/ä%.yml")
    assert first["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "all%20metrics/%C3%A4%25.yml"


def test_fixes_are_in_it() -> None:
    (found,) = [item for item in results(TEXT) if item["ruleId"] == "M108"]
    (change,) = found["fixes"][0]["artifactChanges"]
    assert change["replacements"][0]["insertedContent"] == {"text": ""}


def test_fingerprints_do_not_depend_on_lines_and_tell_equal_findings_apart() -> None:
    def prints(text: str) -> list[str]:
        return [item["partialFingerprints"]["metricsctl/v1"] for item in results(text)]

    before = prints(TEXT)
    assert len(set(before)) == len(before) > 3
    assert prints(TEXT.replace("metrics:\n", "# a comment\n\nmetrics:\n")) == before
    assert prints(TEXT.replace("logg", "logs"))[1:] != before
