"""^C that waits where it must not strike."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator

__all__ = ["interrupts_held"]


@contextlib.contextmanager
def interrupts_held() -> Iterator[None]:
    """Let ^C wait until the end of the block, which then raises KeyboardInterrupt.

    For native code that takes an exception for a fault of its own and aborts the process, such as an extension module that is being
    imported. Does nothing outside the main thread, and where ^C is not Python's to handle.
    """
    if threading.current_thread() is not threading.main_thread() or not callable(signal.getsignal(signal.SIGINT)):
        yield
        return
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt
