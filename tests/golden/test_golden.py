"""The command line, case by case: a folder with input files, `command`, `stdout`, `stderr` and `exit`.

`command` is what one would type (a line each, `#` comments; all but the last only prepare). `pytest --update-golden` rewrites the rest.
"""

import io
import os
import shlex
import shutil
import sys
from pathlib import Path

import pytest

from metricsctl.cli.app import run

HERE = Path(__file__).parent
EXPECTED = ("stdout", "stderr", "exit")
CASES = sorted(path.parent for path in HERE.rglob("command"))


def play(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What the last line of a case's command gives."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "100")
    for name in [key for key in os.environ if key.startswith("METRICSCTL_") or key in {"NO_COLOR", "FORCE_COLOR"}]:
        monkeypatch.delenv(name)
    lines = [line for line in (folder / "command").read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    result = {}
    for line in lines:
        program, *arguments = shlex.split(line)
        assert program == "metricsctl"
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="\n") for _ in range(2))
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", err)
        code = run(arguments)
        out.flush()
        err.flush()
        result = {"stdout": out.buffer.getvalue().decode(), "stderr": err.buffer.getvalue().decode(), "exit": f"{code}\n"}
    return result


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.relative_to(HERE).as_posix())
def test_command_says_what_it_said(case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    folder = tmp_path / "case"
    shutil.copytree(case, folder, ignore=shutil.ignore_patterns(*EXPECTED))
    with monkeypatch.context() as patched:
        found = play(folder, patched)
    if request.config.getoption("--update-golden"):
        for name, text in found.items():
            if text or (case / name).exists():
                (case / name).write_text(text, encoding="utf-8", newline="\n")
        return
    for name in EXPECTED:
        expected = (case / name).read_text(encoding="utf-8") if (case / name).exists() else None
        if expected is not None or name == "stdout":
            assert found[name] == (expected or ""), name


def test_every_case_has_an_exit_code() -> None:
    assert [case.name for case in CASES if not (case / "exit").exists()] == []
