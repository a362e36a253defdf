"""The formats: JSON as its schema says, the comment on a pull request however large the change, the tree in ASCII."""

import json
import pathlib
import xml.etree.ElementTree as ET
from collections.abc import Callable

import jsonschema
import pytest

from metricsctl.changes.report import ChangeList, ChangesAdded
from metricsctl.definition.load import load_text
from metricsctl.impact.parts import Path
from metricsctl.impact.report import ImpactReport
from metricsctl.impact.run import Options, impact_of_difference
from metricsctl.lineage.kinds import EdgeKind
from metricsctl.render import Style, render
from metricsctl.render.json_schema import schema_of
from metricsctl.render.pages.impact_markdown import MARKER, MAX_LENGTH
from metricsctl.render.pages.impact_tree import folded

Ask = Callable[..., ImpactReport]
FILTER = ("status = 'paid'", "status = 'sent'")


@pytest.fixture(scope="module")
def large() -> ImpactReport:
    """A column under 600 metrics with long names, each seen by a dashboard."""
    names = [f"metric_with_quite_a_long_name_{number:04}" for number in range(600)]
    head = "version: 1\nsources: [{name: s, time: ts, columns: [{name: ts}, {name: a}]}]\n"
    head += "models: [{name: m, sql: 'SELECT ts, a FROM s', time: ts}]\n"
    metrics = "".join(f"  - {{name: {name}, type: simple, source: m, agg: sum, expr: a}}\n" for name in names)
    boards = "".join(f"  - {{name: board-{name}, kind: dashboard, uses: [{name}]}}\n" for name in names)
    text = f"{head}metrics:\n{metrics}exposures:\n{boards}"
    return impact_of_difference(load_text(text), load_text(text.replace("SELECT ts, a", "SELECT ts, a | 2 AS a")), "main")


@pytest.mark.parametrize("edits", [(), (FILTER,), (("owner: fin", "owner: me"),), (("unit: usd", "unit: eur"),)])
def test_json_fits_its_schema_and_repeats(impact: Ask, edits: tuple[tuple[str, str], ...]) -> None:
    report = impact(*edits, why="basket")
    text = render(report, "json")
    data = json.loads(text)
    jsonschema.validate(data, schema_of("impact"))
    assert text == render(impact(*edits, why="basket"), "json")
    for item in data["data"]["impacted"]:
        assert {"id", "kind", "name", "category", "p", "reason"} <= item.keys()


@pytest.mark.parametrize("report", [ChangeList(()), ChangesAdded((), ("a",), (), ())], ids=lambda report: report.name)
def test_reports_of_changes_fit_their_schemas(report: ChangeList | ChangesAdded) -> None:
    jsonschema.validate(json.loads(render(report, "json")), schema_of(report.name))


def test_the_comment(impact: Ask) -> None:
    text = str(render(impact(FILTER, ("owner: fin", "owner: me")), "markdown"))
    assert text.startswith(f"{MARKER}\n## 8 metrics move, 2 proven untouched")
    parts = [text.index(part) for part in ("### Who looks at it", "### What changed", "### Metrics that move", "```mermaid", "<details>")]
    assert parts == sorted(parts)
    assert "| model `paid` | semantic | `WHERE: status = 'paid' -> status = 'sent'` |" in text
    assert "owner: fin -> me" in text


def test_a_large_comment_is_cut(large: ImpactReport) -> None:
    text = str(render(large, "markdown"))
    assert large.summary.moved == 600
    assert len(text) <= MAX_LENGTH
    assert text.count("<details>") == text.count("</details>") == 1
    drawn = [line for line in text.splitlines() if line.startswith("  n") and ":::" in line]
    assert len(drawn) == 40
    assert "more nodes are not drawn" in text


def test_nothing_moves(impact: Ask) -> None:
    assert str(render(impact(), "markdown")).startswith(f"{MARKER}\n## 0 metrics move, 10 proven untouched\n")
    assert "moves nothing" not in str(render(impact(), "tree"))


def test_the_tree_can_do_with_ascii(impact: Ask) -> None:
    text = str(render(impact(FILTER, why="basket"), "tree", Style(ascii=True)))
    assert text.isascii()
    assert "-aggregate-> metric:orders" in text


