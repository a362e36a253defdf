"""1,000 metrics over 150 models, one edit at a time: exactly the metrics that move, by the generator's own bookkeeping."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from metricsctl.definition.load import load_tree
from metricsctl.definition.project import Project
from metricsctl.impact.run import impact_of_difference


def benchmark(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parents[3] / "benchmarks" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


warehouse = benchmark("warehouse")


def load(files: dict[str, str], like: Project | None = None) -> Project:
    found = load_tree({Path("/nowhere") / name: text for name, text in files.items()}, str, like=like)
    assert [str(item) for item in found.findings] == []
    return found


@pytest.fixture(scope="module")
def house() -> object:
    return warehouse.Warehouse(1000, 150)


@pytest.fixture(scope="module")
def base(house: object) -> Project:
    found = load(house.files())
    assert (len(found.metrics), len(found.models)) == (1000, 150)
    return found


@pytest.mark.parametrize("edit", warehouse.EDITS, ids=lambda edit: edit.name)
def test_exactly_the_right_set(edit: object, house: object, base: Project) -> None:
    copy = house.copy()
    moved = edit.apply(copy)
    report = impact_of_difference(base, load(copy.files(), base), "base")
    assert {item.name for item in report.impacted if item.kind == "metric"} == moved
    assert report.unknown == ()


def test_a_history_of_edits_anywhere() -> None:
    small = warehouse.Warehouse(60, 20)
    before = load(small.files())
    for name, files, moved in warehouse.commits(small, 25, seed=3):
        after = load(files, before)
        report = impact_of_difference(before, after, "before")
        assert {item.name for item in report.impacted if item.kind == "metric"} == moved, name
        before = after
