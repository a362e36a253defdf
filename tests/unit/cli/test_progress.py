"""One line on a terminal, after a moment, that goes away."""

import pytest

from metricsctl.cli import progress
from metricsctl.cli.io import Output
from metricsctl.cli.progress import TerminalProgress
from metricsctl.core.progress import SILENT


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, in its only element."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_bytes_are_said_in_fitting_units_with_what_is_left(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    bar = TerminalProgress()
    bar.start("ingest", 2_000_000_000, "B")
    clock[0] += 10
    bar.advance(500_000_000, "1.2 M events/s")
    bar.finish()
    found = capsys.readouterr()
    assert found.out == ""
    assert found.err == "\r\x1b[Kingest 25% (500 MB of 2.0 GB), 1.2 M events/s, 30 s left\r\x1b[K"


def test_things_are_counted_without_a_total_too(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    bar = TerminalProgress()
    bar.start("detect", 8, "series")
    clock[0] += 1
    bar.advance(2)
    bar.start("read", None, "B")
    clock[0] += 1
    bar.advance(1500)
    lines = capsys.readouterr().err.split("\r\x1b[K")[1:]
    assert lines == ["detect 25% (2 of 8 series), 3 s left", "read 1.5 kB"]


def test_no_terminal_no_progress() -> None:
    assert Output("ingest").progress is SILENT
