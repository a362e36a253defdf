"""`examples/bad` breaks every rule there is, and the linter says just what `expected.txt` says."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from metricsctl.lint.registry import all_rules

BAD = Path(__file__).parents[2] / "examples" / "bad"
Cli = Callable[..., Any]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "bad"
    shutil.copytree(BAD, folder)
    (folder / ".git").mkdir()  # the top of a repository without remotes
    return folder


def test_every_rule_is_broken_as_expected(project: Path, cli: Cli, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    done = cli("lint", "--no-cache", "--base", "before", "--format", "concise")
    assert done.returncode == 1
    said = done.stdout
    if request.config.getoption("--update-golden"):
        (BAD / "expected.txt").write_text(said, encoding="utf-8", newline="\n")
    assert said == (BAD / "expected.txt").read_text(encoding="utf-8")
    assert set(re.findall(r"^\S+:\d+:\d+: (M\d+)", said, re.MULTILINE)) == set(all_rules())


def test_every_rule_stands_where_the_comments_say(project: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    found = cli("lint", "--no-cache", "--base", "before", "--format", "concise").stdout
    places = set(re.findall(r"^(\S+?):(\d+):\d+: (M\d+)", found, re.MULTILINE))
    promised = set()
    for path in (project / "metrics").iterdir():
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            comment = line.partition("#")[2]
            promised |= {
                (f"metrics/{path.name}", number, code) for code in re.findall(r"\bM\d{3}\b", comment) if "metricsctl:" not in comment
            }
    assert {code for *_, code in promised} == set(all_rules())
    for name, number, code in promised:  # a comment stands on the line or below it
        assert any((name, str(near), code) in places for near in (number, number - 1)), f"{name}:{number} promises {code}"


def test_every_message_quotes_the_text_at_its_place(project: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    findings = json.loads(cli("lint", "--no-cache", "--base", "before", "--format", "json").stdout)["diagnostics"]
    assert len(findings) > len(all_rules())
    for item in findings:
        span = item["span"]
        line = (project / span["path"]).read_text(encoding="utf-8").splitlines()[span["line"] - 1]
        quoted = line[span["column"] - 1 : span["end_column"] - 1]
        assert span["line"] == span["end_line"]
        assert f"'{quoted}'" in item["message"] or item["message"].startswith("YAML does not parse"), item
