"""What every verb has in common: output options, one handler of errors, the exit code."""

from __future__ import annotations

import functools
import inspect
import os
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from metricsctl.cli.config import COLORS, load_config
from metricsctl.cli.io import Output, silence
from metricsctl.cli.options import OUTPUT_PANEL, ColorOption, ExitZeroOption, OutputOption, QuietOption, VerboseOption
from metricsctl.core.errors import MetricsctlError, UsageError
from metricsctl.core.names import nearest
from metricsctl.core.remembered import retain

__all__ = ["guarded", "one_of", "verb"]

Command = Callable[..., int | None]


def verb(*formats: str, name: str | None = None, own_output: bool = False) -> Callable[[Command], Command]:
    """Make a command of a function `(out: Output, ...) -> exit code or None`.

    The first of `formats` is the default. The options -o, -q, -v, --color, --exit-zero and --format are added and end up in `out`; errors
    become messages and exit codes. `own_output`: -o means something else to this verb, whose result always goes to stdout.
    """

    def decorate(function: Command) -> Command:
        verb_name = name or function.__name__.rstrip("_")
        hints = get_type_hints(function, include_extras=True)
        own = [
            parameter.replace(annotation=hints[parameter.name], kind=inspect.Parameter.KEYWORD_ONLY)
            for parameter in inspect.signature(function).parameters.values()
            if parameter.name != "out"
        ]
        shared = [item for item in _shared_parameters(formats) if not (own_output and item.name == "output")]

        @functools.wraps(function)
        def command(**values: Any) -> int:
            common = {parameter.name: values.pop(parameter.name) for parameter in shared}
            out = Output(verb_name, format=common["format_"])
            return guarded(out, lambda: function(_configured(out, formats, common), **values))

        command.__signature__ = inspect.Signature([*own, *shared])  # type: ignore[attr-defined]
        command.__annotations__ = {parameter.name: parameter.annotation for parameter in (*own, *shared)}
        return command

    return decorate


def _shared_parameters(formats: tuple[str, ...]) -> list[inspect.Parameter]:
    """The output options of a verb, as parameters of its function."""
    choice = typer.Option("--format", metavar="FORMAT", help="One of " + ", ".join(formats) + ".", rich_help_panel=OUTPUT_PANEL)
    options: tuple[tuple[str, Any, Any], ...] = (
        ("format_", Annotated[str, choice], formats[0]),
        ("output", OutputOption, None),
        ("quiet", QuietOption, False),
        ("verbose", VerboseOption, False),
        ("color", ColorOption, None),
        ("exit_zero", ExitZeroOption, False),
    )
    kind = inspect.Parameter.KEYWORD_ONLY
    return [inspect.Parameter(key, kind, default=default, annotation=annotation) for key, annotation, default in options]


def _configured(out: Output, formats: tuple[str, ...], common: dict[str, Any]) -> Output:
    out.path, out.quiet, out.verbose = common.get("output"), common["quiet"], common["verbose"]
    out.exit_zero = common["exit_zero"]
    if common["color"] is not None:
        out.color = one_of("--color", common["color"], COLORS)
    if out.format not in formats:
        wrong, out.format = out.format, formats[0]
        one_of("--format", wrong, formats)
    if common["color"] is None:
        out.color = load_config().get("color")
    return out


def one_of(option: str, value: str, choices: tuple[str, ...]) -> str:
    """`value` if it is one of the choices, else UsageError."""
    if value not in choices:
        raise UsageError(f"{option} cannot be '{value}'", hint=nearest(value, choices) or f"one of {', '.join(choices)}")
    return value


def guarded(out: Output, work: Callable[[], int | None]) -> int:
    """Run a command's work; every way it can end becomes an exit code."""
    try:
        code = work() or 0
    except MetricsctlError as error:
        return out.fail(error)
    except BrokenPipeError:
        silence(sys.stdout)
        return 0
    except KeyboardInterrupt:
        return _interrupted()
    except Exception as error:  # noqa: BLE001 - the one place that turns a fault of ours into a line and a log
        return _interrupted() if _is_interrupt(error) else _fault(out, error)
    finally:
        retain()
    return 0 if code == 1 and out.exit_zero else code


def _interrupted() -> int:
    sys.stderr.write("interrupted\n")
    return 130


def _is_interrupt(error: Exception) -> bool:
    """Whether ^C came while DuckDB was at work: it swallows the KeyboardInterrupt and raises one of these."""
    return (type(error) is RuntimeError and str(error) == "Query interrupted") or type(error).__name__ == "InterruptException"


def _fault(out: Output, error: Exception) -> int:
    handle, name = tempfile.mkstemp(prefix="metricsctl-", suffix=".log")
    with os.fdopen(handle, "w", encoding="utf-8") as log:
        log.write(f"metricsctl {' '.join(sys.argv[1:])}\n")
        traceback.print_exception(error, file=log)
    what = f"{type(error).__name__}: {error}".split("\n", 1)[0]
    message = f"a fault of ours: {what}; the traceback is in {Path(name)}"
    if out.format in {"json", "jsonl"}:
        from metricsctl.render.json import broken, dump
        from metricsctl.render.style import Style

        sys.stdout.write(dump(broken(out.verb, "internal", message), Style(ascii=True)) + "\n")
    else:
        sys.stderr.write(message + "\n")
    return 4
