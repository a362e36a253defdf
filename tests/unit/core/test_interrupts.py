"""^C waits where it must not strike."""

import signal
import subprocess
import sys
import threading

import pytest

from metricsctl.core.interrupts import interrupts_held

# ^C in the middle of the import of duckdb's native module: while it makes its first enum
STRUCK = """
import signal, sys
from metricsctl.engine.duckdb.connection import connect

def strike(frame, event, argument):
    above = frame
    while above and frame.f_code.co_filename.endswith("enum.py"):
        above = above.f_back
        if above and above.f_code.co_filename.endswith("duckdb/__init__.py"):
            sys.setprofile(None)
            print("struck", flush=True)
            signal.raise_signal(signal.SIGINT)
            return

signal.signal(signal.SIGINT, signal.default_int_handler)
sys.setprofile(strike)
try:
    connect(None)
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.usefixtures("heeding_interrupts")
def test_an_interrupt_waits_for_the_end_of_the_block() -> None:
    reached = []
    with pytest.raises(KeyboardInterrupt), interrupts_held():  # noqa: PT012
        signal.raise_signal(signal.SIGINT)
        reached.append("end")
    assert reached == ["end"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.usefixtures("heeding_interrupts")
def test_an_error_in_the_block_is_the_error() -> None:
    with pytest.raises(ValueError, match="ours"), interrupts_held():
        raise ValueError("ours")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_who_ignores_interrupts_goes_on_doing_so() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupts_held():
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_threads_are_let_through() -> None:
    reached = []

    def work() -> None:
        with interrupts_held():
            reached.append("end")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert reached == ["end"]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_an_interrupt_does_not_abort_the_import_of_duckdb() -> None:
    done = subprocess.run([sys.executable, "-c", STRUCK], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split()) == (0, ["struck", "interrupted"]), done.stderr
