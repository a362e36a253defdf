"""The front door of the library."""

from pathlib import Path

import pandas as pd
import pytest

import metricsctl
from metricsctl.core.errors import ProjectError, UsageError

SPEC = Path(__file__).parents[1] / "fixtures" / "spec" / "metrics.yml"
BROKEN = "version: 1\nmetrics:\n  - {name: a, type: simple, source: nowhere, agg: count}\n"


def test_load_and_open() -> None:
    project = metricsctl.load(SPEC)
    assert "revenue" in project.metrics
    workspace = metricsctl.open(SPEC)
    assert workspace.store == SPEC.parent / ".metricsctl" / "store"
    assert workspace.lint(select=["M1"]).findings == ()
    assert "metric:rpm" in {node.id for node in workspace.lineage("revenue", direction="downstream").nodes}


def test_broken_definitions_can_be_linted_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "m.yml").write_text(BROKEN, encoding="utf-8")
    workspace = metricsctl.open(tmp_path)
    assert [item.code for item in workspace.lint(ignore=["M2"]).findings] == ["M104"]
    for use in (workspace.lineage, lambda: workspace.ingest("x"), lambda: workspace.query("a")):
        with pytest.raises(ProjectError):
            use()


def test_wrong_names_and_grains() -> None:
    with pytest.raises(AttributeError, match="no attribute 'lood'"):
        _ = metricsctl.lood  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match="7m"):
        metricsctl.open(SPEC).query("revenue", grain="7m")
    assert {"load", "open", "Workspace"} <= set(dir(metricsctl))


def test_pandas_in_and_out(tmp_path: Path) -> None:
    (tmp_path / "m.yml").write_text(BROKEN, encoding="utf-8")
    workspace = metricsctl.open(tmp_path)  # its definitions are not looked at
    values = [10.0 + day * 7 % 5 for day in range(40)]
    frame = pd.DataFrame({"day": pd.date_range("2026-01-01", periods=40), "load": [*values[:35], 90.0, *values[36:]], "other": 1.0})
    found = workspace.detect(frame, value="load", emit="scores")
    assert [episode.alert for episode in found.episodes] == ["2026-02-05 00:00:00"]
    assert found.to_pandas()["anomaly"].sum() == 1
    for wrong in (
        lambda: workspace.detect(frame, "a"),
        lambda: workspace.detect(frame, frame),
        lambda: workspace.detect(frame, grain="1d", value="load"),
        lambda: workspace.detect("a", value="load"),
    ):
        with pytest.raises(UsageError):
            wrong()
    assert workspace.lint(ignore=["M2"]).to_pandas()[["code", "severity", "line"]].to_numpy().tolist() == [["M104", "error", 3]]
    edges = metricsctl.open(SPEC).lineage("revenue").to_pandas()
    assert ["model:paid_orders", "metric:revenue"] in edges[["source", "target"]].to_numpy().tolist()
