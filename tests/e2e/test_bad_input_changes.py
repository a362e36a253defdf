"""What people do wrong with `impact`, `changes`, `detect` and `explain`: one clear error, the right exit code, never a traceback."""

import datetime as dt
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from metricsctl.cli.app import run

METRICS = """\
version: 1
defaults: {owner: team, grain: 1h}
sources:
  - name: orders
    description: One row an order.
    time: {column: at, lateness: 1h}
    columns:
      - {name: at, type: timestamp}
      - {name: amount, type: double}
  - name: refunds
    description: One row a refund.
    time: {column: at, lateness: 1h}
    columns:
      - {name: at, type: timestamp}
metrics:
  - {name: revenue, description: Value., type: simple, source: orders, agg: sum, expr: amount}
  - {name: returned, description: Refunds., type: simple, source: refunds, agg: count}
"""


@dataclass(frozen=True)
class Done:
    """What a command line gave."""

    code: int
    out: str
    err: str


Shell = Callable[..., Done]
Git = Callable[..., str]


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Command lines in the folder of a shop."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "metrics.yml").write_text(METRICS, encoding="utf-8")
    monkeypatch.chdir(tmp_path / "shop")

    def call(*arguments: str) -> Done:
        out, err = io.StringIO(), io.StringIO()
        with monkeypatch.context() as patched:
            patched.setattr(sys, "stdout", out)
            patched.setattr(sys, "stderr", err)
            return Done(run(arguments), out.getvalue(), err.getvalue())

    return call


@pytest.fixture
def git(monkeypatch: pytest.MonkeyPatch) -> Git:
    """Git away from the settings of whoever runs the tests."""
    for name in [key for key in os.environ if key.startswith("GIT_")]:
        monkeypatch.delenv(name)
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "ada@shop.example")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")

    def call(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], capture_output=True, text=True, check=True).stdout.strip()

    return call


def first_commit(git: Git) -> None:
    """Makes the folder a repository with a branch `main`."""
    git("init", "--quiet")
    git("symbolic-ref", "HEAD", "refs/heads/main")
    commit(git, "first")


def commit(git: Git, message: str) -> None:
    git("add", "--all")
    git("commit", "--quiet", "--no-verify", "--allow-empty", "-m", message)


def hourly(amounts: list[float]) -> str:
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    rows = ({"at": (start + dt.timedelta(hours=hour)).isoformat(), "amount": amount} for hour, amount in enumerate(amounts))
    return "".join(json.dumps(row) + "\n" for row in rows)


def ingest(shell: Shell, amounts: list[float]) -> None:
    Path("events.ndjson").write_text(hourly(amounts), encoding="utf-8")
    assert shell("ingest", "events.ndjson", "--source", "orders", "--final").code == 0


def assert_one_error(done: Done, code: int, *words: str) -> None:
    """An error of one line and a hint, all on stderr."""
    assert done.code == code, done.err
    assert done.out == ""
    assert "Traceback" not in done.err
    assert "fault of ours" not in done.err
    assert [line[:7] for line in done.err.splitlines() if line[:1] != " "] == ["error: "], done.err
    assert len(done.err.splitlines()) == 2, done.err
    for word in words:
        assert word in done.err


def assert_noticed(done: Done, code: str) -> None:
    """No failure: one finding that says why there is no answer."""
    assert done.code == 0, done.err
    assert "Traceback" not in done.err
    assert [line.split()[0] for line in done.err.splitlines() if line[:1] != " "] == [code], done.err
    assert "hint: " in done.err


# -- the base in git


def test_a_ref_that_does_not_exist(shell: Shell, git: Git) -> None:
    first_commit(git)
    assert_one_error(shell("impact", "--base", "mian"), 2, "unknown git ref 'mian'")
    assert shell("impact", "--base", "main").code == 0


