"""Did the predicted metrics really move: statistics against scipy's, how often nothing is called something, verdicts in the demo shop."""

import importlib.util
import json
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from metricsctl.core.errors import UsageError
from metricsctl.definition.schema import MinEffect, Watch
from metricsctl.demo.story import CHANGES
from metricsctl.impact.observe.compare import DAY, compared, compared_soon
from metricsctl.impact.observe.stats import ks_distance, ks_p, q_values, t_quantile, t_two_sided
from metricsctl.render import render
from metricsctl.workspace import Workspace

HOUR = DAY // 24
FLOATS = st.lists(st.floats(-5, 5, allow_nan=False).map(lambda value: round(value, 1)), min_size=1, max_size=40)


@given(st.floats(-40, 40), st.integers(1, 80))
def test_students_t(t: float, freedom: int) -> None:
    assert t_two_sided(t, freedom) == pytest.approx(2 * scipy.stats.t.sf(abs(t), freedom), rel=1e-6, abs=1e-12)


@pytest.mark.parametrize(("p", "freedom"), [(0.05, 5), (0.025, 27), (0.001, 8)])
def test_its_quantile(p: float, freedom: int) -> None:
    assert t_quantile(p, freedom) == pytest.approx(scipy.stats.t.isf(p / 2, freedom), rel=1e-6)


@given(FLOATS, FLOATS)
def test_the_distance_of_kolmogorov_and_smirnov(first: list[float], second: list[float]) -> None:
    found = ks_distance(np.array(first), np.array(second))
    with warnings.catch_warnings():  # of the probability, which is not asked for
        warnings.simplefilter("ignore")
        assert found == pytest.approx(scipy.stats.ks_2samp(first, second, method="asymp").statistic)


@given(st.floats(0.01, 1), st.integers(4, 60))
def test_its_probability(distance: float, size: int) -> None:
    """Stephens' correction is close to the exact distribution of one sample of that size."""
    assert ks_p(distance, size**0.5) == pytest.approx(scipy.stats.kstwo.sf(distance, size), abs=0.03)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_the_false_discovery_rate(p_values: list[float]) -> None:
    assert q_values(p_values) == pytest.approx(list(scipy.stats.false_discovery_control(p_values)))


