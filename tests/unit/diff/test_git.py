"""The base out of git: merge bases, sub-folders, SQL files, and everything that can be wrong with a ref."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from metricsctl.core.errors import DataError, ProjectError, UsageError
from metricsctl.definition.load import load
from metricsctl.definition.project import Project
from metricsctl.diff.base import Base, load_base, load_head
from metricsctl.diff.compare import compare
from metricsctl.impact.calibrate import calibrate
from metricsctl.impact.score import score_of
from metricsctl.lint.engine import check

Git = Callable[..., str]
TEXT = """
version: 1
sources: [{name: log, time: ts, columns: [{name: ts, type: timestamp}, {name: amount, type: integer}]}]
models: [{name: big, sql_file: sql/big.sql, time: ts}]
metrics:
  - {name: rows, type: simple, source: log, agg: count}
  - {name: sum_big, type: simple, source: big, agg: sum, expr: amount}
"""
SQL = "SELECT ts, amount FROM log WHERE amount > 10\n"


def write(folder: Path, text: str = TEXT, sql: str = SQL) -> None:
    (folder / "sql").mkdir(parents=True, exist_ok=True)
    (folder / "m.yml").write_text(text, encoding="utf-8")
    (folder / "sql" / "big.sql").write_text(sql, encoding="utf-8")


def commit(git: Git, message: str = "x", when: str | None = None) -> str:
    git("add", "--all")
    git("commit", "--quiet", "--no-verify", "--allow-empty", "-m", message, when=when)
    return git("rev-parse", "HEAD")


def base_of(ref: str, folder: Path) -> Base:
    return load_base(ref, [folder], check=check)


def changed(base: Base, folder: Path) -> list[tuple[str, str]]:
    head: Project = check(load([folder]))
    return [(change.id, change.aspect) for change in compare(base.project, head)]


@pytest.mark.parametrize("below", [".", "teams/ads"])
def test_the_working_tree_against_a_ref(git: Git, tmp_path: Path, below: str) -> None:
    folder = tmp_path / "repo" / below
    write(folder)
    (tmp_path / "repo" / "other.yml").write_text("a: [\n", encoding="utf-8")
    sha = commit(git)
    base = base_of("main", folder)
    assert base.label == f"main ({sha[:7]})"
    assert changed(base, folder) == []
    write(folder, TEXT.replace("agg: count", "agg: count, filter: amount > 1"), SQL.replace("10", "20"))
    assert changed(base_of("main", folder), folder) == [("model:big", "rows"), ("metric:rows", "filter")]
    assert changed(base_of(sha[:10], folder), folder) == [("model:big", "rows"), ("metric:rows", "filter")]


def test_what_the_other_branch_did_since_is_not_ours(git: Git, tmp_path: Path) -> None:
    folder = tmp_path / "repo"
    write(folder)
    commit(git)
    git("checkout", "--quiet", "-b", "mine")
    write(folder, TEXT.replace("agg: sum", "agg: avg"))
    commit(git)
    git("checkout", "--quiet", "main")
    write(folder, TEXT.replace("name: rows", "name: lines"))
    commit(git)
    git("checkout", "--quiet", "mine")
    assert changed(base_of("main", folder), folder) == [("metric:sum_big", "agg")]


def test_hidden_and_foreign_files_are_left_alone(git: Git, tmp_path: Path) -> None:
    folder = tmp_path / "repo"
    write(folder)
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "x.yml").write_text("version: 1\nmetrics: oops\n", encoding="utf-8")
    (folder / "ci.yaml").write_text("jobs: {}\n", encoding="utf-8")
    commit(git)
    assert changed(base_of("HEAD", folder), folder) == []
    kept = load_base("HEAD", [folder], check=check, keep=lambda file: file.name != "m.yml")
    assert kept.project.metrics == {}


def test_a_file_that_is_new_makes_everything_new(git: Git, tmp_path: Path) -> None:
    folder = tmp_path / "repo"
    commit(git)
    write(folder)
    assert ("metric:rows", "added") in changed(base_of("main", folder), folder)


def test_a_folder_is_a_base(tmp_path: Path) -> None:
    write(tmp_path / "old")
    write(tmp_path / "new", TEXT.replace("agg: sum", "agg: avg"))
    base = base_of(str(tmp_path / "old"), tmp_path / "new")
    assert changed(base, tmp_path / "new") == [("metric:sum_big", "agg")]


def test_no_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    write(tmp_path)
    with pytest.raises(UsageError, match="not a git repository"):
        base_of("main", tmp_path)


@pytest.mark.parametrize("ref", ["mian", "--all", "main~5"])
def test_unknown_ref(git: Git, tmp_path: Path, ref: str) -> None:
    write(tmp_path / "repo")
    commit(git)
    with pytest.raises(UsageError, match="unknown git ref") as caught:
        base_of(ref, tmp_path / "repo")
    assert caught.value.exit_code == 2
    if ref == "mian":
        assert caught.value.hint == "did you mean 'main'?"


def test_no_commit_yet(git: Git, tmp_path: Path) -> None:
    write(tmp_path / "repo")
    with pytest.raises(UsageError, match="unknown git ref 'main'"):
        base_of("main", tmp_path / "repo")
    assert git("status", "--short")


def test_a_shallow_clone_says_what_to_do(git: Git, tmp_path: Path) -> None:
    folder = tmp_path / "repo"
    write(folder)
    commit(git)
    git("checkout", "--quiet", "-b", "mine")
    write(folder, TEXT.replace("agg: sum", "agg: avg"))
    commit(git)
    git("checkout", "--quiet", "main")
    commit(git, "later")
    url = folder.as_uri()
    git("clone", "--quiet", "--depth=1", "--branch=mine", url, "../one", at=folder)
    with pytest.raises(UsageError, match="unknown git ref 'origin/main'") as caught:
        base_of("origin/main", tmp_path / "one")
    assert "fetch" in str(caught.value.hint)
    git("clone", "--quiet", "--depth=1", "--no-single-branch", "--branch=mine", url, "../two", at=folder)
    with pytest.raises(UsageError, match="shallow and lacks the merge base of origin/main and HEAD") as caught:
        base_of("origin/main", tmp_path / "two")
    assert "--unshallow" in str(caught.value.hint)


def test_unrelated_histories(git: Git, tmp_path: Path) -> None:
    write(tmp_path / "repo")
    commit(git)
    git("checkout", "--quiet", "--orphan", "other")
    commit(git, "another beginning")
    with pytest.raises(UsageError, match="no commit in common"):
        base_of("main", tmp_path / "repo")


@pytest.mark.parametrize(
    "text", ["version: 1\nmetrics: [\n", TEXT.replace("source: log", "source: lag"), TEXT.replace("big.sql", "gone.sql")]
)
def test_a_broken_base_is_named(git: Git, tmp_path: Path, text: str) -> None:
    folder = tmp_path / "repo"
    write(folder, text)
    sha = commit(git)
    write(folder)
    with pytest.raises(ProjectError, match=rf"the definitions at main \({sha[:7]}\) have \d error") as caught:
        base_of("main", folder)
    spans = [item.span for item in caught.value.diagnostics]
    assert all(span is not None and span.path.startswith("main:") for span in spans)


def test_a_hook_s_environment_does_not_mislead(git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "repo" / "sub")
    commit(git)
    monkeypatch.setenv("GIT_DIR", ".git")
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/index")
    assert changed(base_of("main", tmp_path / "repo" / "sub"), tmp_path / "repo" / "sub") == []


def test_a_commit_or_the_index_instead_of_the_working_tree(git: Git, tmp_path: Path) -> None:
    folder = tmp_path / "repo"
    write(folder)
    commit(git)
    git("checkout", "--quiet", "-b", "mine")
    write(folder, TEXT.replace("agg: sum", "agg: avg"))
    commit(git)
    write(folder, TEXT.replace("agg: sum", "agg: max"), SQL.replace("10", "20"))
    git("add", "--all")
    write(folder, "version: 1\nmetrics: oops\n")

    def told(base: str, head: str) -> list[tuple[str, str]]:
        found = load_base(base, [folder], check=check, head="HEAD" if head == ":index" else head)
        return [(change.id, change.reason) for change in compare(found.project, load_head(head, [folder], check=check))]

    assert told("main", "mine") == [("metric:sum_big", "agg: sum -> avg")]
    assert told("HEAD", ":index") == [("model:big", "WHERE: amount > 10 -> amount > 20"), ("metric:sum_big", "agg: avg -> max")]
    with pytest.raises(UsageError, match="unknown git ref 'nobody'"):
        load_head("nobody", [folder], check=check)


def test_what_both_have_is_read_once(git: Git, tmp_path: Path) -> None:
    folder = tmp_path / "repo"
    write(folder)
    commit(git)
    head = check(load([folder]))
    same = load_base("main", [folder], check=check, like=head).project
    assert same.metrics["rows"] is head.metrics["rows"]
    write(folder, TEXT, SQL.replace("10", "20"))  # the file is the same, but not the SQL that it names
    head = check(load([folder]))
    other = load_base("main", [folder], check=check, like=head).project
    assert [change.id for change in compare(other, head)] == ["model:big"]


def test_a_bare_repository(git: Git, tmp_path: Path) -> None:
    write(tmp_path / "repo")
    commit(git)
    git("clone", "--quiet", "--bare", ".", str(tmp_path / "bare.git"))
    with pytest.raises(UsageError, match="is a bare repository"):
        load_base("main", [tmp_path / "bare.git"], check=check)


def test_calibrate_on_a_history(git: Git, tmp_path: Path) -> None:
    folder = tmp_path / "repo"
    yesterday = f"{time.time() - 86_400:.0f} +0000"
    write(folder)
    commit(git, when=yesterday)
    for number in range(32):
        write(folder, TEXT, SQL.replace("10", str(100 + number)))
        commit(git, when=yesterday)
    write(folder, "version: 1\nmetrics: oops\n")
    commit(git, when=yesterday)
    write(folder, TEXT)
    (folder / "note.txt").write_text("x", encoding="utf-8")
    commit(git, when=yesterday)
    report = calibrate([folder], "1y", check=check)
    assert (len(report.commits), len(report.skipped)) == (32, 2)
    assert report.k is not None
    assert report.commits[0].raw == pytest.approx(0.8 * 2 + 0.8 * 0.5)  # the metric and its model, tier 2
    assert score_of(report.commits[0].raw, report.k) == pytest.approx(50)
    assert calibrate([folder], "0d", check=check).k is None
    with pytest.raises(UsageError, match="'ever' is no period"):
        calibrate([folder], "ever", check=check)


def test_the_first_commit_is_still_to_come(git: Git, tmp_path: Path) -> None:
    write(tmp_path / "repo")
    for ref in ("HEAD", "origin/main"):
        with pytest.raises(UsageError, match=f"unknown git ref '{ref}': the repository has no commit yet") as caught:
            base_of(ref, tmp_path / "repo")
        assert "--base DIR" in str(caught.value.hint)
    git("status")


def test_a_file_renamed(git: Git, tmp_path: Path) -> None:
    folder = tmp_path / "repo"
    write(folder)
    commit(git)
    git("mv", "m.yml", "metrics.yml")
    assert changed(base_of("HEAD", folder), folder) == []
    write(folder / "team")
    (folder / "metrics.yml").unlink()
    text = TEXT.replace("agg: sum", "agg: avg")
    write(folder / "team", text)
    git("add", "--all")
    assert changed(base_of("HEAD", folder), folder) == [("metric:sum_big", "agg")]
    # a folder that the base did not have, into which the file was moved
    assert changed(base_of("HEAD", folder / "team"), folder / "team") == [("metric:sum_big", "agg")]
    commit(git)
    head = load_head("HEAD", [folder / "team"], check=check)
    base = load_base("HEAD~1", [folder / "team"], check=check, head="HEAD")
    assert [change.id for change in compare(base.project, head)] == ["metric:sum_big"]


def test_a_binary_file_that_is_called_yml(git: Git, tmp_path: Path) -> None:
    folder = tmp_path / "repo"
    write(folder)
    (folder / "logo.yml").write_bytes(b"\x89PNG\r\n\x1a\n\x00\xff\xfe")
    commit(git)
    (folder / "logo.yml").unlink()
    with pytest.raises(DataError, match=r"logo.yml:1: not UTF-8 text in HEAD") as caught:
        base_of("HEAD", folder)
    assert "exclude" in str(caught.value.hint)
    assert load_base("HEAD", [folder], check=check, keep=lambda file: file.name != "logo.yml").project.metrics
    (folder / "logo.yml").write_bytes(b"GIF\x00\x01metrics: x")  # text as far as UTF-8 goes, and no definitions
    commit(git)
    assert len(base_of("HEAD", folder).project.metrics) == 2


def test_a_submodule_is_read_at_its_commit(git: Git, tmp_path: Path) -> None:
    library, folder = tmp_path / "library", tmp_path / "repo"
    git("init", "--quiet", "--initial-branch=main", "../library")
    write(library)
    git("add", "--all", at=library)
    git("commit", "--quiet", "-m", "x", at=library)
    (folder / "own.yml").write_text("version: 1\nexposures: [{name: d, kind: dashboard, uses: [rows], owner: x}]\n", encoding="utf-8")
    git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(library), "defs")
    commit(git)
    assert changed(base_of("HEAD", folder), folder) == []
    write(folder / "defs", TEXT.replace("agg: sum", "agg: avg"), SQL.replace("10", "20"))
    assert changed(base_of("HEAD", folder), folder) == [("model:big", "rows"), ("metric:sum_big", "agg")]
    assert changed(base_of("HEAD", folder / "defs"), folder / "defs") == [("model:big", "rows"), ("metric:sum_big", "agg")]
    git("update-index", "--cacheinfo", f"160000,{'1' * 40},defs")
    git("commit", "--quiet", "-m", "lost")
    with pytest.raises(UsageError, match="submodule defs lacks the commit that HEAD") as caught:
        base_of("HEAD", folder)
    assert "git submodule update" in str(caught.value.hint)
