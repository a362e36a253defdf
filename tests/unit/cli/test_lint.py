"""`metricsctl lint` on its way between stdin, git and files: drafts, changes, mended files."""

import io
import subprocess
import sys
from pathlib import Path

import pytest

from metricsctl.cli.app import run

HEAD = "version: 1\nsources:\n  - {name: log, time: ts, columns: [{name: ts, type: timestamp}]}\nmetrics:\n"
GOOD = "  - {name: a, type: simple, source: log, agg: count}\n"
BAD = "  - {name: b, type: simple, source: gone, agg: count}\n"
IDLE = "  - {name: d, type: derived, expr: cur, inputs: {cur: a, old: a}}\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "metricsctl.toml").write_text('[lint]\nselect = ["M1"]\n')
    (tmp_path / "metrics.yml").write_text(HEAD + GOOD)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def lint(*arguments: str, text: str | None = None, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", out)
        patched.setattr(sys, "stderr", err)
        if text is not None:
            patched.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        code = run(["lint", "--format", "concise", *arguments])
    return code, out.getvalue(), err.getvalue()


def test_a_draft_is_checked_in_its_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draft = "version: 1\nmetrics:\n  - {name: c, type: ratio, numerator: a, denominator: aa}\n"
    code, out, _ = lint("-", "--stdin-filename", "more.yml", text=draft, monkeypatch=monkeypatch)
    assert (code, out) == (1, "more.yml:3:55: M104 unknown metric 'aa' (did you mean 'a'?)\n")
    assert not (project / "more.yml").exists()


def test_a_draft_takes_the_place_of_its_file(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, _ = lint("--stdin-filename", "metrics.yml", text=HEAD + BAD, monkeypatch=monkeypatch)
    assert code == 1
    assert [line.split(" ")[:2] for line in out.splitlines()] == [["metrics.yml:3:12:", "M106"], ["metrics.yml:5:37:", "M104"]]
    assert (project / "metrics.yml").read_text() == HEAD + GOOD


@pytest.mark.usefixtures("project")
def test_stdin_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, err = lint("-", text=HEAD + GOOD, monkeypatch=monkeypatch)
    assert (code, out, err) == (0, "", "All checks passed: 1 metric, 1 source in 1 file\n")


def test_a_mended_draft_goes_to_stdout(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (HEAD + GOOD + IDLE).replace("\n", "\r\n")
    code, out, err = lint("-", "--stdin-filename", "metrics.yml", "--fix", text=text, monkeypatch=monkeypatch)
    assert (code, out) == (0, text.replace(", old: a", ""))
    assert err.startswith("1 finding mended\n")
    assert (project / "metrics.yml").read_text() == HEAD + GOOD


def test_fix_writes_and_diff_does_not(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = project / "metrics.yml"
    path.write_text(HEAD + GOOD + IDLE)
    code, out, _ = lint("--diff", monkeypatch=monkeypatch)
    assert (code, out.count("\n-  ")) == (1, 1)
    assert path.read_text() == HEAD + GOOD + IDLE
    assert lint("--fix", monkeypatch=monkeypatch)[0] == 0
    assert path.read_text() == HEAD + GOOD + IDLE.replace(", old: a", "")
    assert lint("--diff", monkeypatch=monkeypatch) == (0, "", "nothing to mend\n")


def test_only_what_a_change_brought(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def git(*arguments: str) -> None:
        subprocess.run(
            ["git", "-c", "user.name=Ada", "-c", "user.email=ada@shop.example", *arguments], cwd=project, check=True, capture_output=True
        )

    old, other = project / "metrics.yml", project / "other.yml"
    old.write_text(HEAD + GOOD + BAD)
    other.write_text("version: 1\nmetrics:\n  - {name: r, type: ratio, numerator: a, denominator: a}\n  - {name: R, alias_of: r}\n")
    git("init", "-q", "-b", "main")
    git("add", ".")
    git("commit", "-qm", "as it was")
    assert lint("--changed-since", "main", monkeypatch=monkeypatch)[:2] == (0, "")
    old.write_text("# a line more\n" + (HEAD + GOOD + BAD).replace("name: a,", "name: aa,"))
    code, out, err = lint("--changed-since", "main", monkeypatch=monkeypatch)
    assert code == 1
    assert [line.split(" ")[0] for line in out.splitlines()] == ["other.yml:3:39:", "other.yml:3:55:"]
    assert "2 known" in err
    assert lint("--changed-since", "nowhere", monkeypatch=monkeypatch)[0] == 2


def test_what_is_no_report_is_not_known(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ("{", "[1]", '{"diagnostics": [{"code": 1}]}'):
        (project / "known.json").write_text(text)
        code, out, err = lint("--known", "known.json", monkeypatch=monkeypatch)
        assert (code, out) == (2, "")
        assert "known.json: not a report of lint" in err
    assert lint("--known", "none.json", monkeypatch=monkeypatch)[0] == 2
