"""No edit that moves a number goes unreported: random projects, random edits, random events, both versions executed as SQL by DuckDB."""

import importlib.util
import random
import sys
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from metricsctl.definition.load import load_text
from metricsctl.definition.project import Project
from metricsctl.impact.run import impact_of_difference

TRIES = 3  # sets of events for each pair of projects


def benchmark(name: str) -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


worlds = benchmark("worlds")


def load(text: str) -> Project:
    found = load_text(text)
    assert [str(item) for item in found.findings if item.severity == "error"] == []
    return found


def told(before: object, after: object) -> set[str]:
    """The metrics of which `impact` does not say that they are untouched."""
    report = impact_of_difference(load(before.text()), load(after.text()), "base")
    return {item.name for item in report.impacted if item.kind == "metric"} | {item.id.removeprefix("metric:") for item in report.unknown}


def moved(before: object, after: object, chance: random.Random) -> set[str]:
    """The metrics that give other numbers on some events."""
    found = set()
    for _ in range(TRIES):
        rows = worlds.events(chance)
        old, new = worlds.values(before, rows), worlds.values(after, rows)
        found |= {name for name in old if old[name] != new[name]}
    return found


def check(seed: int, *, bare: bool = False) -> None:
    chance = random.Random(seed)
    before = worlds.draw(chance, bare=bare)
    after = worlds.edit(before, chance)
    assert moved(before, after, chance) <= told(before, after)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_a_metric_whose_values_differ_is_reported(seed: int) -> None:
    check(seed)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**9))
@example(seed=85)  # the star of one side of a join became that of the other
@example(seed=231)
def test_nor_where_stars_hide_columns(seed: int) -> None:
    check(seed, bare=True)


@pytest.mark.slow
@settings(max_examples=2000, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_nor_where_stars_hide_columns_at_length(seed: int) -> None:
    check(seed, bare=True)


@pytest.mark.slow
@settings(max_examples=3000, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_a_metric_whose_values_differ_is_reported_at_length(seed: int) -> None:
    check(seed)