def test_a_shallow_clone(shell: Shell, git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first_commit(git)
    git("checkout", "--quiet", "-b", "mine")
    commit(git, "ours")
    git("checkout", "--quiet", "main")
    commit(git, "theirs")
    clone = tmp_path / "clone"
    git("clone", "--quiet", "--depth", "1", "--no-single-branch", "--branch", "mine", (tmp_path / "shop").as_uri(), str(clone))
    monkeypatch.chdir(clone)
    assert_one_error(shell("impact", "--base", "origin/main"), 2, "shallow", "git fetch")


def test_a_base_whose_yaml_is_broken(shell: Shell, git: Git) -> None:
    Path("metrics.yml").write_text("version: 1\nmetrics: [\n", encoding="utf-8")
    first_commit(git)
    Path("metrics.yml").write_text(METRICS, encoding="utf-8")
    done = shell("impact", "--base", "main")
    assert (done.code, done.out) == (2, "")
    assert "metrics.yml:" in done.err
    assert done.err.count("error: ") == 1
    assert "the definitions at main (" in done.err
    assert "Traceback" not in done.err


# -- change events


def test_change_events_of_which_half_are_malformed(shell: Shell) -> None:
    good = [{"id": f"c{number}", "time": f"2026-01-0{number}T00:00:00Z", "kind": "deploy", "service": "orders"} for number in range(1, 5)]
    bad = ['{"time": "yesterday"}', "[1]", "{broken", '{"id": 5, "time": null}']
    lines = [line for pair in zip((json.dumps(item) for item in good), bad, strict=True) for line in pair]
    Path("changes.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    done = shell("changes", "add", "changes.jsonl")
    assert done.code == 3
    assert "4 malformed" in done.out + done.err
    found = [line.split()[0] for line in done.err.splitlines() if "malformed-change" in line]
    assert found == [f"changes.jsonl:{number}:1:" for number in (2, 4, 6, 8)]
    assert "Traceback" not in done.err


def test_a_file_of_changes_that_is_no_text(shell: Shell) -> None:
    Path("changes.jsonl").write_bytes(b"\xff\xfe\x00\x01" * 100)
    done = shell("changes", "add", "changes.jsonl")
    assert done.code == 3
    assert "Traceback" not in done.err
    assert "fault of ours" not in done.err


# -- metrics and their series


@pytest.mark.parametrize("arguments", ["impact --metric revnue", "detect revnue", "explain revnue", "explain revnue --at 2026-01-01"])
def test_an_unknown_metric(arguments: str, shell: Shell) -> None:
    ingest(shell, [1.0, 2.0])
    assert_one_error(shell(*arguments.split()), 2, "unknown metric 'revnue'", "did you mean 'revenue'?")


@pytest.mark.parametrize("arguments", ["detect", "explain revenue", "explain"])
def test_no_store(arguments: str, shell: Shell) -> None:
    assert_one_error(shell(*arguments.split()), 2, "no store at ", "metricsctl ingest")


@pytest.mark.parametrize("arguments", ["detect returned", "explain returned", "explain returned --at 2026-01-01T00:00Z"])
def test_a_metric_without_data(arguments: str, shell: Shell) -> None:
    ingest(shell, [1.0, 2.0])
    assert_noticed(shell(*arguments.split()), "no-data")


@pytest.mark.parametrize("arguments", ["explain least", "explain least --at 2026-01-01T00:00Z"])
def test_a_metric_newer_than_the_store_is_not_helped_by_the_same_files(arguments: str, shell: Shell) -> None:
    ingest(shell, [1.0, 2.0])
    newer = "  - {name: least, description: Least., type: simple, source: orders, agg: min, expr: amount}\n"
    Path("metrics.yml").write_text(METRICS + newer, encoding="utf-8")
    done = shell(*arguments.split())
    assert_noticed(done, "needs-rebuild")
    assert "--rebuild" in done.err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [("detect revenue", "constant"), ("explain revenue --at 2026-01-25T00:00Z", "constant")],
)
def test_a_constant_series(arguments: str, code: str, shell: Shell) -> None:
    ingest(shell, [5.0] * 24 * 28)
    assert_noticed(shell(*arguments.split()), code)


@pytest.mark.parametrize("arguments", ["detect revenue", "explain revenue", "explain revenue --at 2026-01-01T01:00Z"])
def test_two_points(arguments: str, shell: Shell) -> None:
    ingest(shell, [1.0, 100.0])
    assert_noticed(shell(*arguments.split()), "short-history")


def test_ten_thousand_events_of_which_half_are_malformed(shell: Shell, tmp_path: Path) -> None:
    good = '{"time": "2026-01-01T00:00:00Z", "service": "web", "id": "%d"}'
    bad = ("{not json", '{"service": "web"}', "[1, 2]", '"x"', '{"time": "yesterday", "service": 3}')
    path = tmp_path / "events.jsonl"
    path.write_text("".join(f"{good % number if number % 2 else bad[number // 2 % 5]}\n" for number in range(10_000)), encoding="utf-8")
    done = shell("impact", "--change", str(path))
    assert done.code == 3
    assert done.err.count(": malformed-change") == 20
    assert done.err.endswith("and 4,980 more of malformed-change\n")
    assert len(json.loads(shell("impact", "--change", str(path), "--format", "json").out)["diagnostics"]) == 5000
