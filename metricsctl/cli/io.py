"""stdout, stderr and files: the result alone goes to stdout, everything else to stderr."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from metricsctl.core.diagnostics import Diagnostic, Severity, Span
from metricsctl.core.errors import MetricsctlError, ProjectError, UsageError
from metricsctl.core.progress import SILENT, Progress
from metricsctl.core.report import Report
from metricsctl.render.style import Style

__all__ = ["Output", "replace_file", "style_of"]

_JSON = {"json", "jsonl"}
_MANY = 20  # findings of one code that are shown
WIDTH = 120  # where there is no terminal to ask


def _wants_color(stream: TextIO, color: str) -> bool:
    if color != "auto":
        return color == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def style_of(stream: TextIO, color: str = "auto") -> Style:
    """How to write to a stream: its width, whether it wants colour, whether it can show more than ASCII."""
    encoding = (getattr(stream, "encoding", None) or "utf-8").lower().replace("-", "").replace("_", "")
    width = shutil.get_terminal_size((WIDTH, 24)).columns
    return Style(max(width, 40), _wants_color(stream, color), not encoding.startswith("utf"))


def _put(stream: TextIO, text: str) -> None:
    """Write text, with `?` for what the stream cannot encode; a reader that has gone away is no fault."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        stream.write(text.encode(encoding, "replace").decode(encoding))
        stream.flush()
    except BrokenPipeError:
        silence(stream)
    except OSError as error:
        silence(stream)
        raise UsageError(f"cannot write: {error.strerror}", hint="is the disk full?") from error


def silence(stream: TextIO) -> None:
    """Let all that is still written to a stream go nowhere."""
    with contextlib.suppress(OSError, ValueError), open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a device
        os.dup2(nowhere.fileno(), stream.fileno())


@dataclass(slots=True)
class Output:
    """Where a command writes: `write` its result, `note` its summary, `detail` what only `-v` wants to see."""

    verb: str
    format: str = "text"
    path: Path | None = None
    quiet: bool = False
    verbose: bool = False
    color: str = "auto"
    exit_zero: bool = False

    @property
    def progress(self) -> Progress:
        """An observer for long work: draws on a terminal, else keeps still."""
        if self.quiet or not sys.stderr.isatty():
            return SILENT
        from metricsctl.cli.progress import TerminalProgress

        return TerminalProgress()

    def write(self, report: Report) -> None:
        """Write the result in the asked format; its findings go to stderr unless the format holds them."""
        from metricsctl.render import render

        style = Style(WIDTH, self.color == "always") if self._to_file else style_of(sys.stdout, self.color)
        self.emit(render(report, self.format, style))
        if self.format not in _JSON and self.verb != "lint":
            self.diagnose(report.diagnostics)

    def emit(self, payload: str | bytes) -> None:
        """Write text or bytes to the asked place."""
        if self._to_file:
            assert self.path is not None  # noqa: S101 - asked just now
            replace_file(self.path, payload)
        elif isinstance(payload, bytes):
            sys.stdout.flush()
            try:
                sys.stdout.buffer.write(payload)
                sys.stdout.buffer.flush()
            except BrokenPipeError:
                silence(sys.stdout)
        else:
            _put(sys.stdout, payload if payload.endswith("\n") or not payload else payload + "\n")

    def file(self, path: Path, payload: str | bytes) -> None:
        """Write a file beside the result, whole or not at all."""
        replace_file(path, payload)

    def note(self, text: str) -> None:
        """A line on stderr, unless `-q`."""
        if not self.quiet:
            _put(sys.stderr, text + "\n")

    def detail(self, text: str) -> None:
        """A line on stderr with `-v`."""
        if self.verbose:
            _put(sys.stderr, text + "\n")

    def diagnose(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Findings on stderr, as a compiler shows them, the first of each code; `-q` leaves only errors."""
        from metricsctl.render.text import finding

        style = style_of(sys.stderr, self.color)
        counts: dict[str, int] = {}
        for item in diagnostics:
            if item.severity is Severity.ERROR or not self.quiet:
                counts[item.code] = counts.get(item.code, 0) + 1
                if counts[item.code] <= _MANY:
                    _put(sys.stderr, finding(item, _line(item.span), style))
        for code, count in counts.items():
            if count > _MANY:
                _put(sys.stderr, f"and {count - _MANY:,} more of {code}\n")

    def fail(self, error: MetricsctlError) -> int:
        """Show an error that the user can mend, in the asked format; gives its exit code."""
        if self.format in _JSON:
            from metricsctl.render.json import dump, failure

            style = style_of(sys.stdout)
            _put(sys.stdout, dump(failure(error, self.verb), style, indent=2 if self.format == "json" else None) + "\n")
            return error.exit_code
        if isinstance(error, ProjectError) and error.diagnostics:
            self.diagnose(error.diagnostics)
        _put(sys.stderr, _shown(error, style_of(sys.stderr, self.color)))
        return error.exit_code

    @property
    def _to_file(self) -> bool:
        return self.path is not None and str(self.path) != "-"


def _shown(error: MetricsctlError, style: Style) -> str:
    from metricsctl.render.style import paint
    from metricsctl.render.text import finding

    if error.span is not None:
        shown = Diagnostic("error:", Severity.ERROR, error.message, error.span, error.hint)
        return finding(shown, _line(error.span), style)
    hint = f"  {paint('hint:', 'cyan', style)} {error.hint}\n" if error.hint else ""
    return f"{paint('error:', 'bold red', style)} {error.message}\n{hint}"


def _line(span: Span | None) -> str | None:
    """The line of a file that a span names, if it can be had."""
    if span is None:
        return None
    with contextlib.suppress(OSError, ValueError):
        lines = Path(span.path).read_text(encoding="utf-8-sig").split("\n")
        return lines[span.line - 1] if span.line <= len(lines) else None
    return None


def replace_file(path: Path, payload: str | bytes) -> None:
    """Write a file whole or not at all; what is no file (a device, a pipe) is written to as it is, never replaced."""
    raw = payload if isinstance(payload, bytes) else (payload if payload.endswith("\n") or not payload else payload + "\n").encode()
    path = path.resolve()
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(raw)
            return
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}", hint="check the folder and its permissions") from error
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(raw)
        temporary.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}", hint="check the folder and its permissions") from error
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
