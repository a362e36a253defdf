"""The command line, case by case: a folder with input files, `command`, `stdout`, `stderr` and `exit`.

`command` is what one would type (a line each, `#` comments, `NAME=value` before a command; all but the last only prepare). A folder `input`
beside the cases is there for all of them. What differs from run to run is replaced. `pytest --update-golden` rewrites the rest.
"""

import io
import os
import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest

from metricsctl.cli.app import run

HERE = Path(__file__).parent
EXPECTED = ("stdout", "stderr", "exit")
CASES = sorted(path.parent for path in HERE.rglob("command"))
VARYING = [
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), lambda _: "UUID"),
    (re.compile(r"in \d+\.\d s \([\d,]+ events/s\)"), lambda _: "in N s (N events/s)"),
    (re.compile(r"\b\d+(\.\d)? [kM]?B\b"), lambda found: "SIZE".rjust(len(found[0]))),
    (re.compile(r'"(bytes\w*)": \d+'), lambda found: f'"{found[1]}": 0'),
]


def steady(text: str, folder: Path) -> str:
    """Output without what differs from run to run: the working folder, ids, durations, sizes of files."""
    text = text.replace(str(folder.resolve()), "...")
    for pattern, stand_in in VARYING:
        text = pattern.sub(stand_in, text)
    return text


def play(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What the last line of a case's command gives."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "100")
    for name in [key for key in os.environ if key.startswith("METRICSCTL_") or key in {"NO_COLOR", "FORCE_COLOR"}]:
        monkeypatch.delenv(name)
    lines = [line for line in (folder / "command").read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    result = {}
    for line in lines:
        words = shlex.split(line)
        while "=" in words[0]:
            monkeypatch.setenv(*words.pop(0).split("=", 1))
        program, *arguments = words
        assert program == "metricsctl"
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="\n") for _ in range(2))
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", err)
        code = run(arguments)
        out.flush()
        err.flush()
        texts = {"stdout": out.buffer.getvalue().decode(), "stderr": err.buffer.getvalue().decode()}
        result = {name: steady(text, folder) for name, text in texts.items()} | {"exit": f"{code}\n"}
    return result


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.relative_to(HERE).as_posix())
def test_command_says_what_it_said(case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    folder = tmp_path / "case"
    shared = case.parent / "input"
    if shared.is_dir():
        shutil.copytree(shared, folder)
    shutil.copytree(case, folder, ignore=shutil.ignore_patterns(*EXPECTED), dirs_exist_ok=True)
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