def benchmark() -> ModuleType:
    path = Path(__file__).parents[3] / "benchmarks" / "observe.py"
    spec = importlib.util.spec_from_file_location("observe_benchmark", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["observe_benchmark"] = module
    spec.loader.exec_module(module)
    return module


def test_nothing_is_rarely_called_something() -> None:
    bench = benchmark()
    found = np.array([bench.p_value(kind, seed, 24) for kind in bench.KINDS for seed in range(6)])
    assert np.mean(found <= 0.05) <= 0.1  # 3 % in benchmarks/observe.py
    assert np.min(found) > 1e-4


@pytest.mark.parametrize(("kind", "shift"), [("counts", -0.2), ("growth", 0.3), ("random walk", -0.5), ("days", -0.5)])
def test_something_is_found(kind: str, shift: float) -> None:
    bench = benchmark()
    assert np.mean([bench.p_value(kind, seed, 24, shift) <= 0.01 for seed in range(4)]) >= 0.75


def hours(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    return np.arange(count) * HOUR, np.random.default_rng(seed).normal(100, 5, count)


def test_a_wider_spread_is_found_where_the_middle_stays() -> None:
    times, values = hours(24 * 43)
    moment = 24 * 42 * HOUR
    wider = np.where(times >= moment, 100 + 6 * (values - 100), values)
    found = compared(times, times % (7 * DAY), wider, moment, HOUR)
    assert not isinstance(found, str)
    assert found.p < 0.01
    assert found.distance > 0.3


def test_too_early() -> None:
    times, values = hours(24 * 42 + 3)
    assert compared(times, times % (7 * DAY), values, 24 * 42 * HOUR, HOUR) == "3 windows since, 6 are needed"
    times, values = hours(24 * 4)
    assert compared(times, times % (7 * DAY), values, 24 * 3 * HOUR, HOUR) == "a past of at least 4 days is needed"
    times, values = hours(24 * 8)
    assert "room for" in str(compared(times, times % (7 * DAY), values, 24 * 7 * HOUR, HOUR))


def test_the_window_that_holds_the_change_belongs_to_neither_side() -> None:
    times, values = hours(24 * 43)
    moment = 24 * 42 * HOUR + HOUR // 2
    spoilt = np.where(times == 24 * 42 * HOUR, 1e9, values)
    assert compared_soon(times, times % (7 * DAY), spoilt, moment, HOUR) == compared_soon(times, times % (7 * DAY), values, moment, HOUR)


def test_a_constant_series_has_moved_by_any_shift() -> None:
    times = np.arange(24 * 43) * HOUR
    moment = 24 * 42 * HOUR
    for value, p in ((5.0, 1.0), (6.0, 0.0)):
        found = compared(times, times % (7 * DAY), np.where(times >= moment, value, 5.0), moment, HOUR)
        assert not isinstance(found, str)
        assert found.p == p


def change_file(folder: Path, *ids: str) -> Path:
    path = folder / "changes.jsonl"
    chosen = [change for change in CHANGES if change.id in ids]
    lines = [
        {"id": item.id, "time": item.time.isoformat(), "kind": item.kind, "service": item.service, "repo": item.repo} for item in chosen
    ]
    extra = [{**line, "paths": list(item.paths)} if item.paths else line for line, item in zip(lines, chosen, strict=True)]
    path.write_text("".join(json.dumps(line) + "\n" for line in extra), encoding="utf-8")
    return path


def test_what_moved_in_the_demo_shop(demo_shop: Workspace, tmp_path: Path) -> None:
    report = demo_shop.impact(change=change_file(tmp_path, "chg-04", "chg-07", "chg-12"), observe=True)
    assert report.observed is not None
    said = {found.time: {item.name: item.verdict for item in found.metrics} for found in report.observed}
    moved = {time: {name for name, verdict in items.items() if verdict == "moved-as-predicted"} for time, items in said.items()}
    assert moved == {
        "2026-10-20T13:45:00Z": set(),
        "2026-10-27T09:12:00Z": {"ctr", "ad_clicks"},
        "2026-11-06T11:54:00Z": {"orders", "revenue", "payment_success", "buyers", "rpm"},
    }
    assert not any(verdict == "moved-unpredicted" for items in said.values() for verdict in items.values())
    assert report.observed[1].until == "2026-10-27T19:28:00Z"  # the rollback, of which the log beside the store knows
    for text in (str(render(report, name)) for name in ("tree", "markdown", "table")):
        assert "moved as predicted" in text
        assert "would have been seen" in text
    assert json.loads(str(render(report, "json")))["data"]["observed"][1]["metrics"][0]["verdict"]


def test_what_the_change_does_not_reach_is_said_to_have_moved_unpredicted(demo_shop: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    path.write_text(json.dumps({"time": "2026-11-06T11:54:00Z", "service": "ad-server", "kind": "deploy"}), encoding="utf-8")
    report = demo_shop.impact(change=path, observe=True)
    assert report.observed is not None
    found = {item.name: item.verdict for item in report.observed[0].metrics}
    assert found["payment_success"] == found["orders"] == "moved-unpredicted"
    assert found["ad_clicks"] == "not-moved"


def test_a_shift_below_min_effect_is_none(demo_shop: Workspace, tmp_path: Path) -> None:
    least = {"ad_clicks": {"rel": 0.5}, "ctr": {"rel": 0.2}, "orders": {"rel": 0.01, "abs": 1e9}}
    metrics = dict(demo_shop.project.metrics)
    for name, effect in least.items():
        place = {"span": metrics[name].span}
        metrics[name] = replace(metrics[name], watch=Watch(min_effect=MinEffect(**effect, **place), **place))
    watched = replace(demo_shop, project=replace(demo_shop.project, metrics=metrics))
    report = watched.impact(change=change_file(tmp_path, "chg-07", "chg-12"), observe=True)
    assert report.observed is not None
    found = {(at, item.name): item for at, change in enumerate(report.observed) for item in change.metrics}
    small = {key: found[key].words.endswith("less than its `min_effect`") for key in ((0, "ad_clicks"), (0, "ctr"), (1, "orders"))}
    assert list(small.values()) == [True, False, True]
    assert [found[key].verdict for key in small] == ["not-moved", "moved-as-predicted", "not-moved"]


def test_it_goes_with_a_change(demo_shop: Workspace) -> None:
    with pytest.raises(UsageError, match="--observe goes with --change"):
        demo_shop.impact(metric="revenue", observe=True)
