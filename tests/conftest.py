"""What all tests share: the option that rewrites golden files, costly things made once, the command line without a process of its own."""

import io
import os
import pickle
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

from metricsctl.changes.report import add
from metricsctl.cli.app import run
from metricsctl.demo.playground import Playground, make_playground
from metricsctl.workspace import Workspace
from metricsctl.workspace import open as open_workspace

# a checkout that never gets its bytecode is compiled anew by each of the hundreds of processes below: 0.15 s of each
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# what commands keep for a user is not the tester's, and goes with the process
_CACHE = tempfile.TemporaryDirectory(prefix="metricsctl-tests-")
os.environ["XDG_CACHE_HOME"] = _CACHE.name

# how long one example takes says more of the machine than of the code; CI tries the same ones each time, so that a failure is the change's
settings.register_profile("suite", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("suite")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="rewrite the expected output of tests/golden; read the diff before you commit"
    )


@dataclass(frozen=True)
class Done:
    """What a command line gave; named as `subprocess.CompletedProcess` names it."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Done]:
    """Run a command line in this process, which saves the half second of a new one; `NAME=value` sets a variable for it.

    Takes what goes to the descriptors, so that nothing on stdout is missed, whoever wrote it.
    """

    def call(*arguments: str, **variables: str) -> Done:
        capfd.readouterr()
        with monkeypatch.context() as patched:
            for name in [key for key in os.environ if key.startswith("METRICSCTL_") or key in {"NO_COLOR", "FORCE_COLOR", "COLUMNS"}]:
                patched.delenv(name)
            for name, value in variables.items():
                patched.setenv(name, value)
            patched.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
            code = run(arguments)
        return Done(code, *capfd.readouterr())

    return call


@pytest.fixture
def heeding_interrupts() -> Iterator[None]:
    """For processes that are to be interrupted: what a shell starts in the background ignores ^C, and so would they."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


Once = Callable[[str, Callable[[Path], None]], Path]


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Once:
    """A folder that is filled once for all workers: by who comes first, the others wait."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def get(name: str, fill: Callable[[Path], None]) -> Path:
        folder, claim, done = shared / name, shared / f"{name}.claim", shared / f"{name}.done"
        while not done.exists():
            try:
                claim.mkdir()
            except FileExistsError:
                time.sleep(0.05)
                continue
            try:
                if not done.exists():
                    folder.mkdir()
                    fill(folder)
                    done.touch()
            finally:
                claim.rmdir()
        return folder

    return get


@pytest.fixture(scope="session")
def playground(once: Once) -> Playground:
    """The demo's folder as it is before its events are read; not to be written to."""

    def fill(folder: Path) -> None:
        (folder / "pickled").write_bytes(pickle.dumps(make_playground(folder / "shop")))

    made = pickle.loads((once("playground", fill) / "pickled").read_bytes())
    assert isinstance(made, Playground)
    return made


@pytest.fixture(scope="session")
def demo_shop(once: Once, playground: Playground) -> Workspace:
    """The demo's folder with its events and changes in a store elsewhere."""

    def fill(folder: Path) -> None:
        shop = open_workspace(playground.folder, store=folder / "store")
        shop.ingest(playground.folder / "events", final=True)
        add(shop.project, shop.store, playground.folder / "changes.jsonl")

    return open_workspace(playground.folder, store=once("demo-shop", fill) / "store")
