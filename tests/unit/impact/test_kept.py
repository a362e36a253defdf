"""Answers that are kept: the same as worked out anew, and never older than what they stand on."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from metricsctl.core.kept import Kept
from metricsctl.core.revive import bare, revive
from metricsctl.definition.load import load
from metricsctl.definition.project import Project
from metricsctl.impact import ask as asking
from metricsctl.impact import kept as keeping
from metricsctl.impact.ask import ask
from metricsctl.impact.report import ImpactReport
from metricsctl.impact.run import Options
from metricsctl.lineage.graph import build
from metricsctl.lineage.kept import Definitions, answer
from metricsctl.lineage.question import Question
from metricsctl.lineage.report import LineageReport
from metricsctl.lint.engine import check
from metricsctl.render import render

Ask = Callable[..., ImpactReport]
TEXT = """
version: 1
sources: [{name: log, time: ts, columns: [{name: ts, type: timestamp}, {name: amount, type: integer}]}]
models: [{name: big, sql_file: big.sql, time: ts}]
metrics: [{name: rows, type: simple, source: big, agg: count, tags: [gold]}]
"""


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    for name, limit in (("old", 10), ("new", 20)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "m.yml").write_text(TEXT, encoding="utf-8")
        (tmp_path / name / "big.sql").write_text(f"SELECT ts, amount FROM log WHERE amount > {limit}\n", encoding="utf-8")
    return tmp_path / "old", tmp_path / "new"


def test_a_report_comes_back_as_it_was(impact: Ask) -> None:
    report = impact(("status = 'paid'", "status = 'sent'"), ("unit: usd", "unit: eur"), why="basket", why_not="visits")
    again = revive(ImpactReport, json.loads(json.dumps(bare(report))))
    assert again == report
    for form in ("tree", "json", "markdown", "table", "github"):
        assert render(again, form) == render(report, form)


def test_an_answer_is_kept_until_something_changes(folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = folders
    worked = []

    def difference(*arguments: object, **options: object) -> ImpactReport:
        worked.append(1)
        return original(*arguments, **options)

    original = asking.impact_of_difference
    monkeypatch.setattr(asking, "impact_of_difference", difference)

    def question(**more: object) -> ImpactReport:
        options = Options(**more)
        return ask(lambda: check(load([new])), [new], check=check, base=str(old), cache=tmp_path / "cache", options=options)

    first = question()
    assert first.changes[0].reason == "WHERE: amount > 10 -> amount > 20"
    assert question() == first
    assert len(worked) == 1
    (new / "big.sql").write_text("SELECT ts, amount FROM log WHERE amount > 30\n", encoding="utf-8")
    assert question().changes[0].reason == "WHERE: amount > 10 -> amount > 30"
    (old / "big.sql").write_text("SELECT ts, amount FROM log WHERE amount > 30\n", encoding="utf-8")
    assert question().changes == ()
    (new / "m.yml").write_text(TEXT.replace("agg: count", "agg: count, filter: amount > 1"), encoding="utf-8")
    assert [change.id for change in question().changes] == ["metric:rows"]
    assert question(k=5.0).k == 5.0
    assert len(worked) == 5


def test_another_state_of_the_program_answers_anew(folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two commits, too, of which only the ids are asked."""
    _, new = folders
    commit = ("git", "-C", str(new), "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-q", "-a", "-m", "x")
    subprocess.run(["git", "init", "-q", str(new)], check=True)
    subprocess.run(["git", "-C", str(new), "add", "."], check=True)
    subprocess.run(commit, check=True)
    (new / "big.sql").write_text("SELECT ts, amount FROM log WHERE amount > 30\n", encoding="utf-8")
    subprocess.run(commit, check=True)
    worked = []
    original = asking.impact_of_difference
    monkeypatch.setattr(asking, "impact_of_difference", lambda *given, **more: worked.append(1) or original(*given, **more))
    for state, times in (("one", 1), ("one", 1), ("other", 2)):
        monkeypatch.setattr(keeping, "program", lambda state=state: state)
        ask(lambda: check(load([new])), [new], check=check, base="HEAD~1", head="HEAD", cache=tmp_path / "cache")
        assert len(worked) == times


@pytest.mark.parametrize("question", [Question(), Question(("rows",), "upstream", columns=True)])
def test_an_answer_about_lineage_is_kept(folders: tuple[Path, Path], tmp_path: Path, question: Question) -> None:
    _, new = folders
    read: list[str] = []

    def project(how: str) -> Project:
        read.append(how)
        return load([new], parse_sql=how == "all")

    def ask_lineage(question: Question) -> LineageReport:
        definitions = Definitions([new], lambda _: True, lambda: check(project("all")), lambda: project("part"), check)
        return answer(question, definitions, tmp_path / "cache")

    first, second = ask_lineage(question), ask_lineage(question)
    assert second == first == question.of(build(load([new])))
    once = ["part"] if question.nodes else ["all"]
    assert read == once
    (new / "big.sql").write_text("SELECT ts, amount + 1 AS amount FROM log\n", encoding="utf-8")
    assert ask_lineage(question) != first or not question.columns
    assert read == once * 2
    for name in ("log", "big"):
        ask_lineage(Question((name,)))
    assert read[2:] == (["all"] if question.nodes else [])  # the whole graph answers every question, and is read for the second one


@pytest.mark.parametrize("text", ["", "{", "[]", '{"files": {}}', "\x00"])
def test_what_is_damaged_counts_as_not_there(tmp_path: Path, text: str) -> None:
    kept = Kept(tmp_path, "impact")
    kept.put("a", [1])
    assert kept.get("a") == [1]
    (tmp_path / "impact-a.json").write_text(text, encoding="utf-8")
    assert kept.get("a") is None
    assert kept.get("b") is None


def test_only_some_are_kept(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "cache", "x")
    for number in range(30):
        kept.put(str(number), number)
    assert len(list((tmp_path / "cache").glob("x-*.json"))) == 24
    Kept(Path("/proc/nowhere"), "x").put("a", 1)  # keeps nothing, in silence
