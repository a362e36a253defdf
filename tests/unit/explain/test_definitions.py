"""A commit that changed what a number means is a suspect like any other change; one that changed words is not."""

import datetime as dt

import pytest

from metricsctl.definition.load import load
from metricsctl.explain.definitions import redefinitions
from metricsctl.lineage.graph import build
from metricsctl.workspace import open as open_workspace

from .conftest import METRICS, make

ONSET = "2026-02-12T00:00Z"
BEFORE = METRICS.replace(
    "name: revenue, description: Value., type: simple, source: orders,",
    "name: revenue, description: Value., type: simple, source: orders, filter: amount > 30,",
)


def us(text):
    return int(dt.datetime.fromisoformat(text).timestamp()) * 1_000_000


@pytest.fixture
def commit(git, tmp_path):
    """Commits a text of the definitions at a time; gives the first ten digits of the commit."""

    def run(text, time):
        (tmp_path / "repo" / "metrics.yml").write_text(text, encoding="utf-8")
        git("add", "metrics.yml")
        git("commit", "--quiet", "-m", f"At {time}", when=time)
        return git("rev-parse", "HEAD")[:10]

    return run


def test_the_commit_before_the_onset_is_accused(commit, tmp_path):
    commit(BEFORE, "2026-01-01T10:00Z")
    guilty = commit(METRICS, "2026-02-11T23:40Z")
    commit(METRICS.replace("Value.", "Value of all orders."), "2026-02-11T23:50Z")
    late = commit(
        METRICS.replace("expr: amount, unit: eur, direction: up", "expr: amount * 2, unit: eur, direction: up"), "2026-02-13T10:00Z"
    )
    (tmp_path / "repo" / "metrics.yml").write_text(METRICS, encoding="utf-8")  # what the store is of
    shop = make(tmp_path / "shop")
    found = open_workspace(tmp_path / "repo" / "metrics.yml", store=shop.store).explain("revenue", at=ONSET)
    first = next(item for item in found.hypotheses if item.kind == "definition")
    assert first.change == guilty
    assert first.nodes == ("metric:revenue",)
    assert "revenue: filter: amount > 30 -> " in first.cause
    assert any(late in item.says and "after the onset" in item.says for item in found.ruled_out)
    assert sum(item.kind == "definition" for item in found.evidence) == 2


def test_only_what_the_metric_is_made_of_counts(commit, tmp_path):
    commit(BEFORE, "2026-01-01T10:00Z")
    sha = commit(METRICS, "2026-02-11T23:40Z")
    project = load([tmp_path / "repo" / "metrics.yml"])
    graph = build(project)
    for metric, wanted in (("revenue", [sha]), ("revenue_wow", [sha]), ("conversion", [])):
        nodes = graph.upstream(f"metric:{metric}") | {f"metric:{metric}"}
        found = redefinitions(project, nodes, us("2026-02-01T00:00Z"), us("2026-02-14T00:00Z"))
        assert [item.event.id for item in found.found] == wanted
        assert found.not_seen is None
    assert redefinitions(project, graph.nodes, us("2026-02-12T00:00Z"), us("2026-02-14T00:00Z")).found == ()


def test_what_could_not_be_looked_at_is_said(commit, tmp_path):
    commit("version: 1\nmetrics: [\n", "2026-02-10T10:00Z")
    sha = commit(METRICS, "2026-02-11T23:40Z")
    project = load([tmp_path / "repo" / "metrics.yml"])
    between = us("2026-02-01T00:00Z"), us("2026-02-14T00:00Z")
    found = redefinitions(project, build(project).nodes, *between)
    assert found.found == () or found.found[0].event.id == sha
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "metrics.yml").write_text(METRICS, encoding="utf-8")
    elsewhere = load([tmp_path / "plain" / "metrics.yml"], root=tmp_path / "plain")
    assert redefinitions(elsewhere, [], *between).not_seen == "the definitions are not under git"
