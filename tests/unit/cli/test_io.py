"""Output: who sees what, in which style; progress; exit codes of every way to end."""

import io
import sys
from pathlib import Path

import pytest

from metricsctl.cli import progress
from metricsctl.cli.io import Output, style_of
from metricsctl.cli.progress import TerminalProgress
from metricsctl.cli.verb import guarded
from metricsctl.core.diagnostics import Diagnostic, Severity
from metricsctl.core.errors import DataError, ProjectError, UsageError
from metricsctl.core.progress import SILENT


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def fail(error: BaseException) -> int:
    raise error


@pytest.mark.parametrize(
    ("error", "code"),
    [(UsageError("x"), 2), (ProjectError("x"), 2), (DataError("x"), 3), (KeyboardInterrupt(), 130)],
    ids=lambda value: type(value).__name__,
)
def test_every_way_to_end_has_its_code(error: BaseException, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(Output("lint"), lambda: fail(error)) == code
    assert capsys.readouterr().out == ""


def test_exit_zero_is_for_findings_alone() -> None:
    out = Output("lint", exit_zero=True)
    assert (guarded(out, lambda: 1), guarded(out, lambda: 3), guarded(out, lambda: None)) == (0, 3, 0)


def test_quiet_and_verbose(capsys: pytest.CaptureFixture[str]) -> None:
    warning = Diagnostic("M106", Severity.WARNING, "unused")
    for out in (Output("lint"), Output("lint", quiet=True), Output("lint", verbose=True)):
        out.note("note")
        out.detail("detail")
        out.diagnose([warning])
    shown = "note\nM106 warning: unused\n"
    assert capsys.readouterr().err == shown + "note\ndetail\nM106 warning: unused\n"


def test_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    assert style_of(Terminal()).color
    assert not style_of(io.StringIO()).color
    assert not style_of(Terminal(), "never").color
    assert style_of(io.StringIO(), "always").color
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert style_of(io.StringIO()).color
    monkeypatch.setenv("NO_COLOR", "1")
    assert not style_of(Terminal()).color


def test_encoding_and_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "77")
    assert style_of(io.TextIOWrapper(io.BytesIO(), encoding="cp1252")).ascii
    assert not style_of(io.TextIOWrapper(io.BytesIO(), encoding="UTF-8")).ascii
    assert style_of(io.StringIO()).width == 77


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.write_text("old", encoding="utf-8")
    target.chmod(0o640)
    Output("list", path=target).emit("new ✓")
    assert target.read_text(encoding="utf-8") == "new ✓\n"
    assert target.stat().st_mode & 0o777 == 0o640
    Output("query", path=target).emit(b"\x00")
    assert target.read_bytes() == b"\x00"
    with pytest.raises(UsageError, match="cannot write"):
        Output("list", path=tmp_path).emit("x")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_progress_draws_late_and_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    terminal = Terminal()
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(sys, "stderr", terminal)
    bar = TerminalProgress()
    bar.start("reading", 1000, "bytes")
    bar.advance(100)
    assert terminal.getvalue() == ""
    now[0] = 1.0
    bar.advance(400, "5 events/s")
    assert terminal.getvalue().endswith("reading 50% (500 of 1,000 bytes), 5 events/s, 1 s left")
    bar.finish()
    assert terminal.getvalue().endswith("\r\x1b[K")
    assert isinstance(Output("ingest").progress, TerminalProgress)
    assert Output("ingest", quiet=True).progress is SILENT
