"""The folder: the same each time, sound in every commit, and never written over somebody's work."""

import gzip
import json
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from metricsctl.core.errors import UsageError
from metricsctl.definition.load import load
from metricsctl.demo.history import COMMITS, OPEN_CHANGE
from metricsctl.demo.playground import TRUTH, Playground, make_playground
from metricsctl.demo.story import DAYS
from metricsctl.lint.engine import run


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True).stdout


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and ".git" not in path.relative_to(folder).parts)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_the_same_seed_gives_the_same_bytes_and_commits(playground: Playground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))  # as a hook of another repository would
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Somebody Else")
    again = make_playground(tmp_path / "again")
    monkeypatch.delenv("GIT_DIR")
    assert contents(again.folder) == contents(playground.folder)
    assert git(again.folder, "rev-parse", "main") == git(playground.folder, "rev-parse", "main")
    assert not (tmp_path / "elsewhere").exists()


def test_another_seed_gives_other_events_of_the_same_story(playground: Playground, tmp_path: Path) -> None:
    other, own = contents(make_playground(tmp_path / "other", seed=8).folder), contents(playground.folder)
    assert {name for name in own if own[name] != other[name]} == {TRUTH, *(name for name in own if name.startswith("events/"))}


def test_what_is_reported_is_what_lies_there(playground: Playground) -> None:
    folder = playground.folder
    assert all((folder / name).is_file() for name in playground.definitions)
    assert sum(playground.events.values()) == pytest.approx(300_000, rel=0.01)
    for source, count in playground.events.items():
        days = sorted((folder / "events" / source).iterdir())
        assert len(days) == DAYS
        assert sum(gzip.decompress(day.read_bytes()).count(b"\n") for day in days) == count
    lines = (folder / "changes.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["id"] for line in lines] == [change.id for change in playground.changes]
    assert len(lines) == 12
    truth = json.loads((folder / TRUTH).read_text(encoding="utf-8"))
    assert [incident["change"] for incident in truth["incidents"]] == [incident.change for incident in playground.incidents]


def test_a_day_file_holds_its_day_in_order(playground: Playground) -> None:
    text = gzip.decompress((playground.folder / "events" / "ad_log" / "2026-11-08.ndjson.gz").read_bytes())
    times = [json.loads(line)["ts"] for line in text.splitlines()]
    assert times == sorted(times)
    assert {time[:10] for time in times} == {"2026-11-08"}


def test_changes_are_told_in_order_and_the_guilty_ones_just_before_their_incident(playground: Playground) -> None:
    times = [change.time for change in playground.changes]
    assert times == sorted(times)
    when = {change.id: change.time for change in playground.changes}
    for incident in playground.incidents:
        assert 0 < (incident.onset - when[incident.change]).total_seconds() < 900


def test_every_commit_and_the_open_change_lint_clean(playground: Playground, tmp_path: Path) -> None:
    assert not run(load([playground.folder])).findings
    commits = git(playground.folder, "rev-list", "--reverse", "main").split()
    assert len(commits) == len(COMMITS)
    for commit in commits:
        archive, folder = tmp_path / f"{commit}.tar", tmp_path / commit
        git(playground.folder, "archive", "-o", str(archive), commit)
        with tarfile.open(archive) as packed:
            packed.extractall(folder, filter="data")
        assert not run(load([folder]), ignore=["M205"]).findings  # who looks at critical metrics comes with a later commit


def test_one_change_is_open(playground: Playground) -> None:
    changed = {line[3:] for line in git(playground.folder, "status", "--porcelain").splitlines()}
    assert changed == {edit.file for edit in OPEN_CHANGE}
    assert "+WHERE status IN ('paid', 'refunded')" in git(playground.folder, "diff")


def test_somebodys_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(UsageError, match="is not empty"):
        make_playground(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    with pytest.raises(UsageError, match=r"cannot write into .*thesis\.txt"):
        make_playground(tmp_path / "thesis.txt" / "shop")


def test_an_own_folder_is_made_anew_and_what_else_is_in_it_stays(playground: Playground, tmp_path: Path) -> None:
    folder = shutil.copytree(playground.folder, tmp_path / "shop")
    (folder / "metrics" / "ads.yml").write_text("broken", encoding="utf-8")
    (folder / "notes.txt").write_text("keep", encoding="utf-8")
    make_playground(folder)
    assert contents(folder) == contents(playground.folder) | {"notes.txt": b"keep"}


def test_without_git_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="git is not installed"):
        make_playground(tmp_path / "shop")
    assert not (tmp_path / "shop").exists()
