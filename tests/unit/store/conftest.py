import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]

# two tables that every group writes the same number to, one mark a group, and the sum of rows in the source
PRELUDE = """
import os, signal, sys
from pathlib import Path
from metricsctl.store import delta
from metricsctl.store.head import Head, SourceState
from metricsctl.store.state import State
from metricsctl.plan.tables import Column, Table
from metricsctl.store.writer import FileMark, StoreWriter

STORE = Path(sys.argv[1])
TABLES = [Table(n, (Column("g", "bigint"), Column("x", "double")), ("g",)) for n in ("one", "two")]

def die(*_args, **_kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

def group(writer, number):
    writer.begin()
    for table in TABLES:
        writer.create_table(table)
        writer.put(table.name, f"SELECT {number} AS g, 0.5 AS x FROM range(3)")
    writer.set_source(SourceState("ads", watermark=number, rows=3 * (number + 1)))
    writer.remember_files([FileMark("ads", f"f{number}", 10, f"{number:x}", 3, 3, False)])
    return writer.commit()

def close_without_goodbye(target, name, *, before=False, on_call=1):
    real, calls = getattr(target, name), []
    def wrapped(*args, **kwargs):
        calls.append(1)
        if before and len(calls) == on_call:
            die()
        result = real(*args, **kwargs)
        if not before and len(calls) == on_call:
            die()
        return result
    setattr(target, name, wrapped)
"""


@pytest.fixture(scope="session")
def prelude() -> dict:
    space: dict = {}
    argv, sys.argv = sys.argv, ["prelude", "unused"]
    try:
        exec(PRELUDE, space)
    finally:
        sys.argv = argv
    return space


@pytest.fixture(scope="session")
def group(prelude: dict) -> Callable:
    return prelude["group"]


@pytest.fixture
def child() -> Callable:
    def start(store: Path, code: str, *, stdout: int | None = None) -> subprocess.Popen:
        env = dict(os.environ, PYTHONPATH=str(ROOT))
        return subprocess.Popen([sys.executable, "-c", PRELUDE + textwrap.dedent(code), str(store)], env=env, stdout=stdout, text=True)

    return start


@pytest.fixture
def killed(child: Callable) -> Callable:
    def run(store: Path, code: str) -> None:
        process = child(store, code)
        assert process.wait(60) == -signal.SIGKILL

    return run
