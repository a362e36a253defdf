"""The front door of the library."""

from pathlib import Path

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
    assert [item.code for item in workspace.lint().findings] == ["M104"]
    for use in (workspace.lineage, lambda: workspace.ingest("x"), lambda: workspace.query("a")):
        with pytest.raises(ProjectError):
            use()


def test_wrong_names_and_grains() -> None:
    with pytest.raises(AttributeError, match="no attribute 'lood'"):
        _ = metricsctl.lood  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match="7m"):
        metricsctl.open(SPEC).query("revenue", grain="7m")
    assert {"load", "open", "Workspace"} <= set(dir(metricsctl))
