"""The command line as a process: pipes, signals, colours, exit codes."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PROGRAM = [sys.executable, "-m", "metricsctl"]
SPEC = Path(__file__).parents[1] / "fixtures" / "spec" / "metrics.yml"
Cli = Callable[..., Any]
ENVIRONMENT = {key: value for key, value in os.environ.items() if key not in {"NO_COLOR", "FORCE_COLOR", "COLUMNS"}}


def run(*arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *arguments], capture_output=True, text=True, encoding="utf-8", env=ENVIRONMENT | extra, timeout=60, check=False
    )


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    path = tmp_path / "metrics.yml"
    path.write_text("version: 1\nmetrics:\n  - {name: a, type: simple, source: nowhere, agg: count}\n", encoding="utf-8")
    return path


def test_exit_codes(broken: Path, cli: Cli) -> None:
    assert run("lint", str(broken)).returncode == 1
    assert cli("--version").returncode == 0
    assert cli("lint", str(SPEC)).returncode == 0
    assert cli("lint", str(broken), "--exit-zero").returncode == 0
    assert cli("lint", str(broken.parent / "none.yml")).returncode == 2
    assert cli("describe", "a", "-p", str(broken)).returncode == 2
    warned = broken.parent / "warned.yml"
    warned.write_text("version: 1\nsources: [{name: idle, time: at, columns: [{name: at, type: timestamp}]}]\n", encoding="utf-8")
    assert cli("lint", str(warned)).returncode == 0
    assert cli("lint", str(warned), "--fail-on", "warning").returncode == 1


def test_json_is_all_that_is_on_stdout(broken: Path, cli: Cli) -> None:
    done = run("lint", str(broken), "--format", "json")
    assert "M104" in {item["code"] for item in json.loads(done.stdout)["diagnostics"]}
    assert "1 error" in done.stderr
    assert cli("lint", str(broken), "--format", "json", "-q").stderr == ""


def test_a_closed_pipe_ends_quietly() -> None:
    process = subprocess.Popen([*PROGRAM, "schema", "project"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.wait(30) == 0
    assert process.stderr.read() == ""
    process.stderr.close()


@pytest.mark.skipif(os.name == "nt", reason="needs a shell with pipes")
def test_head_takes_the_first_line() -> None:
    line = f"'{sys.executable}' -m metricsctl rule --all --format json | head -1"
    done = subprocess.run(line, shell=True, capture_output=True, text=True, env=ENVIRONMENT, check=True)
    assert (done.stdout, done.stderr) == ("{\n", "")


def test_colour_is_for_terminals_or_who_asks(broken: Path, cli: Cli) -> None:
    assert "\x1b[" not in cli("lint", str(broken)).stdout
    assert "\x1b[" in cli("lint", str(broken), "--color", "always").stdout
    assert "\x1b[" in cli("lint", str(broken), FORCE_COLOR="1").stdout
    assert "\x1b[" not in cli("lint", str(broken), FORCE_COLOR="1", NO_COLOR="1").stdout
    assert "\x1b[" not in cli("list", "-p", str(SPEC), NO_COLOR="1").stdout


def test_a_terminal_without_unicode_gets_ascii() -> None:
    done = run("list", "-p", str(SPEC), PYTHONIOENCODING="cp1252")
    assert done.returncode == 0
    assert done.stdout.isascii()
    assert run("list", "--help", PYTHONIOENCODING="cp1252").returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a full device")
def test_a_full_disk_is_said() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*PROGRAM, "config"], stdout=full, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT, check=False)
    assert (done.returncode, done.stderr.splitlines()[0]) == (2, "error: cannot write: No space left on device")


def test_output_goes_to_a_file_whole(tmp_path: Path, cli: Cli) -> None:
    target = tmp_path / "out.json"
    done = cli("list", "-p", str(SPEC), "--format", "json", "-o", str(target))
    assert done.stdout == ""
    assert json.loads(target.read_text(encoding="utf-8"))["schema"] == "metricsctl/list/v1"
    assert [path.name for path in tmp_path.iterdir()] == ["out.json"]
    assert cli("list", "-p", str(SPEC), "-o", str(tmp_path / "no" / "out")).returncode == 2
    assert cli("list", "-p", str(SPEC), "-o", "-").stdout.startswith("metrics\n")


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.usefixtures("heeding_interrupts")
def test_an_interrupt_is_one_line_and_130(tmp_path: Path) -> None:
    pipe = tmp_path / "metrics.yml"
    os.mkfifo(pipe)  # reading it waits for a writer that never comes
    command = [*PROGRAM, "lint", str(pipe)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
    with pipe.open("w"):  # waits until it is being read
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (130, "", "interrupted\n")


def test_a_fault_of_ours_is_one_line_and_a_log(tmp_path: Path) -> None:
    code = "import sys, metricsctl.lint.session as session; session.Session.run = lambda *a, **k: 1 / 0\n"
    code += "from metricsctl.cli.app import run; sys.exit(run(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", code, "lint", str(SPEC)],
        capture_output=True,
        text=True,
        env=ENVIRONMENT | {"TMPDIR": str(tmp_path)},
        check=False,
    )
    assert done.returncode == 4
    assert done.stderr.startswith("a fault of ours: ZeroDivisionError: division by zero; the traceback is in ")
    (log,) = tmp_path.glob("metricsctl-*.log")
    assert "Traceback" in log.read_text(encoding="utf-8")
    assert done.stdout == ""
