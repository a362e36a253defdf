"""Definitions of another tool as ours, as `benchmarks/replay.py` writes them: they are in order, and a change of them is seen."""

import importlib.util
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from metricsctl.definition.load import load_tree
from metricsctl.definition.project import Project
from metricsctl.impact.run import impact_of_difference
from metricsctl.lint.engine import check

FILES = {
    "definitions/functions.toml": '[functions.agg_sum]\ndefinition = "COALESCE(SUM({select_expr}), 0)"\n',
    "definitions/phone.toml": """
        [metrics.visits]
        data_source = "pings"
        select_expression = '{{agg_sum("visit_count")}}'
        friendly_name = "Visits"
        [metrics.clicks]
        data_source = "pings"
        select_expression = "COUNTIF(event = 'click')"
        [metrics.click_rate]
        depends_on = ["clicks", "visits"]
        [metrics.broken]
        data_source = "pings"
        select_expression = "SUM("
        [data_sources.pings]
        from_expression = "(SELECT * FROM `far-away.phone.pings` WHERE channel = 'release')"
    """,
    "jetstream/outcomes/phone/share.toml": """
        [metrics.shares]
        data_source = "pings"
        select_expression = "SUM(shares)"
    """,
    "opmon/defaults/phone.toml": '[project]\nmetrics = ["visits", "nobody"]\n',
    "opmon/defaults/torn.toml": "[project",
}


@pytest.fixture
def read(load_benchmark: Callable[[str], object]) -> Callable[[Mapping[str, str]], Project]:
    hub = load_benchmark("metric_hub")

    def project(files: Mapping[str, str]) -> Project:
        found = hub.convert({path: textwrap.dedent(text) for path, text in files.items()})  # type: ignore[attr-defined]
        return check(load_tree({Path("/hub") / path: text for path, text in found.items()}, Path.read_text, Path("/hub")))

    return project


@pytest.fixture
def load_benchmark() -> Callable[[str], object]:
    def load(name: str) -> object:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).parents[3] / "benchmarks" / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


def test_a_state_is_in_order(read: Callable[[Mapping[str, str]], Project]) -> None:
    project = read(FILES)
    assert set(project.metrics) == {
        "phone__visits",
        "phone__clicks",
        "phone__click_rate",
        "jetstream__outcomes__phone__share__shares",
        "pings_rows",
    }
    assert project.models["phone__visits__rows"].statement.text.count("COALESCE(SUM(visit_count), 0) AS value") == 1
    assert [ref.name for ref in project.exposures["opmon/defaults/phone.toml:project"].uses] == ["phone__visits"]


def test_a_change_reaches_what_it_should(read: Callable[[Mapping[str, str]], Project]) -> None:
    def moved(old: str, new: str) -> set[str]:
        after = {path: text.replace(old, new) for path, text in FILES.items()}
        assert after != FILES
        return {item.name for item in impact_of_difference(read(FILES), read(after), "before").impacted if item.kind == "metric"}

    assert moved("= 'click'", "= 'tap'") == {"phone__clicks", "phone__click_rate"}
    assert moved("'release'", "'beta'") == {
        "phone__clicks",
        "phone__click_rate",
        "phone__visits",
        "jetstream__outcomes__phone__share__shares",
    }
    assert moved("Visits", "All visits") == set()
