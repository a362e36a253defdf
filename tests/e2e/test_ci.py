"""The workflows of docs/ci.md, run as far as a machine without GitHub and GitLab can: their shell, on a repository with a change."""

import os
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

DOC = Path(__file__).parents[2] / "docs" / "ci.md"
MARKER = "<!-- metricsctl-impact -->"
TEXT = """
version: 1
sources: [{name: log, time: ts, columns: [{name: ts, type: timestamp}, {name: amount, type: integer}]}]
metrics:
  - {name: revenue, type: simple, source: log, agg: sum, expr: amount, tier: 0, version: 1, description: Money.}
exposures: [{name: goal, kind: slo, good: revenue, total: revenue, objective: 0.9}]
"""


def blocks() -> list[Any]:
    return [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", DOC.read_text(encoding="utf-8"), re.DOTALL)]


GITHUB, COMMENT, GITLAB, HOOK = blocks()


class Place:
    """A clone with a branch of its own, and stand-ins for the programs that talk to a service."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "clone"
        self.bin = folder / "bin"
        self.log = folder / "asked"
        self.bin.mkdir(parents=True)
        self.stand_in("metricsctl", f'exec "{sys.executable}" -m metricsctl "$@"')
        self.stand_in("pip", "exit 0")
        self.stand_in("python3", f'exec "{sys.executable}" "$@"')
        origin = folder / "origin"
        self.git(folder, "init", "-q", "-b", "main", str(origin))
        (origin / "m.yml").write_text(TEXT, encoding="utf-8")
        self.git(origin, "add", "--all")
        self.git(origin, "commit", "-q", "-m", "one")
        self.git(folder, "clone", "-q", str(origin), str(self.folder))

    def stand_in(self, name: str, body: str) -> None:
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def git(self, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
        return subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True, text=True)

    def edit(self, before: str, after: str) -> None:
        assert before in TEXT
        (self.folder / "m.yml").write_text(TEXT.replace(before, after), encoding="utf-8")

    def shell(self, text: str, **variables: str) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if name in {"HOME", "LANG", "VIRTUAL_ENV", "PYTHONPATH"}}
        environment = {**kept, **variables, "PATH": f"{self.bin}:{os.environ['PATH']}"}
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", text]
        return subprocess.run(command, cwd=self.folder, env=environment, check=False, capture_output=True, text=True)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def filled(text: str) -> str:
    """A step with what GitHub fills in."""
    known = {"github.event.pull_request.number": "7", "github.base_ref": "main", "github.repository": "shop/metrics", "github.token": "t"}
    return re.sub(r"\$\{\{ ([\w.]+) \}\}", lambda found: known[found[1]], text)


def github_step(workflow: Any, name: str, place: Place) -> subprocess.CompletedProcess[str]:
    (job,) = workflow["jobs"].values()
    step = next(step for step in job["steps"] if step.get("name") == name)
    return place.shell(filled(step["run"]), **{key: filled(value) for key, value in step["env"].items()})


def test_github_fails_on_what_is_high_and_the_report_is_there(place: Place) -> None:
    place.edit("agg: sum", "agg: avg")
    done = github_step(GITHUB, "impact", place)
    assert done.returncode == 1, done.stderr
    assert (place.folder / "report" / "number").read_text(encoding="utf-8") == "7\n"
    assert (place.folder / "report" / "impact.md").read_text(encoding="utf-8").startswith(f"{MARKER}\n## 1 metric moves")


def test_github_passes_what_moves_nothing(place: Place) -> None:
    place.edit("Money.", "Cash.")
    assert github_step(GITHUB, "impact", place).returncode == 0
    assert "0 metrics move" in (place.folder / "report" / "impact.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("known", "asked"), [("", "-X POST repos/shop/metrics/issues/7/comments"), ("99", "-X PATCH repos/shop/metrics/issues/comments/99")]
)
def test_github_keeps_one_comment(place: Place, known: str, asked: str) -> None:
    place.edit("agg: sum", "agg: avg")
    github_step(GITHUB, "impact", place)
    place.stand_in("gh", f'echo "$@" >> "{place.log}"\ncase "$*" in *--paginate*) echo "{known}";; esac')
    done = github_step(COMMENT, "comment", place)
    assert done.returncode == 0, done.stderr
    look, post = place.log.read_text(encoding="utf-8").splitlines()
    assert MARKER in look
    assert asked in post
    assert post.endswith("-F body=@report/impact.md")


def test_github_posts_nothing_for_a_number_that_is_none(place: Place) -> None:
    (place.folder / "report").mkdir()
    (place.folder / "report" / "number").write_text("$(rm -rf x)\n", encoding="utf-8")
    (place.folder / "report" / "impact.md").write_text("x\n", encoding="utf-8")
    place.stand_in("gh", f'echo "$@" >> "{place.log}"')
    assert github_step(COMMENT, "comment", place).returncode == 0
    assert not place.log.exists()


def test_what_runs_foreign_code_may_not_write() -> None:
    assert GITHUB["permissions"] == {"contents": "read"}
    checkout = GITHUB["jobs"]["impact"]["steps"][0]["with"]
    assert checkout == {"fetch-depth": 0, "persist-credentials": False}
    assert not any("checkout" in step.get("uses", "") for step in COMMENT["jobs"]["comment"]["steps"])


@pytest.mark.parametrize(("notes", "asked"), [("[]", "-X POST"), (f'[{{"id": 5, "body": "{MARKER} old"}}]', "-X PUT")])
def test_gitlab(place: Place, notes: str, asked: str) -> None:
    place.edit("agg: sum", "agg: avg")
    place.stand_in("curl", f'echo "$@" >> "{place.log}"\ncase "$*" in *per_page*) echo \'{notes}\';; esac')
    variables = {
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
        "CI_API_V4_URL": "https://gitlab.example/api/v4",
        "CI_PROJECT_ID": "3",
        "CI_MERGE_REQUEST_IID": "4",
        "IMPACT_TOKEN": "t",
    }
    script = "\n".join(GITLAB["impact"]["script"])
    done = place.shell(script, **variables)
    assert done.returncode == 1, done.stderr
    _, post = place.log.read_text(encoding="utf-8").splitlines()
    assert asked in post
    assert "projects/3/merge_requests/4/notes" + ("/5" if asked == "-X PUT" else "") in post
    place.log.unlink()
    assert place.shell(script, **{**variables, "IMPACT_TOKEN": ""}).returncode == 1
    assert not place.log.exists()


def test_the_hook_before_a_commit(place: Place) -> None:
    (hook,) = HOOK["repos"][0]["hooks"]
    path = place.folder / ".git" / "hooks" / "pre-commit"
    path.write_text(f"#!/bin/sh\nexec {hook['entry']} -q\n", encoding="utf-8")
    path.chmod(0o755)
    commit = "git -c user.name=a -c user.email=a@example.org commit -q -am change"
    place.edit("name: revenue, type", "name: income, type")
    assert place.shell(commit).returncode == 1
    place.edit("Money.", "Cash.")
    done = place.shell(commit)
    assert done.returncode == 0, done.stderr


def test_a_shallow_clone_is_refused(place: Place, tmp_path: Path) -> None:
    (place.folder / "m.yml").write_text(TEXT.replace("Money", "Cash"), encoding="utf-8")
    place.git(place.folder, "commit", "-q", "-am", "two")
    place.git(tmp_path, "clone", "-q", "--depth", "1", f"file://{place.folder}", str(tmp_path / "shallow"))
    place.folder = tmp_path / "shallow"
    done = place.shell("metricsctl impact --base HEAD~1")
    assert done.returncode == 2
    assert "fetch-depth: 0" in done.stderr
