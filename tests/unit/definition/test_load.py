"""Files to a project: what is read, what is left out, what is said of it."""

from pathlib import Path

import pytest

from metricsctl.core.durations import Duration
from metricsctl.core.errors import DataError, UnknownName, UsageError
from metricsctl.core.timegrid import Grain
from metricsctl.definition.discover import find_project
from metricsctl.definition.load import load, load_text
from metricsctl.definition.schema import Derived, Ratio, Simple

SPEC = Path(__file__).parents[2] / "fixtures" / "spec" / "metrics.yml"
SMALL = "version: 1\nmetrics:\n  - {name: a, type: simple, source: s, agg: count}\n"


def codes(text: str) -> list[str]:
    return [finding.code for finding in load_text(text).findings]


def test_the_specification_is_read_whole() -> None:
    project = load([SPEC])
    assert set(project.sources) == {"ad_log", "payment_log"}
    assert set(project.models) == {"paid_orders", "visits"}
    simple = {"ad_impressions", "ad_clicks", "revenue", "buyers", "order_p95", "revenue_rolling", "visit_length"}
    assert set(project.metrics) == simple | {"ctr", "rpm", "revenue_wow", "revenue_mtd", "gmv"}
    assert set(project.variants) == {"revenue.de"}
    assert (set(project.calendar), set(project.series)) == ({"black-friday"}, {"revenue_dwh"})
    assert set(project.tests) == {"revenue counts paid orders only"}
    assert (project.skipped, project.findings) == ({}, ())


def test_values_are_typed() -> None:
    project = load([SPEC])
    source = project.sources["ad_log"]
    assert source.time is not None
    assert (source.time.lateness, source.time.max_ahead) == (Duration(15, "m"), Duration(1, "d"))
    growth, rate, value = (project.metrics[name] for name in ("revenue_wow", "ctr", "revenue"))
    assert isinstance(growth, Derived)
    assert isinstance(rate, Ratio)
    assert isinstance(value, Simple)
    assert growth.inputs["prev"].offset == Duration(7, "d")
    assert rate.numerator.metric.name == "ad_clicks"
    assert value.expr is not None
    assert value.expr.names() == ["amount"]


def test_defaults_of_the_file_hold_where_nothing_is_said() -> None:
    project = load([SPEC])
    assert project.owner_of(project.metrics["ad_impressions"]) == "team-ads"
    assert project.owner_of(project.metrics["ctr"]) == "team-commerce"
    assert (project.tier_of(project.metrics["revenue"]), project.tier_of(project.metrics["ctr"])) == (0, 2)
    assert project.grain_of(project.metrics["revenue"]) == Grain(1, "h")


def test_dimensions_are_inherited_and_replaced() -> None:
    project = load_text(
        "version: 1\nsources: [{name: s, time: t, dimensions: [x, y]}]\nmetrics:\n"
        "  - {name: a, type: simple, source: s, agg: count}\n  - {name: b, type: simple, source: s, agg: count, dimensions: [y]}\n"
    )
    assert [project.dimensions_of(metric) for metric in project.metrics.values() if isinstance(metric, Simple)] == [("x", "y"), ("y",)]


def test_an_alias_is_followed_to_its_metric() -> None:
    project = load([SPEC])
    assert project.metric("gmv") is project.metrics["revenue"]
    with pytest.raises(UnknownName, match="unknown metric 'revenu'"):
        project.metric("revenu")
    broken = load_text("version: 1\nmetrics: [{name: a, type: simple, source: s, agg: nope}]\n")
    with pytest.raises(UnknownName, match="metric 'a' is left out"):
        broken.metric("a")


