"""Every command's JSON is what its printed schema says."""

import io
import json
import sys
from pathlib import Path

import jsonschema
import pytest

from metricsctl.cli.app import run
from metricsctl.definition.jsonschema import project_schema
from metricsctl.render.json_schema import REPORTS, schema_of

SPEC = Path(__file__).parents[1] / "fixtures" / "spec" / "metrics.yml"
SERIES = Path(__file__).parents[1] / "golden" / "detect" / "input" / "input.csv"


def output_of(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> tuple[int, str]:
    out = io.StringIO()
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", out)
        patched.setattr(sys, "stderr", io.StringIO())
        code = run(arguments)
    return code, out.getvalue()


@pytest.mark.parametrize(
    "arguments",
    [
        ("lint", str(SPEC)),
        ("lint", "nowhere.yml"),
        ("list", "-p", str(SPEC)),
        ("list", "rivers", "-p", str(SPEC)),
        ("describe", "revenue", "-p", str(SPEC)),
        ("describe", "rovenue", "-p", str(SPEC)),
        ("rule", "--all"),
        ("rule", "M104"),
        ("config",),
        ("schema",),
        ("init", "shop"),
        ("lineage", "revenue", "-p", str(SPEC)),
        ("impact", "--metric", "revenue", "-p", str(SPEC)),
        ("impact", "--base", str(SPEC.parent), "-p", str(SPEC)),
        ("impact", "--metric", "rovenue", "-p", str(SPEC)),
        ("changes", "list", "-p", str(SPEC), "--store", "store"),
        ("detect", "revenue", "-p", str(SPEC), "--store", "store"),
        ("detect", "--input", str(SERIES), "--emit", "scores"),
        ("explain", "revenue", "-p", str(SPEC), "--store", "store"),
    ],
    ids=" ".join,
)
def test_json_fits_its_schema(arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code, text = output_of(monkeypatch, *arguments, "--format", "json")
    report = json.loads(text)
    assert report["schema"] == f"metricsctl/{arguments[0]}/v1"
    assert ("error" in report) == (code == 2)
    schema_code, schema = output_of(monkeypatch, "schema", arguments[0])
    assert schema_code == 0
    jsonschema.validate(report, json.loads(schema))


@pytest.mark.parametrize("name", REPORTS)
def test_a_schema_says_something_and_is_one(name: str) -> None:
    schema = schema_of(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    data = schema["properties"]["data"]["anyOf"][0]
    assert data.get("properties") or data.get("items") or data.get("$ref")


def test_json_is_the_same_in_every_run(monkeypatch: pytest.MonkeyPatch) -> None:
    first = output_of(monkeypatch, "describe", "revenue", "-p", str(SPEC), "--format", "json")
    assert output_of(monkeypatch, "describe", "revenue", "-p", str(SPEC), "--format", "json") == first


def yaml_of(text: str) -> object:
    from metricsctl.definition.source import parse, to_plain

    node, findings = parse(text, "metrics.yml")
    assert node is not None
    assert not findings
    return to_plain(node)


@pytest.fixture(scope="module")
def of_projects() -> jsonschema.Draft202012Validator:
    """The schema of projects, itself checked once."""
    schema = project_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_the_project_schema_accepts_the_specification(of_projects: jsonschema.Draft202012Validator) -> None:
    of_projects.validate(yaml_of(SPEC.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "metric",
    [
        "{name: a, type: simple, source: s, agg: count, filtr: x}",
        "{name: a, type: simple, source: s}",
        "{name: a, type: simple, source: s, agg: sum}",
        "{name: a, type: simple, source: s, agg: percentile, expr: x}",
        "{name: a, type: simple, source: s, agg: sum, expr: x, p: 0.5}",
        "{name: a, type: ratio, numerator: b}",
        "{name: a, type: river}",
        "{name: a}",
    ],
)
def test_the_project_schema_refuses_what_the_loader_refuses(metric: str, of_projects: jsonschema.Draft202012Validator) -> None:
    from metricsctl.definition.load import load_text

    text = f"version: 1\nmetrics:\n  - {metric}\n"
    assert load_text(text).findings
    with pytest.raises(jsonschema.ValidationError):
        of_projects.validate(yaml_of(text))


@pytest.mark.parametrize(
    "metric",
    [
        "{name: a, type: simple, source: s, agg: count, filter: x}",
        "{name: a, type: ratio, numerator: b, denominator: {metric: c, filter: x > 1}}",
        "{name: a, type: derived, expr: b / c, inputs: {b: d, c: {metric: d, offset: 7d}}}",
        "{name: a, alias_of: b}",
    ],
)
def test_the_project_schema_accepts_short_forms(metric: str, of_projects: jsonschema.Draft202012Validator) -> None:
    of_projects.validate(yaml_of(f"version: 1\nmetrics:\n  - {metric}\n"))
