"""Completion: names of the project, out of a cache that follows the files, and never an error."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from metricsctl.cli import complete
from metricsctl.lint.registry import all_rules

TEXT = """\
version: 1
sources:
  - {name: log, time: ts}
metrics:
  - {name: revenue, type: simple, source: log, agg: count, variants: {de: "country = 'DE'"}}
  - {name: returns, type: simple, source: log, agg: count}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "metricsctl.toml").write_text("")
    (tmp_path / "metrics.yml").write_text(TEXT)
    (tmp_path / "other.yml").write_text("a: [b\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("project")
def test_names_of_the_project_and_of_the_rules() -> None:
    assert complete.metrics("re") == ["returns", "revenue", "revenue.de"]
    assert complete.metrics("revenue,ret") == ["revenue,returns"]
    assert complete.sources("") == ["log"]
    assert complete.nodes("l") == ["log"]
    assert [code for code, _ in complete.rules("M1")] == [code for code in all_rules() if code.startswith("M1")]
    assert complete.rules("M1,m104") == [("M1,M104", "unknown-reference")]


def test_the_cache_follows_the_files(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert complete.metrics("ret") == ["returns"]
    cache = project / ".metricsctl" / "cache" / "names.json"
    assert "returns" in json.loads(cache.read_text())["names"]["metrics"]
    with monkeypatch.context() as patched:
        patched.setattr(complete, "_read", lambda _: pytest.fail("read the files again"))
        assert complete.metrics("ret") == ["returns"]
    (project / "metrics.yml").write_text(TEXT.replace("returns", "retours"))
    assert complete.metrics("ret") == ["retours"]
    cache.write_text("{")
    assert complete.metrics("ret") == ["retours"]


def test_nothing_is_offered_where_there_is_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert complete.metrics("") == []
    (tmp_path / "metricsctl.toml").write_text("nonsense = ")
    assert complete.metrics("") == []


def test_the_shell_is_answered(project: Path) -> None:
    environment = {**os.environ, "_METRICSCTL_COMPLETE": "complete_bash", "COMP_WORDS": "metricsctl query rev", "COMP_CWORD": "2"}
    done = subprocess.run([sys.executable, "-m", "metricsctl"], cwd=project, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["revenue", "revenue.de"]
