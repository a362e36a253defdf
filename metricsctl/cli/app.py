"""The wiring: which verb stands where, help texts, and what happens to a line that is not understood.

To add a command, write `cli/commands/<verb>.py` with a function under `@verb(...)` and give it its line in `COMMANDS`.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections.abc import Sequence
from typing import Any

import typer

from metricsctl._version import __version__
from metricsctl.cli.help import purpose_and_epilog
from metricsctl.cli.io import Output
from metricsctl.cli.verb import guarded
from metricsctl.core.errors import UsageError
from metricsctl.core.names import close_match

__all__ = ["COMMANDS", "build", "run"]

# verb -> (module:function, panel of the help); in the order of the help
COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("metricsctl.cli.commands.demo:demo", "Definitions"),
    "init": ("metricsctl.cli.commands.init:init", "Definitions"),
    "list": ("metricsctl.cli.commands.list_:list_", "Definitions"),
    "describe": ("metricsctl.cli.commands.describe:describe", "Definitions"),
    "lint": ("metricsctl.cli.commands.lint:lint", "Definitions"),
    "test": ("metricsctl.cli.commands.test:test", "Definitions"),
    "rule": ("metricsctl.cli.commands.rule:rule", "Definitions"),
    "lineage": ("metricsctl.cli.commands.lineage:lineage", "Definitions"),
    "impact": ("metricsctl.cli.commands.impact:impact", "Definitions"),
    "changes": ("metricsctl.cli.commands.changes:changes", "Numbers"),
    "ingest": ("metricsctl.cli.commands.ingest:ingest", "Numbers"),
    "sample": ("metricsctl.cli.commands.sample:sample", "Numbers"),
    "query": ("metricsctl.cli.commands.query:query", "Numbers"),
    "detect": ("metricsctl.cli.commands.detect:detect", "Numbers"),
    "explain": ("metricsctl.cli.commands.explain:explain", "Numbers"),
    "drill": ("metricsctl.cli.commands.drill:drill", "Numbers"),
    "store": ("metricsctl.cli.commands.store:store", "Numbers"),
    "schema": ("metricsctl.cli.commands.schema:schema", "This tool"),
    "config": ("metricsctl.cli.commands.config:config", "This tool"),
}

_PURPOSE = "Metrics as code: which numbers does this change move, and which change moved this number?"


def _command(name: str) -> Any:
    module, attribute = COMMANDS[name][0].split(":")
    return getattr(importlib.import_module(module), attribute)


def _version(value: bool) -> None:
    if value:
        sys.stdout.write(f"metricsctl {__version__}\n")
        raise typer.Exit


def build(only: str | None = None) -> Any:
    """The command tree, as a click group; with just one verb if `only` names one, so that no other is imported."""
    settings = {"help_option_names": ["-h", "--help"]}
    app = typer.Typer(name="metricsctl", help=_PURPOSE, add_completion=False, context_settings=settings, rich_markup_mode="rich")

    @app.callback()
    def root(
        version: bool = typer.Option(False, "--version", "-V", callback=_version, is_eager=True, help="Show the version and exit."),
    ) -> None:
        del version

    for name in COMMANDS if only not in COMMANDS else (str(only),):
        command, panel = _command(name), COMMANDS[name][1]
        if isinstance(command, typer.Typer):
            for inner in command.registered_commands:
                inner.help, inner.epilog = purpose_and_epilog(inner.callback.__doc__ or "")
            app.add_typer(command, name=name, rich_help_panel=panel, context_settings=settings)
        else:
            purpose, epilog = purpose_and_epilog(command.__doc__ or "")
            app.command(name, help=purpose, epilog=epilog, rich_help_panel=panel, context_settings=settings)(command)
    return typer.main.get_command(app)


def _usage_error() -> type[Exception]:
    """The base of what the parser raises; reached by a public name, since its home moved between versions of typer."""
    return next(base for base in reversed(typer.BadParameter.__mro__) if base.__name__ == "ClickException")


def _asked_format(arguments: Sequence[str]) -> str:
    joined = " ".join(arguments)
    found = re.search(r"--format[ =](jsonl?)\b", joined)
    return found[1] if found else "text"


def _mended(error: Exception, arguments: Sequence[str]) -> UsageError:
    """What the parser could not read, in our words."""
    text = str(getattr(error, "format_message", lambda: error)()).strip()
    first = next((word for word in arguments if not word.startswith("-")), "")
    unknown = re.match(r"No such command '(.*?)'", text)
    if unknown:
        near = close_match(unknown[1], COMMANDS) if unknown[1] == first else None
        above = f"metricsctl {first}" if unknown[1] != first else "metricsctl"
        hint = f"did you mean '{near}'?" if near else f"`{above} --help` lists the commands"
        return UsageError(f"unknown command '{unknown[1]}'", hint=hint)
    message, _, near_options = text.partition(" (Possible options: ")
    shown = f"did you mean {near_options.rstrip(').')}?" if near_options else f"`metricsctl {first} --help` shows what it takes"
    message = message.rstrip(".")
    return UsageError(message[:1].lower() + message[1:], hint=shown if first in COMMANDS else None)


def run(arguments: Sequence[str]) -> int:
    """Run one line; gives the exit code."""
    if "_METRICSCTL_COMPLETE" in os.environ:
        from typer.completion import completion_init  # type: ignore[attr-defined]  # what typer itself calls where it adds its options

        completion_init()
        build().main(args=list(arguments), prog_name="metricsctl")
    verb = next((word for word in arguments if not word.startswith("-")), None)
    out = Output(verb if verb in COMMANDS else "error", format=_asked_format(arguments))
    return guarded(out, lambda: _invoke(verb, list(arguments)))


def _invoke(verb: str | None, arguments: list[str]) -> int:
    group = build(verb)
    try:
        with group.make_context("metricsctl", arguments or ["--help"]) as context:
            result = group.invoke(context)
    except typer.Exit as leave:
        return int(leave.exit_code)
    except typer.Abort:
        raise KeyboardInterrupt from None
    except _usage_error() as error:
        if type(error).__name__ == "NoArgsIsHelpError":  # the help is shown already
            return UsageError.exit_code
        raise _mended(error, arguments) from None
    return int(result or 0)