STOCK = "version: 1\nmetrics:\n  - {name: a, type: simple, source: s, agg: sum, expr: x, semi_additive:"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("version: 2\nmetrics: []\n", ["M004"]),
        ("metrics: []\n", ["M003"]),
        ("version: 1\nmetrics: {a: 1}\n", ["M004"]),
        ("version: 1\nmetrics: [a]\n", ["M004"]),
        ("version: 1\nmetrics:\n  - {type: simple, source: s, agg: count}\n", ["M003"]),
        ("version: 1\nmetrics:\n  - {name: a, type: simple, source: s, agg: count, tier: 5}\n", ["M004"]),
        ("version: 1\nmetrics:\n  - {name: a, type: simple, source: s, agg: count, grain: 7m}\n", ["M004"]),
        ("version: 1\nmetrics:\n  - {name: a, type: simple, source: s, agg: percentile, expr: x}\n", ["M003"]),
        ("version: 1\nmetrics:\n  - {name: a, type: simple, source: s, agg: sum, expr: x, p: 0.5}\n", ["M004"]),
        (f"{STOCK} {{per: u, carry: 1d}}}}\n", []),
        (f"{STOCK} {{per: u, take: last, carry: 1d}}}}\n", []),
        (f"{STOCK} {{per: u, take: first}}}}\n", []),
        (f"{STOCK} {{per: u, take: first, carry: 1d}}}}\n", ["M004"]),
        ("version: 1\nmetrics:\n  - {name: a, type: derived, expr: 'sum(x)'}\n", ["M501"]),
        ("version: 1\nmodels:\n  - {name: m}\n", ["M003"]),
        ("version: 1\nmodels:\n  - {name: m, sql: DROP TABLE x}\n", ["M501"]),
        ("version: 1\nmodels:\n  - {name: m, sql: SELECT a FROM b GROUP BY a}\n", []),
        ("version: 1\nmodels:\n  - {name: m, sql: SELECT 1, static: a.csv}\n", ["M004"]),
        ("version: true\nmetrics: []\n", ["M004"]),
        ("version: 1\nmetrics:\n  - {name: a, type: cumulative, metric: b}\n", ["M003"]),
        ("version: 1\nmetrics:\n  - {name: a, type: cumulative, metric: b, to_date: month, window: 28d}\n", ["M004"]),
        ("version: 1\nmetrics:\n  - {name: a, type: ratio, numerator: x, denominator: y, agg: sum}\n", ["M002"]),
        ("version: 1\nmetrics:\n  - {name: a, type: simple, source: s, agg: sum, expr: x, approximate: true}\n", ["M004"]),
        ("version: 1\nmetrics:\n  - {name: a, type: simple, source: s, agg: count, watch: {budget: often}}\n", ["M004"]),
        ("version: 1\nexposures:\n  - {name: a, kind: dashboard, good: x}\n", ["M004"]),
        ("version: 1\nexposures:\n  - {name: a, kind: slo, good: x, total: y}\n", ["M003"]),
        ("version: 1\ncalendar:\n  - {name: a, from: 2026-11-27, to: today}\n", ["M004"]),
        ("version: 1\nseries:\n  - {name: a, path: x.csv, time: t}\n", ["M003", "M003"]),
        ("version: 1\ntests:\n  - {name: a, metric: m, given: {s: []}, expect: [{value: 1}]}\n", ["M003"]),
        ("version: 1\ndefaults: {dialect: klingon}\nmetrics: []\n", ["M004"]),
        ("version: 1\ndefaults: {timezone: Mars/North}\nmetrics: []\n", ["M004"]),
        ("", ["M004"]),
        ("version: 1\nmetrics:\n", []),
    ],
)
def test_findings(text: str, expected: list[str]) -> None:
    assert codes(text) == expected


def test_all_faults_are_said_in_one_run() -> None:
    text = "version: 1\nmetrics:\n  - {name: a, typ: x, type: simple}\n  - {name: b, type: simple, source: s, agg: nope, tier: high}\n"
    assert sorted(codes(text)) == ["M002", "M003", "M003", "M004", "M004"]


def test_what_stands_on_something_left_out_is_left_out() -> None:
    project = load_text(
        "version: 1\nmetrics:\n  - {name: a, type: river}\n  - {name: b, type: derived, expr: a}\n  - {name: c, alias_of: b}\n"
    )
    assert project.metrics == {}
    assert set(project.skipped) == {"metric:a", "metric:b", "metric:c"}


def test_folders_are_searched_and_foreign_yaml_is_left_alone(tmp_path: Path) -> None:
    for name, text in {
        "a.yml": SMALL,
        "deep/b.yaml": SMALL.replace("name: a", "name: b"),
        "compose.yml": "services: {}\n",
        ".hidden/c.yml": SMALL,
        "node_modules/d.yml": SMALL,
        "notes.txt": SMALL,
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    project = load([tmp_path], root=tmp_path)
    assert [file.path for file in project.files] == ["a.yml", "deep/b.yaml"]
    assert project.other_files == 1
    assert set(project.metrics) == {"a", "b"}


def test_the_order_of_files_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(SMALL, encoding="utf-8")
    (tmp_path / "b.yml").write_text("version: 1\nsources: [{name: s, time: t}]\n", encoding="utf-8")
    one, other = (
        load(paths, root=tmp_path) for paths in ([tmp_path / "a.yml", tmp_path / "b.yml"], [tmp_path / "b.yml", tmp_path / "a.yml"])
    )
    assert one.to_dict() == other.to_dict()


def test_sql_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "m.sql").write_text("SELECT t\nFROM s\n", encoding="utf-8")
    (tmp_path / "m.yml").write_text(
        "version: 1\nmodels:\n  - {name: m, sql_file: m.sql}\n  - {name: n, sql_file: gone.sql}\n", encoding="utf-8"
    )
    project = load([tmp_path], root=tmp_path)
    statement = project.models["m"].statement
    assert statement is not None
    assert [(name, str(span)) for name, span in statement.table_spans()] == [("s", "m.sql:2:6")]
    assert [(item.code, item.span and item.span.line) for item in project.findings] == [("M104", 4)]


def test_paths_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file or folder"):
        load([tmp_path / "nope"])
    with pytest.raises(UsageError, match="no metric definitions"):
        load([tmp_path])
    (tmp_path / "latin.yml").write_bytes(b"version: 1\nmetrics: [\xe9]\n")
    with pytest.raises(DataError, match=r"latin.yml:2: not UTF-8"):
        load([tmp_path / "latin.yml"])


def test_windows_line_ends_and_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "m.yml").write_bytes(b"\xef\xbb\xbf" + SMALL.replace("\n", "\r\n").encode())
    assert load([tmp_path]).findings == ()


def test_the_project_is_found_upwards(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    assert find_project(inner) == inner
    (inner / "metrics").mkdir()
    assert find_project(inner) == inner / "metrics"
    (tmp_path / "metricsctl.toml").touch()
    assert find_project(inner) == tmp_path