def test_what_is_shown_twice_is_unfolded_once(impact: Ask) -> None:
    lines = str(render(impact(FILTER), "tree")).splitlines()
    assert sum("basket" in line for line in lines) == 2
    assert sum("weekly" in line for line in lines) == 1


@pytest.mark.parametrize("form", ["table", "tree", "markdown"])
def test_every_format_can_show_every_report(large: ImpactReport, form: str) -> None:
    assert "metric_with_quite_a_long_name_0007" in str(render(large, form)).replace("\n", "")


def test_paths_that_differ_in_a_column_alone_are_one() -> None:
    text = """
version: 1
sources: [{name: log, time: ts, columns: [{name: ts}, {name: a}, {name: b}, {name: c}]}]
models: [{name: m, sql: 'SELECT ts, a, b, c FROM log', time: ts}]
metrics: [{name: total, type: simple, source: m, agg: sum, expr: a + b + c}]
"""
    after = load_text(text.replace("FROM log", "FROM log WHERE c > 0"))
    report = impact_of_difference(load_text(text), after, "main", Options("total"))
    assert sum(path.edges == (EdgeKind.IDENTITY, EdgeKind.AGGREGATE) for path in report.paths) == 3
    shown = str(render(report, "tree", Style(100)))
    assert shown.count("-aggregate→ metric:total") == 1
    assert "model:m -identity→ column:m.{a, b, c} -aggregate→ metric:total" in shown
    assert "model:m > column:m.{a, b, c} > metric:total" in str(render(report, "table", Style(100)))


def test_what_differs_otherwise_is_not_folded() -> None:
    group, filtered = EdgeKind.GROUP, EdgeKind.FILTER
    many = [Path(("model:s", f"column:t.{name}", "metric:m"), (group, group)) for name in "abcdefg"]
    others = [Path(("model:s", "column:t.h", "metric:m"), (filtered, group)), Path(("model:s", "column:u.a", "metric:m"), (group, group))]
    assert folded([*many, *others]) == [
        (("model:s", "column:t.{a, b, c, d, e and 2 more}", "metric:m"), (group, group)),
        *((path.nodes, path.edges) for path in others),
    ]


@pytest.mark.parametrize("form", ["tree", "table"])
def test_gates_fit_the_width(impact: Ask, form: str) -> None:
    lines = str(render(impact(FILTER), form, Style(60))).splitlines()
    gate = next(number for number, line in enumerate(lines) if line.startswith("gate meaning-without-version:"))
    assert all(len(line) <= 60 for line in lines[gate : gate + 3])
    assert "status = 'sent'" in " ".join(line.strip() for line in lines[gate : gate + 4])


def test_as_a_data_frame(impact: Ask) -> None:
    report = impact(FILTER)
    frame = report.to_pandas()
    assert frame["id"].tolist() == [item.id for item in report.impacted]
    assert frame.loc[frame["id"] == "metric:revenue", ["kind", "category", "p", "weight"]].to_numpy().tolist() == [
        ["metric", "semantic", 0.8, 8.0]
    ]
    assert impact().to_pandas().columns.tolist() == frame.columns.tolist()


def test_sarif_fits_the_published_schema(impact: Ask) -> None:
    schema = json.loads((pathlib.Path(__file__).parents[2] / "fixtures" / "sarif" / "sarif-schema-2.1.0.json").read_text(encoding="utf-8"))
    for report in (impact(), impact(FILTER, ("unit: usd", "unit: eur"))):
        log = json.loads(render(report, "sarif"))
        jsonschema.validate(log, schema)
        results = log["runs"][0]["results"]
        assert len({result["partialFingerprints"]["metricsctl/v1"] for result in results}) == len(results)
    assert {result["ruleId"] for result in results} == {
        "impact-breaking",
        "impact-semantic",
        "impact-meaning-without-version",
        "impact-unit-changed",
    }


def test_junit_tells_each_gate(impact: Ask) -> None:
    root = ET.fromstring(str(render(impact(("unit: usd", "unit: eur")), "junit")))
    cases = {case.get("name"): case.find("failure") is not None for case in root.iter("testcase")}
    assert cases["unit-changed"]
    assert not cases["slo-input-broken"]
    assert not cases["score"]  # nobody has asked for a threshold
